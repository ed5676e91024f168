"""RTDE packets: what is packed is unpacked, and nonsense is refused."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.outputs import Outputs
from steer_gym.hardware.controller.plant import KinematicPlant
from steer_gym.hardware.controller.polyscope import PolyScope
from steer_gym.hardware.controller.realtime_stream import realtime_packet
from steer_gym.hardware.controller.variables import OUTPUTS, knows
from steer_gym.hardware.controller.wire import HEADER, Packet, Recipe, packet, take_packets

RECIPE = Recipe(3, (("a", "INT32"), ("b", "VECTOR6D"), ("c", "BOOL"), ("d", "UINT64")))
VALUES = {"a": -7, "b": (1.0, 2.0, 3.0, 4.0, 5.0, 6.0), "c": True, "d": 1 << 40}


def test_the_version_request_is_the_guides_example() -> None:
    assert packet(Packet.PROTOCOL_VERSION, b"\x00\x02") == b"\x00\x05V\x00\x02"


def test_what_a_recipe_packs_it_unpacks() -> None:
    payload = RECIPE.pack(VALUES)
    assert payload[0] == 3
    assert len(payload) == 1 + 4 + 48 + 1 + 8
    assert RECIPE.unpack(payload) == VALUES


def test_packets_come_out_whole_however_they_arrive() -> None:
    stream = packet(Packet.START) + packet(Packet.DATA, RECIPE.pack(VALUES)) + b"\x00"
    buffer, seen = bytearray(), []
    for byte in stream:
        buffer.append(byte)
        seen += take_packets(buffer)
    assert [kind for kind, _ in seen] == [Packet.START, Packet.DATA]
    assert bytes(buffer) == b"\x00"


def test_a_size_below_the_header_is_refused() -> None:
    with pytest.raises(ValueError, match="2 bytes; the header alone has 3"):
        take_packets(bytearray(HEADER.pack(2, Packet.DATA)))


def test_a_payload_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="takes 62 bytes, not 61"):
        RECIPE.unpack(RECIPE.pack(VALUES)[:-1])


def test_the_real_time_packet_has_its_numbers_where_urs_table_puts_them() -> None:
    c = Controller(KinematicPlant())
    c.tick()
    packet = realtime_packet(Outputs(c), c.polyscope)
    assert struct.unpack_from(">i", packet)[0] == len(packet) == 1220
    # Offsets of PolyScope 5.10's table.
    for offset, expected in ((12, c.q), (252, c.plant.q), (444, c.tool_pose), (588, c.pose)):
        np.testing.assert_allclose(struct.unpack_from(">6d", packet, offset), expected)
    assert struct.unpack_from(">d", packet, 756)[0] == 7
    assert struct.unpack_from(">d", packet, 812)[0] == 1


@pytest.mark.parametrize(
    ("version", "size"), [("5.3.0", 1108), ("5.4.0", 1116), ("5.9.4", 1116), ("5.10.0", 1220)]
)
def test_the_real_time_packet_is_as_long_as_its_version_has_it(version: str, size: int) -> None:
    c = Controller(KinematicPlant(), polyscope=PolyScope.parse(version))
    packet = realtime_packet(Outputs(c), c.polyscope)
    assert struct.unpack_from(">i", packet)[0] == len(packet) == size


def test_every_output_can_be_read_and_packed_as_its_type() -> None:
    outputs = Outputs(Controller(KinematicPlant()))
    recipe = Recipe(1, tuple(OUTPUTS.items()))
    assert set(recipe.unpack(recipe.pack(outputs))) == set(OUTPUTS)


@pytest.mark.parametrize(
    ("name", "version", "known"),
    [
        ("ft_raw_wrench", "3.15.8", False),
        ("ft_raw_wrench", "5.8.2", False),
        ("ft_raw_wrench", "5.9.0", True),
        ("payload_inertia", "3.15.8", True),
        ("payload_inertia", "5.10.2", False),
        ("output_bit_register_127", "5.4.0", True),
        ("actual_robot_energy_consumed", "5.22.0", False),
        ("actual_robot_energy_consumed", "5.23.0", True),
    ],
)
def test_a_version_knows_what_it_brought(name: str, version: str, known: bool) -> None:
    assert knows(PolyScope.parse(version), name) is known
