"""The expert's motion, where nothing simulates: scenes are written down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from steer_gym.policies.scripted.grasps import HALF_OPENING_M, ranked_grasps
from steer_gym.policies.scripted.motion import FINE, OVER_M, clearance, command, way_to
from steer_gym.policies.scripted.rotation import matrix, vector
from steer_gym.policies.scripted.scene import Box, Scene

DOWN = np.array([np.pi, 0.0, 0.0])


def scene(*, tool: tuple[float, ...] = (0, 0, 0.3), half: tuple[float, ...] = (0.02, 0.02, 0.05)):
    """Return a tool over a table with one object to the right, and a wall between them."""
    wall = [0.1, 0.0, 0.1, 0.01, 0.3, 0.1]
    return Scene(
        tool=np.array(tool, np.float64),
        turn=DOWN,
        opening=0.08,
        object=Box(centre=np.array([0.2, 0.0, half[2]]), half=np.array(half)),
        goal=Box(centre=np.array([0.0, 0.3, 0.0]), half=np.array([0.1, 0.1, 0.0])),
        obstacles=np.array([wall, np.zeros(6)]),
        table=0.0,
        instruction="move the box",
    )


@pytest.mark.parametrize("speed", [0.1, 0.5, 1.0])
def test_no_part_of_a_command_is_faster_than_the_style(speed: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        now = replace(scene(tool=rng.uniform(-1, 1, 3)), turn=rng.uniform(-1, 1, 3))
        action = command(now, rng.uniform(-1, 1, 3), 1.0, speed=speed, quarter=False)
        assert np.abs(action[:6]).max() <= speed + 1e-12
        assert action[6] == 1.0


def test_at_its_target_and_upright_the_tool_stays() -> None:
    now = scene()
    assert np.allclose(command(now, now.tool, -1.0, speed=1.0, quarter=False)[:6], 0.0)


def test_a_command_goes_straight_to_the_target() -> None:
    target = np.array([0.3, -0.4, 0.1])
    move = command(scene(), target, -1.0, speed=0.5, quarter=False)[:3]
    way = target - scene().tool
    assert np.allclose(move / np.linalg.norm(move), way / np.linalg.norm(way))


def test_a_hand_turned_by_half_a_turn_is_as_good_as_upright() -> None:
    turned = replace(
        scene(), turn=vector(matrix(np.array([0.0, 0.0, np.pi - 1e-6])) @ matrix(DOWN))
    )
    move = command(turned, turned.tool, -1.0, speed=1.0, quarter=False)
    assert np.allclose(move[3:6], 0.0, atol=1e-6)


def test_rotation_vectors_and_matrices_are_inverse() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        axis = rng.normal(size=3)
        turn = axis / np.linalg.norm(axis) * rng.uniform(0.01, 3.1)
        assert np.allclose(vector(matrix(turn)), turn)
        assert np.allclose(matrix(turn) @ matrix(turn).T, np.eye(3))


def test_the_tool_passes_over_what_stands_between() -> None:
    assert clearance(scene(), np.array([0.2, 0.0, 0.05]), hangs=0.0) == pytest.approx(0.2 + OVER_M)
    assert clearance(scene(), np.array([0.0, 0.2, 0.05]), hangs=0.1) == pytest.approx(0.1 + OVER_M)


def test_the_way_leads_up_then_across_then_down() -> None:
    place = np.array([0.2, 0.0, 0.05])
    assert np.allclose(way_to(place, np.array([0.0, 0.0, 0.05]), top=0.3), [0.0, 0.0, 0.3])
    assert np.allclose(way_to(place, np.array([0.0, 0.0, 0.3]), top=0.3), [0.2, 0.0, 0.3])
    assert np.allclose(way_to(place, np.array([0.2, FINE / 2, 0.2]), top=0.3), place)


def test_a_narrow_object_is_gripped_across_and_a_wide_one_at_its_rim() -> None:
    narrow = ranked_grasps(scene())[0]
    assert np.allclose(narrow.offset[:2], 0.0)
    wide = ranked_grasps(scene(half=(0.06, 0.06, 0.03)))[0]
    assert np.linalg.norm(wide.offset[:2]) > HALF_OPENING_M


def test_the_hand_keeps_out_of_what_stands_beside_the_object() -> None:
    beside = np.array([0.2, 0.05, 0.1, 0.02, 0.01, 0.1])
    crowded = replace(scene(), obstacles=np.array([beside]))
    assert not ranked_grasps(scene())[0].quarter
    assert ranked_grasps(crowded)[0].quarter
