"""Policies over openpi's websocket protocol: a server for any policy, a client for any server."""
