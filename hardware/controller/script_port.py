"""Port 30003: scripts in; a state stream out, which may stall a client that never reads it.

URSim was seen to ignore scripts of a client that does not read, as ur_rtde does not; others report
that it works. Here it works, unless the fault ``stalling`` is set on the port's wire.
"""

from __future__ import annotations

import socket

from .controller import Controller
from .outputs import Outputs
from .realtime_stream import packet_size, realtime_packet
from .script_orders import refuse_script, take_script
from .script_reader import ScriptReader
from .sockets import Session, Wire

PORT, READ_ONLY_PORT = 30003, 30013
_STALL_AT = 1 << 20
"""Bytes of unread stream after which a client is no longer served."""


class ScriptSession(Session):
    """One client of the script port."""

    def __init__(
        self,
        connection: socket.socket,
        wire: Wire,
        controller: Controller,
        *,
        scripts: bool = True,
    ) -> None:
        super().__init__(connection, wire)
        self._controller = controller
        self._outputs = Outputs(controller)
        self._reader = ScriptReader()
        self._scripts = scripts
        self._size = packet_size(controller.polyscope)
        self._unread = 0
        # A small buffer, so that the kernel does not hide a client that never reads.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    @property
    def stalled(self) -> bool:
        """Tell whether the client has left too much of the stream unread."""
        return self.wire.stalling and self._unread > _STALL_AT

    def receive(self, data: bytes) -> None:
        """Take scripts."""
        if self.stalled:
            return
        for script in self._reader.feed(data):
            (take_script if self._scripts else refuse_script)(self._controller, script)

    def publish(self) -> None:
        """Send one packet of the stream, or count it as unread."""
        c = self._controller
        if self.has_room(self._size):
            self.send(realtime_packet(self._outputs, c.polyscope), c.time_s)
        else:
            self._unread += self._size
