"""RTDE sessions byte for byte: both protocols, setup, writers."""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterator

import pytest

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.outputs import Outputs
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.rtde_port import RtdePort
from steer_gym.hardware.controller.sockets import Listener
from steer_gym.hardware.controller.wire import Packet, packet, take_packets


class Client:
    """A client of the port, and the controller behind it."""

    def __init__(self, port: Listener, controller: Controller) -> None:
        self.controller = controller
        self.socket = socket.create_connection(("127.0.0.1", port.port))
        port.accept()
        self.session = port.sessions[-1]

    def ask(self, kind: Packet, payload: bytes = b"") -> bytes:
        """Return the payload of the answer."""
        self.socket.sendall(packet(kind, payload))
        self.session.pump()
        ((told, answer),) = take_packets(bytearray(self.socket.recv(4096)))
        assert told == kind
        return answer

    def stream(self, ticks: int) -> list[bytes]:
        """Let time pass and return the payloads of the data packages."""
        for _ in range(ticks):
            self.controller.tick()
            self.session.publish()  # type: ignore[attr-defined]
        return [payload for _, payload in take_packets(bytearray(self.socket.recv(65536)))]


@pytest.fixture
def clients() -> Iterator[tuple[Client, Client]]:
    controller = Controller(KinematicPlant())
    server = RtdePort(controller, Outputs(controller))
    with contextlib.closing(Listener("127.0.0.1", 0, server.connect)) as port:
        pair = Client(port, controller), Client(port, controller)
        yield pair
        for client in pair:
            client.socket.close()


@pytest.fixture
def client(clients: tuple[Client, Client]) -> Client:
    return clients[0]


def test_protocol_2_streams_at_the_rate_asked_for_under_its_recipe(client: Client) -> None:
    assert client.ask(Packet.PROTOCOL_VERSION, b"\0\2") == b"\1"
    setup = struct.pack(">d", 125.0) + b"timestamp,robot_mode"
    assert client.ask(Packet.SETUP_OUTPUTS, setup) == b"\1DOUBLE,INT32"
    assert client.ask(Packet.START) == b"\1"
    seen = [struct.unpack(">Bdi", payload) for payload in client.stream(12)]
    assert seen == [(1, pytest.approx(0.008 * i), 7) for i in (1, 2, 3)]


def test_protocol_1_has_neither_a_rate_nor_a_recipes_number(client: Client) -> None:
    assert client.ask(Packet.SETUP_OUTPUTS, b"timestamp,robot_mode") == b"DOUBLE,INT32"
    assert client.ask(Packet.START) == b"\1"
    seen = [struct.unpack(">di", payload) for payload in client.stream(8)]
    assert [mode for _, mode in seen] == [7, 7]


def test_a_protocol_that_is_not_spoken_is_refused(client: Client) -> None:
    assert client.ask(Packet.PROTOCOL_VERSION, b"\0\3") == b"\0"


def test_an_unknown_output_is_named_and_nothing_starts(client: Client) -> None:
    client.ask(Packet.PROTOCOL_VERSION, b"\0\2")
    setup = struct.pack(">d", 125.0) + b"timestamp,nonsense"
    assert client.ask(Packet.SETUP_OUTPUTS, setup) == b"\0DOUBLE,NOT_FOUND"
    assert client.ask(Packet.START) == b"\0"


def test_an_input_has_one_writer_until_it_leaves(clients: tuple[Client, Client]) -> None:
    first, second = clients
    assert first.ask(Packet.SETUP_INPUTS, b"input_bit_register_64") == b"\1BOOL"
    wanted = b"input_bit_register_64,input_int_register_0"
    assert second.ask(Packet.SETUP_INPUTS, wanted) == b"\0IN_USE,INT32"
    first.session.close()
    assert second.ask(Packet.SETUP_INPUTS, wanted) == b"\1BOOL,INT32"


def test_bits_and_analog_outputs_are_written_by_their_masks(client: Client) -> None:
    names = b"input_bit_registers0_to_31,standard_analog_output_mask,standard_analog_output_0"
    assert client.ask(Packet.SETUP_INPUTS, names + b",standard_analog_output_1")[:1] == b"\1"
    values = struct.pack(">BIBdd", 1, 0b101, 0b10, 0.25, 0.5)
    client.socket.sendall(packet(Packet.DATA, values))
    client.session.pump()
    outputs = Outputs(client.controller)
    assert outputs["input_bit_registers0_to_31"] == 0b101
    assert [outputs[f"standard_analog_output{i}"] for i in range(2)] == [0.0, 5.0]


def test_a_data_package_of_another_size_closes_the_connection(client: Client) -> None:
    client.ask(Packet.SETUP_INPUTS, b"input_int_register_0")
    client.socket.sendall(packet(Packet.DATA, b"\1\0\0"))
    client.session.pump()
    assert client.session.closed
