"""The atlas: a model's neurons as one HTML page that needs no server."""
