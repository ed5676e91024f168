"""Port 30004: RTDE. Subscriptions out, registers in."""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping

from .controller import Controller
from .sockets import Session, Wire
from .variables import INPUTS, OUTPUTS, knows
from .wire import Packet, Recipe, packet, take_packets

PORT = 30004
_V1_RATE_HZ = 125
"""Of a client that did not ask for protocol 2, where it chooses the rate itself."""


class RtdePort:
    """What the RTDE sessions share: the controller, its outputs, and who writes which input."""

    def __init__(self, controller: Controller, outputs: Mapping[str, object]) -> None:
        self.controller = controller
        self.outputs = outputs
        self.writers: dict[str, RtdeSession] = {}

    def connect(self, connection: socket.socket, wire: Wire) -> RtdeSession:
        """Return the session of a new client."""
        return RtdeSession(connection, wire, self)


class RtdeSession(Session):
    """One RTDE client."""

    def __init__(self, connection: socket.socket, wire: Wire, port: RtdePort) -> None:
        super().__init__(connection, wire)
        self._port = port
        self._buffer = bytearray()
        self._output: Recipe | None = None
        self._inputs: dict[int, Recipe] = {}
        self._every = 1
        self._started = False
        self._protocol = 1

    def receive(self, data: bytes) -> None:
        """Answer every whole packet."""
        self._buffer += data
        for kind, payload in take_packets(self._buffer):
            if kind == Packet.DATA:
                self._write(payload)
            else:
                self.send(packet(Packet(kind), self._answer(Packet(kind), payload)), self._now_s)

    @property
    def _now_s(self) -> float:
        return self._port.controller.time_s

    def publish(self) -> None:
        """Send one data packet if this tick is one of the client's."""
        every = self._every * self.wire.one_in
        if self._started and self._output and self._port.controller.ticks % every == 0:
            payload = self._output.pack(self._port.outputs)
            # Protocol 1 knows one recipe for outputs, and no number for it.
            self.send(packet(Packet.DATA, payload[self._protocol == 1 :]), self._now_s)

    def close(self) -> None:
        """Close, and let others write this client's inputs; the values stay."""
        writers = self._port.writers
        for name in [name for name, session in writers.items() if session is self]:
            del writers[name]
        super().close()

    def _answer(self, kind: Packet, payload: bytes) -> bytes:
        if kind is Packet.PROTOCOL_VERSION:
            return self._negotiate(*struct.unpack(">H", payload))
        if kind is Packet.CONTROLLER_VERSION:
            version = self._port.controller.polyscope
            return struct.pack(">4I", version.major, version.minor, version.bugfix, 0)
        if kind is Packet.SETUP_OUTPUTS:
            return self._subscribe(payload)
        if kind is Packet.SETUP_INPUTS:
            return self._claim(payload)
        if kind in (Packet.START, Packet.PAUSE):
            self._started = kind is Packet.START and self._output is not None
            return bytes([int(self._started or kind is Packet.PAUSE)])
        raise ValueError(f"A client does not send packets of type {kind.name}.")

    def _negotiate(self, protocol: int) -> bytes:
        if protocol not in (1, 2):
            return b"\0"
        self._protocol = protocol
        return b"\1"

    def _subscribe(self, payload: bytes) -> bytes:
        frequency = float(_V1_RATE_HZ)
        if self._protocol == 2:
            (frequency,) = struct.unpack_from(">d", payload)
            payload = payload[8:]
        rate = self._port.controller.polyscope.rate_hz
        if not 1.0 <= frequency <= rate:
            frequency = rate
        self._every = max(1, round(rate / frequency))
        types = self._types(payload, OUTPUTS)
        found = "NOT_FOUND" not in types.values()
        self._output = Recipe(1, tuple(types.items())) if found and types else None
        number = bytes([int(found)]) if self._protocol == 2 else b""
        return number + ",".join(types.values()).encode()

    def _claim(self, payload: bytes) -> bytes:
        types = self._types(payload, INPUTS)
        for name in types:
            if self._port.writers.get(name, self) is not self:
                types[name] = "IN_USE"
        if {"NOT_FOUND", "IN_USE"} & set(types.values()):
            return b"\0" + ",".join(types.values()).encode()
        self._port.writers.update(dict.fromkeys(types, self))
        number = len(self._inputs) + 1
        self._inputs[number] = Recipe(number, tuple(types.items()))
        return bytes([number]) + self._inputs[number].types.encode()

    def _types(self, names: bytes, known: Mapping[str, str]) -> dict[str, str]:
        version = self._port.controller.polyscope
        # ur_rtde ends the list with a comma.
        wanted = [name for name in names.decode("ascii").split(",") if name]
        return {
            name: known[name] if name in known and knows(version, name) else "NOT_FOUND"
            for name in wanted
        }

    def _write(self, payload: bytes) -> None:
        values = self._inputs[payload[0]].unpack(payload)
        self._port.controller.write_inputs(values)
