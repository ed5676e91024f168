"""Ports 30001 and 30002: the robot's state ten times a second, and scripts in.

The primary client (30001) is told of events as well. 30011 and 30012 tell the same, and take no
scripts.
"""

from __future__ import annotations

import socket
from typing import Any

from .controller import Controller
from .outputs import Outputs
from .robot_messages import messages_of, version_message
from .robot_state import robot_state
from .script_orders import refuse_script, take_script
from .script_reader import ScriptReader
from .sockets import Session, Wire

PRIMARY, SECONDARY, PRIMARY_READ_ONLY, SECONDARY_READ_ONLY = 30001, 30002, 30011, 30012
RATE_HZ = 10


class PrimarySession(Session):
    """One client of either port."""

    def __init__(
        self,
        connection: socket.socket,
        wire: Wire,
        controller: Controller,
        *,
        events: bool,
        scripts: bool = True,
    ) -> None:
        """Greet a client with the version message.

        Args:
            connection: To the client.
            wire: The port's faults.
            controller: Whose state is told.
            events: Whether it is told of events.
            scripts: Whether its scripts are taken.
        """
        super().__init__(connection, wire)
        self._controller = controller
        self._outputs = Outputs(controller)
        self._reader = ScriptReader()
        self._scripts = scripts
        self._events = events
        self._untold: list[bytes] = []
        if events:
            controller.events.listeners.append(self._tell)
        self.send(version_message(controller.polyscope), controller.time_s)

    def receive(self, data: bytes) -> None:
        """Take scripts."""
        for script in self._reader.feed(data):
            (take_script if self._scripts else refuse_script)(self._controller, script)

    def publish(self) -> None:
        """Send the state if it is time for it, and after it what has happened since the last."""
        c = self._controller
        if c.ticks % round(c.polyscope.rate_hz / RATE_HZ) == 0:
            for message in (robot_state(c, self._outputs), *self._untold):
                self.send(message, c.time_s)
            self._untold.clear()

    def close(self) -> None:
        """Close, and hear of no more events."""
        if not self.closed and self._events:
            self._controller.events.listeners.remove(self._tell)
        super().close()

    def _tell(self, event: dict[str, Any]) -> None:
        self._untold += messages_of(event)
