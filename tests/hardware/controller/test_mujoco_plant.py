"""The MuJoCo plant has UR's kinematics, obeys the reference, feels and grips."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

from steer_gym.hardware.controller.controller import Controller
from steer_gym.hardware.controller.mujoco_plant import MujocoPlant
from steer_gym.hardware.controller.plant import GRIPPER_TCP
from steer_gym.hardware.kinematics import UR5E, tool
from steer_gym.hardware.limits import FINGERS, Limits


@pytest.fixture(scope="module")
def plant() -> MujocoPlant:
    return MujocoPlant()


def hold(plant: MujocoPlant, q: np.ndarray, gripper: float, seconds: float) -> None:
    for _ in range(round(seconds / 0.002)):
        plant.step(q, np.zeros(6), np.zeros(6), gripper, 0.002)


def gripper_points(plant: MujocoPlant) -> np.ndarray:
    """Return the points (number, 3) with which the gripper touches things, in the tool's frame."""
    model, data = plant.model, plant.data
    hand = model.body("robotiq_85_adapter_link").id
    points = []
    for geom in range(model.ngeom):
        body = model.geom_bodyid[geom]
        while body not in (0, hand):
            body = model.body_parentid[body]
        if body == hand and model.geom_contype[geom]:
            frame = data.geom_xmat[geom].reshape(3, 3)
            points.append(shape_points(model, geom) @ frame.T + data.geom_xpos[geom])
    world = np.linalg.inv(UR5E.forward(plant.q, tool(GRIPPER_TCP)))
    return np.concatenate(points) @ world[:3, :3].T + world[:3, 3]


def shape_points(model: Any, geom: int) -> np.ndarray:
    """Return a mesh's points, or a box's corners, in the shape's own frame."""
    mesh = model.geom_dataid[geom]
    if mesh >= 0:
        first = model.mesh_vertadr[mesh]
        return np.asarray(model.mesh_vert[first : first + model.mesh_vertnum[mesh]])
    return np.stack(np.meshgrid(*[[-1, 1]] * 3), axis=-1).reshape(-1, 3) * model.geom_size[geom]


def test_its_flange_is_where_urs_parameters_put_it(plant: MujocoPlant) -> None:
    rng = np.random.default_rng(0)
    home = plant.q.copy()
    for _ in range(20):
        q = home + rng.uniform(-1.5, 1.5, 6)
        plant.place(q)
        hand = plant.data.body("right_hand")
        expected = UR5E.forward(q, np.eye(4))
        np.testing.assert_allclose(hand.xpos, expected[:3, 3], atol=1e-9)
        np.testing.assert_allclose(hand.xmat.reshape(3, 3), expected[:3, :3], atol=1e-9)
    plant.place(home)


def test_it_stands_still_against_gravity_and_reads_no_force(plant: MujocoPlant) -> None:
    home = plant.q.copy()
    hold(plant, home, 0.0, 0.5)
    np.testing.assert_allclose(plant.q, home, atol=1e-5)
    np.testing.assert_allclose(plant.wrench[:3], 0.0, atol=0.05)


def test_a_push_is_felt_as_it_is(plant: MujocoPlant) -> None:
    home = plant.q.copy()
    plant.push[:] = (3.0, -2.0, 10.0)
    hold(plant, home, 0.0, 0.5)
    np.testing.assert_allclose(plant.wrench[:3], plant.push, atol=0.1)
    plant.push[:] = 0.0


def test_fingers_close_on_nothing_and_are_held_apart_by_the_toy(plant: MujocoPlant) -> None:
    home = plant.q.copy()
    hold(plant, home, 1.0, 1.0)
    assert plant.opening > 0.95
    assert not plant.gripping
    plant.place(home)
    pose = UR5E.pose(home, np.eye(4))
    plant.move_thing("toy", pose[:3] - [0, 0, 0.14], 0.0)
    plant.move_thing("plate", pose[:3] - [0, 0, 0.14 + 0.04], 0.0)
    for opening in np.linspace(0, 1, 300):
        hold(plant, home, float(opening), 0.002)
    hold(plant, home, 1.0, 0.5)
    assert plant.gripping
    assert 0.3 < plant.opening < 0.8


@pytest.mark.parametrize("opening", np.linspace(0.0, 1.0, 6))
def test_fingers_stay_between_the_corners_of_the_limits_however_the_tool_leans(
    plant: MujocoPlant, opening: float
) -> None:
    plant.restart()
    hold(plant, plant.q.copy(), opening, 1.0)
    points, corners = gripper_points(plant), np.array(FINGERS)
    for tilt in np.linspace(0.0, Limits().tilt, 8):
        for way in np.linspace(0.0, 2 * np.pi, 16):
            ahead = np.array([np.sin(tilt) * np.cos(way), np.sin(tilt) * np.sin(way), np.cos(tilt)])
            assert (points @ ahead).max() < (corners @ ahead).max()
    plant.restart()


@pytest.mark.parametrize("fraction", [0.0, 0.1, 1.0])
def test_an_arm_slowed_by_its_slider_follows_its_reference_to_a_stop(
    plant: MujocoPlant, fraction: float
) -> None:
    plant.restart()
    c = Controller(plant)
    c.upload("speedj([1, 0, 0, 0, 0, 0], 5.0, 10.0)\n")
    behind = []
    for tick in range(500):
        if tick == 200:
            c.speed_slider = fraction
        if tick == 300:
            c.protective_stop("test")
        c.tick()
        behind.append(np.abs(c.plant.q - c.q).max())
    assert not c.qd.any()
    assert max(behind[300:]) < 1e-5
