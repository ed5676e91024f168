"""Non-blocking TCP for one thread: listeners, sessions, and what can go wrong on a wire."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from steer_gym.errors import UnknownNameError

_FULL = 1 << 16
"""Bytes a session holds back before it drops messages, as real controllers do."""

_FITS: dict[type, tuple[str, Callable[[Any], bool]]] = {
    bool: ("true or false", lambda v: isinstance(v, bool)),
    int: ("a whole number from 1 up", lambda v: type(v) is int and v >= 1),
    float: ("seconds from 0 to 3600", lambda v: type(v) in (int, float) and 0 <= v <= 3600),
}
"""What a fault takes, by the type of its default."""


@dataclass
class Wire:
    """Faults of the network, shared by the sessions of one port; set over the admin channel."""

    frozen: bool = False
    """Nothing goes out; what comes in is read."""
    blackhole: bool = False
    """Nothing goes out and nothing is read; sockets stay open."""
    stalling: bool = False
    """A client that leaves a megabyte of the stream unread is no longer served (script port)."""
    refusing: bool = False
    """New connections are closed at once."""
    delay_s: float = 0.0
    """Messages go out this much later."""
    one_in: int = 1
    """Of the stream of readings only one in so many goes out (RTDE port)."""
    jitter_s: float = 0.0
    """And up to this much later still, at random; their order stays."""

    def set(self, name: str, value: object) -> None:
        """Set one fault by its name.

        Raises:
            UnknownNameError: There is no such fault.
            ValueError: The value is not one of its kind.
        """
        known = {fault.name: fault.default for fault in fields(self)}
        if name not in known:
            raise UnknownNameError("network fault", name, known)
        wanted, fits = _FITS[type(known[name])]
        if not fits(value):
            raise ValueError(f"{name} takes {wanted}, not {value!r}.")
        setattr(self, name, value)


class Session:
    """One connection; subclasses read ``receive`` and call ``send``."""

    def __init__(self, connection: socket.socket, wire: Wire) -> None:
        self.connection = connection
        self.wire = wire
        self.closed = False
        self.broke: Exception | None = None
        """What the client's nonsense led to, when that closed the connection."""
        self._out = bytearray()
        self._late: deque[tuple[float, bytes]] = deque()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def receive(self, data: bytes) -> None:
        """Take bytes from the client."""

    def send(self, message: bytes, now_s: float = 0.0) -> bool:
        """Queue a whole message; false when it was dropped."""
        if self.closed or self.wire.frozen or self.wire.blackhole:
            return False
        if self._late or self.wire.delay_s > 0 or self.wire.jitter_s > 0:
            later = self.wire.delay_s + random.uniform(0.0, self.wire.jitter_s)
            self._late.append((now_s + later, message))
            return True
        if not self.has_room(len(message)):
            return False
        self._out += message
        self.flush(now_s)
        return True

    def has_room(self, size: int) -> bool:
        """Tell whether a message of so many bytes would be taken."""
        return len(self._out) + size <= _FULL

    def flush(self, now_s: float) -> None:
        """Hand to the kernel what is due."""
        if self.closed or self.wire.blackhole:
            return
        while self._late and self._late[0][0] <= now_s:
            self._out += self._late.popleft()[1]
        try:
            while self._out:
                del self._out[: self.connection.send(self._out)]
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def pump(self) -> None:
        """Read what has come and pass it on; a client's nonsense closes its connection.

        Whatever goes wrong with what one client sent, the others are still served.
        """
        try:
            data = self.connection.recv(65536)
            if data:
                self.receive(data)
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        except Exception as error:
            self.broke = error
        self.close()

    def close(self) -> None:
        """Close; safe to call twice."""
        self.closed = True
        self.connection.close()

    def reset(self) -> None:
        """Close as a crashed host does, with RST instead of FIN."""
        with contextlib.suppress(OSError):
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close()


class LineSession(Session):
    """A session that talks in lines of text."""

    def __init__(self, connection: socket.socket, wire: Wire) -> None:
        super().__init__(connection, wire)
        self._in = bytearray()

    def receive(self, data: bytes) -> None:
        """Split into lines and pass each on."""
        self._in += data
        while b"\n" in self._in:
            line, _, rest = bytes(self._in).partition(b"\n")
            self._in = bytearray(rest)
            self.line(line.decode("latin-1").strip())

    def line(self, text: str) -> None:
        """Take one line, stripped."""


class Listener:
    """A listening socket and the sessions it accepted."""

    def __init__(
        self, host: str, port: int, create: Callable[[socket.socket, Wire], Session]
    ) -> None:
        """Bind; port 0 takes a free one.

        Raises:
            OSError: The address is taken, or not this machine's.
        """
        self.wire = Wire()
        self.sessions: list[Session] = []
        self._create = create
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
        except OSError:
            self.socket.close()
            raise
        self.socket.listen(8)
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def accept(self) -> None:
        """Accept one waiting connection."""
        try:
            connection, _ = self.socket.accept()
        except BlockingIOError:
            return
        if self.wire.refusing:
            connection.close()
            return
        self.sessions.append(self._create(connection, self.wire))

    def sweep(self, now_s: float) -> list[Exception]:
        """Send what is due and forget closed sessions; return what broke any of them."""
        for session in self.sessions:
            session.flush(now_s)
        broke = [session.broke for session in self.sessions if session.broke]
        self.sessions = [session for session in self.sessions if not session.closed]
        return broke

    def drop(self) -> int:
        """Cut every connection; return how many there were."""
        for session in self.sessions:
            session.reset()
        count, self.sessions = len(self.sessions), []
        return count

    def close(self) -> None:
        """Close the port and its sessions."""
        for session in self.sessions:
            session.close()
        self.sessions = []
        self.socket.close()
