"""Whatever clients send, the simulator goes on, and answers the others."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import struct
from collections.abc import Iterator
from inspect import signature
from typing import Any

import pytest

from steer_gym.hardware.controller.admin_port import ORDERS
from steer_gym.hardware.controller.settings import SimulatorSettings
from steer_gym.hardware.controller.simulator import Simulator
from steer_gym.hardware.controller.sockets import Wire
from steer_gym.hardware.controller.statements import STATEMENTS
from steer_gym.hardware.controller.variables import OUTPUTS, knows
from steer_gym.hardware.controller.wire import Packet, packet, take_packets
from steer_gym.hardware.modes import RobotMode, SafetyMode

VALUES = [
    *("0", "1", "-1", "2.5", "1e308", "-1e308", "1e999", "10 + 5", "48", f"1{'0' * 400}", "True"),
    *('"a"', '"\\ud800"', "[]", "[[1]]", '["1", 2, 3, 4, 5, 6]', "[1e308, 0, 0, 0, 0, 1e200]"),
    *(
        "[0, 0, 0.1, 0, 0, 0]",
        "[0, 0, 0]",
        "p[0.4, 0, 0.3, 3.14, 0, 0]",
        "p[1e308, 0, 0, 1e200, 0, 0]",
    ),
]
"""Of arguments in scripts: they compile."""
NONSENSE = [
    *('-"a"', "1 + [2]", '"a" + 1', "-[1]", "None", "1j", "b'a'", "nan", '"unfinished', "f(1)"),
    *("(" * 150 + "1" + ")" * 150, "-" * 3000 + "1", "-" * 20000 + "1"),
]
"""And these do not."""
NAMES = ("a", "v", "t", "q", "pose", "n", "b", "value", "address", "qd", "xd", "limits")
WORDS: list[Any] = [
    *(None, True, False, 0, 1, -1, 2.5, 1e308, 10**400, float("nan"), float("inf"), "", "a"),
    *([], [1], ["a"] * 6, [1e308] * 6, [float("nan")] * 3, [0.1] * 6, [0, 0, 1e9], {}, {"a": 1}),
    *("rtde", "admin", "base", "NORMAL", "FAULT", "RUNNING", "play", "live", "tcp", ["tcp"]),
]
"""Of arguments in orders."""


HEAD = (
    "# int register offset\n{offset}\n# inject move path\n{path} end\nRTDE Control Script Loaded\n"
)


class Bench:
    """A simulator whose loop is turned by hand: an exception anywhere in it fails the test."""

    def __init__(self) -> None:
        self.simulator = Simulator(SimulatorSettings(plant="kinematic", clock="locked"))
        self.controller = self.simulator.controller
        self.rtde, self.primary = self.connect("rtde"), self.connect("primary")
        names = [name for name in OUTPUTS if knows(self.controller.polyscope, name)]
        self.say(self.rtde, packet(Packet.PROTOCOL_VERSION, b"\0\2"))
        setup = struct.pack(">d", 125.0) + ",".join(names).encode()
        self.say(self.rtde, packet(Packet.SETUP_OUTPUTS, setup))
        self.say(self.rtde, packet(Packet.START))

    def connect(self, port: str) -> socket.socket:
        address = self.simulator.host, self.simulator.listeners[port].port
        client = socket.create_connection(address, timeout=5)
        self.simulator._serve(1.0)
        return client

    def say(self, client: socket.socket, data: bytes) -> None:
        client.sendall(data)
        self.simulator._serve(1.0)

    def once(self, port: str, data: bytes) -> None:
        """Say something on a connection of its own, and leave."""
        with self.connect(port) as client, contextlib.suppress(ConnectionError):
            self.say(client, data)

    def go(self, ticks: int) -> None:
        """Let time pass for an arm that is on and well, and read what it tells."""
        c = self.controller
        c.safety.enter(SafetyMode.NORMAL, "", c.time_s)
        c.mode, c.remote, c.shut = RobotMode.RUNNING, True, False
        for listener in self.simulator.listeners.values():
            vars(listener.wire).update(vars(Wire()))
        self.simulator.advance(ticks * c.dt_s)
        for client in (self.rtde, self.primary):
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while client.recv(1 << 20):
                    pass
            client.setblocking(True)

    def kinds(self) -> set[str]:
        return {event["kind"] for event in self.controller.events.since(0.0)}

    def require_answers(self) -> None:
        """Require that a new client of RTDE is told the time, and an admin the state."""
        with self.connect("rtde") as client:
            self.say(client, packet(Packet.SETUP_OUTPUTS, b"timestamp"))
            self.say(client, packet(Packet.START))
            self.go(8)
            told = take_packets(bytearray(client.recv(65536)))
        assert [kind for kind, _ in told][:3] == [Packet.SETUP_OUTPUTS, Packet.START, Packet.DATA]
        assert 0 <= self.controller.time_s - struct.unpack(">d", told[-1][1])[0] < 0.008
        with self.connect("admin") as client:
            self.say(client, b'{"do": "state"}\n')
            assert json.loads(client.makefile().readline())["ok"]

    def close(self) -> None:
        for client in (self.rtde, self.primary):
            client.close()
        for listener in self.simulator.listeners.values():
            listener.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with contextlib.closing(Bench()) as made:
        yield made


def value(rng: random.Random) -> str:
    return rng.choice(VALUES if rng.random() < 0.95 else NONSENSE)


def call(rng: random.Random) -> str:
    given = [value(rng) for _ in range(rng.randrange(5))]
    named = [f"{rng.choice(NAMES)}={value(rng)}" for _ in range(rng.randrange(3))]
    return f"{rng.choice([*STATEMENTS])}({', '.join([*given, *named])})"


def script(rng: random.Random) -> str:
    lines = "".join(f"  {call(rng)}\n" for _ in range(rng.randrange(1, 3)))
    return rng.choice(
        [
            *(
                f"{call(rng)}\n",
                f"{call(rng)}\n",
                f"def f():\n{lines}end\n",
                f"sec f():\n{lines}end\n",
            ),
            f"def f():\n{HEAD.format(offset=rng.choice([0, 24, 40, 999]), path=lines)}end\n",
            rng.randbytes(40).decode("latin-1") + "\n",
        ]
    )


def order(rng: random.Random) -> str:
    names = sorted(ORDERS.keys() - {"shutdown", "drop"})
    known = [name for do in ORDERS.values() for name in signature(do).parameters]
    faults = ["frozen", "delay_s", "one_in", "jitter_s", "__class__", "active", "fault", "silent"]
    words = [rng.choice([*known, *faults, "a"]) for _ in range(rng.randrange(4))]
    arguments = {word: rng.choice(WORDS) for word in words}
    message = rng.choice([{"do": rng.choice(names), **arguments}] * 8 + WORDS)
    return rng.choice([json.dumps(message)] * 9 + ["[" * 100_000, "{", "\xff"])


@pytest.mark.parametrize(
    ("port", "text"),
    [
        *(("admin", text) for text in ("null", "5", "[]", '{"do": []}', "[" * 100_000)),
        *(("script", text) for text in ('sleep(-"a")', "sleep(1 + [2])", "-" * 20000 + "1")),
        *(("script", text) for text in ("signal_async_progress()", "set_tcp([0,0,0,1e200,0,0])")),
        *(
            ("primary", f"write_output_{text})")
            for text in ('integer_register(0, "a"', "float_register(0, 1j")
        ),
        ("primary", 'textmsg("\\ud800")'),
        ("primary", "def f():\n" + HEAD.format(offset=999, path="") + "end"),
    ],
)
def test_a_line_of_nonsense_leaves_the_others_served(bench: Bench, port: str, text: str) -> None:
    bench.once(port, f"{text}\n".encode())
    bench.go(60)
    bench.require_answers()


@pytest.mark.parametrize("seed", range(2))
def test_scripts_at_random_end_no_more_than_themselves(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(60):
        bench.once("script", script(rng).encode("latin-1"))
        bench.go(30)
    assert {"runtime_error", "compile_error", "program_ended"} <= bench.kinds()
    bench.require_answers()


@pytest.mark.parametrize("seed", range(2))
def test_orders_at_random_are_answered(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    with bench.connect("admin") as client:
        for _ in range(200):
            bench.say(client, f"{order(rng)}\n".encode())
            bench.go(5)
    bench.require_answers()


@pytest.mark.parametrize("seed", range(2))
def test_commands_at_random_end_the_program_at_most(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    doubles = [0.0, 0.1, -1.0, 1e9, 1e308, -1e308, 5e-324, float("nan"), float("inf")]
    for _ in range(100):
        if not bench.controller.program_runs:
            bench.controller.upload(HEAD.format(offset=0, path="movej([1e308,0,0,0,0,0])\n"))
            bench.go(25)
        wild = {f"input_double_register_{i}": rng.choice(doubles) for i in range(24)}
        whole = {f"input_int_register_{i}": rng.choice([0, 1, -1 << 31]) for i in range(1, 8)}
        bench.controller.write_inputs({"input_int_register_0": 0})
        bench.go(1)
        tame = rng.random() < 0.5
        few = dict.fromkeys(wild, 0.1) if tame else wild
        bench.controller.write_inputs({"input_int_register_0": rng.randrange(75), **few, **whole})
        bench.go(10)
    bench.require_answers()


def test_what_closed_a_connection_is_an_event(bench: Bench) -> None:
    with bench.connect("rtde") as client:
        bench.say(client, b"\0\1\xff")
        assert client.recv(100) == b""
    (event,) = (e for e in bench.controller.events.since(0.0) if e["kind"] == "connection_closed")
    assert event["port"] == "rtde"
    assert event["reason"].startswith("ValueError: RTDE packet of 1 bytes")
