"""Port 30003: scripts in; a state stream out, which may stall a client that never reads it.

URSim was seen to ignore scripts of a client that does not read, as ur_rtde does not; others report
that it works. Here it works, unless the fault ``stalling`` is set on the port's wire.
"""

from __future__ import annotations

import re
import socket

from . import urscript
from .controller import Controller
from .outputs import Outputs
from .realtime_stream import SIZE, realtime_packet
from .sockets import Session, Wire

PORT = 30003
_END = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE)
_BEGIN = re.compile(rb"\s*(def|sec)\s|#")
_STALL_AT = 1 << 20
"""Bytes of unread stream after which a client is no longer served."""


class ScriptSession(Session):
    """One client of the script port."""

    def __init__(
        self, connection: socket.socket, wire: Wire, controller: Controller, *, streaming: bool
    ) -> None:
        super().__init__(connection, wire)
        self._controller = controller
        self._outputs = Outputs(controller)
        self._streaming = streaming
        self._text = bytearray()
        self._unread = 0
        # A small buffer, so that the kernel does not hide a client that never reads.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    @property
    def stalled(self) -> bool:
        """Tell whether the client has left too much of the stream unread."""
        return self.wire.stalling and self._unread > _STALL_AT

    def receive(self, data: bytes) -> None:
        """Collect a script until its closing ``end`` in the first column; then start it."""
        if self.stalled:
            return
        self._text += data
        self._take_lines()
        while found := _END.search(self._text):
            script = bytes(self._text[: found.end()])
            del self._text[: found.end()]
            self._controller.upload(script.decode("latin-1"))

    def _take_lines(self) -> None:
        """Run each line outside a program as one of its own; what is no statement is ignored."""
        while b"\n" in self._text and not _BEGIN.match(self._text):
            line, _, rest = bytes(self._text).partition(b"\n")
            self._text = bytearray(rest)
            text = line.decode("latin-1").strip()
            if text and urscript.is_straight(text):
                self._controller.upload(text)

    def publish(self) -> None:
        """Send one packet of the stream, or count it as unread."""
        if not self._streaming:
            return
        if self.has_room(SIZE):
            self.send(realtime_packet(self._outputs), self._controller.time_s)
        else:
            self._unread += SIZE
