"""Port 29999: the dashboard server, a line in, a line out."""

from __future__ import annotations

import socket

from .dashboard import Dashboard, reply
from .sockets import LineSession, Wire

PORT = 29999
BANNER = "Connected: Universal Robots Dashboard Server"


class DashboardSession(LineSession):
    """One dashboard client."""

    def __init__(self, connection: socket.socket, wire: Wire, dashboard: Dashboard) -> None:
        super().__init__(connection, wire)
        self._dashboard = dashboard
        self._say(BANNER)

    def line(self, text: str) -> None:
        """Answer a request."""
        if text.lower() == "quit":
            self._say("Disconnected")
            self.close()
            return
        self._say(reply(self._dashboard, text))

    def _say(self, text: str) -> None:
        self.send(f"{text}\n".encode("latin-1"), self._dashboard.controller.time_s)
