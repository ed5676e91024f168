"""Ports 30001 and 30002 byte for byte, over real sockets, with the simulator's clock in hand."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.polyscope import PolyScope
from steer_gym.hardware.controller.primary_port import PrimarySession
from steer_gym.hardware.controller.sockets import Listener

STATE, MESSAGE = 16, 20
SIZES = {0: 47, 1: 251, 2: 37, 3: 75, 4: 101, 5: 225, 6: 445, 7: 61, 8: 9, 11: 26, 12: 8}
"""Of the sub-packages, from UR's guide and a state message of PolyScope 5.24."""


class Client:
    """A client of the port, and the controller behind it."""

    def __init__(self, polyscope: str = "5.11.5", **options: bool) -> None:
        self.controller = Controller(KinematicPlant(), polyscope=PolyScope.parse(polyscope))
        settings = {"controller": self.controller, "events": True, **options}
        self.port = Listener("127.0.0.1", 0, partial(PrimarySession, **settings))  # type: ignore[arg-type]
        self.socket = socket.create_connection(("127.0.0.1", self.port.port))
        self.port.accept()
        self.session = self.port.sessions[0]

    def send(self, text: str) -> None:
        self.socket.sendall(text.encode())
        self.session.pump()

    def close(self) -> None:
        self.port.close()
        self.socket.close()

    def packages(self, seconds: float) -> list[tuple[int, bytes]]:
        """Let time pass; return (type, payload) of what came meanwhile."""
        received = bytearray()
        for _ in range(round(seconds / self.controller.dt_s)):
            self.controller.tick()
            self.session.publish()  # type: ignore[attr-defined]
        self.socket.setblocking(False)
        while True:
            try:
                received += self.socket.recv(65536)
            except BlockingIOError:
                break
        found = []
        while received:
            size, kind = struct.unpack_from(">IB", received)
            found.append((kind, bytes(received[5:size])))
            del received[:size]
        return found

    def messages(self, seconds: float) -> list[tuple[int, bytes]]:
        """Return (type, body) of the messages alone."""
        came = self.packages(seconds)
        return [(payload[9], payload[10:]) for kind, payload in came if kind == MESSAGE]


@pytest.fixture
def client() -> Iterator[Client]:
    with contextlib.closing(Client()) as made:
        yield made


def parts(state: bytes) -> dict[int, bytes]:
    found = {}
    while state:
        size, kind = struct.unpack_from(">IB", state)
        found[kind], state = state[5:size], state[size:]
    return found


def test_a_client_is_told_the_version_first_and_the_state_ten_times_a_second(
    client: Client,
) -> None:
    first, *rest = client.packages(1.0)
    assert first[0] == MESSAGE
    assert first[1][9] == 3
    assert first[1][11:23] == b"URControl\x05\x0b\x00"
    assert [kind for kind, _ in rest] == [STATE] * 10


def test_the_state_has_its_parts_in_the_sizes_of_urs_guide(client: Client) -> None:
    state = client.packages(0.1)[-1][1]
    found = parts(state)
    assert {kind: len(part) + 5 for kind, part in found.items()} == SIZES
    c = client.controller
    np.testing.assert_allclose(struct.unpack_from(">6d", found[4]), c.tool_pose)
    assert struct.unpack_from(">d", found[1], 41)[0] == c.plant.q[1]
    assert tuple(found[0][8:17]) == (1, 1, 1, 0, 0, 0, 0, 7, 0)
    assert struct.unpack_from(">d", found[6], 232 + 8)[0] == c.arm.a[1]


def test_a_cb3_state_lacks_what_the_e_series_added() -> None:
    with contextlib.closing(Client("3.15.8")) as client:
        state = client.packages(0.1)[-1][1]
    assert {11, 12}.isdisjoint(parts(state))


def test_a_program_that_starts_speaks_and_ends_is_told(client: Client) -> None:
    client.send('def talk():\n  textmsg("hello ", 3)\n  sleep(0.1)\nend\n')
    told = client.messages(0.5)
    assert [kind for kind, _ in told] == [3, 7, 0, 7]
    assert told[1][1].endswith(b"PROGRAM_XXX_STARTEDtalk")
    assert told[2][1] == b"hello 3"
    assert told[3][1].endswith(b"PROGRAM_XXX_STOPPEDtalk")


def test_a_script_that_does_not_compile_is_told_where_and_why(client: Client) -> None:
    client.send("def f():\n  textmsg(1)\n  jump(2)\nend\n")
    kind, body = client.messages(0.2)[-1]
    assert kind == 10
    assert struct.unpack_from(">ii", body) == (3, 3)
    assert body[8:] == b"compile_error_name_not_found:jump:"


def test_a_protective_stop_is_in_the_state_before_it_is_told(client: Client) -> None:
    client.send("protective_stop()\n")
    came = client.packages(0.3)
    told = next(i for i, (kind, body) in enumerate(came) if kind == MESSAGE and body[9] == 5)
    before = next(body for kind, body in reversed(came[:told]) if kind == STATE)
    assert parts(before)[0][12] == 1
    code, _, level = struct.unpack_from(">iii", came[told + 1][1], 10)
    assert (code, level) == (150, 2)


def test_the_end_of_a_protective_stop_is_told(client: Client) -> None:
    client.send("protective_stop()\n")
    client.packages(5.2)
    client.send("set unlock protective stop\n")
    modes = [body[8] for kind, body in client.messages(0.2) if kind == 5]
    assert modes == [1]


@pytest.mark.parametrize("why", ["read-only port", "local control"])
def test_a_port_that_only_tells_refuses_scripts_with_c210(why: str) -> None:
    with contextlib.closing(Client(scripts=why != "read-only port")) as client:
        client.controller.remote = why != "local control"
        client.send("set_digital_out(0, True)\npower off\n")
        errors = [body for kind, body in client.messages(0.2) if kind == 6]
    assert [struct.unpack_from(">i", body)[0] for body in errors] == [210, 210]
    assert client.controller.digital_outputs == 0
    assert client.controller.mode.name == "RUNNING"


def test_the_arm_is_switched_off_and_on_by_the_orders_of_urs_library(client: Client) -> None:
    client.send("power off\n")
    client.packages(0.1)
    assert client.controller.mode.name == "POWER_OFF"
    client.send("set robotmode run\n")
    client.packages(2.0)
    assert client.controller.mode.name == "RUNNING"


def test_a_secondary_client_hears_of_no_events() -> None:
    with contextlib.closing(Client(events=False)) as client:
        client.send("textmsg('a')\n")
        assert [kind for kind, _ in client.messages(0.3)] == [3]


def test_a_client_that_leaves_is_forgotten(client: Client) -> None:
    client.session.close()
    assert client.controller.events.listeners == []
