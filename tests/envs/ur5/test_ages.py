"""How old what is observed is, and that nothing old passes for new; pictures left undrawn."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

from steer_gym.observation import IMAGE_BASE
from steer_gym.robot import RobotFault

# Not imported here: MuJoCo chooses its OpenGL at its first import, which is the package's to make.
if not (find_spec("mujoco") and find_spec("robosuite")):
    pytest.skip("needs mujoco and robosuite", allow_module_level=True)

STILL = np.zeros(7, np.float32)
ASIDE = np.array([0, 1, 0, 0, 0, 0, -1], np.float32)
SIZE = 48
STALE_S = 1.0
"""More than the default, for machines that have more to do than this."""


def connected_by_hand() -> tuple[Any, Any, Any]:
    """Return ``UR5-v0``, the simulator that was started for it, and its admin channel."""
    from steer_gym.hardware.cameras import CameraSettings
    from steer_gym.hardware.controller.cameras import PORT
    from steer_gym.hardware.controller.launch import SimulatorProcess
    from steer_gym.hardware.controller.settings import SimulatorSettings

    size = {"height": SIZE, "width": SIZE}
    process = SimulatorProcess(SimulatorSettings(plant="kinematic", gripper_active=True, **size))
    camera = CameraSettings(
        source=f"http://{process.host}:{PORT}/base.mjpg", stale_s=STALE_S, latency_s=0.015, **size
    )
    env = gym.make(
        "steer_gym/UR5-v0",
        host=process.host,
        sources={IMAGE_BASE: camera},
        cameras=IMAGE_BASE,
        image_size=SIZE,
        shadow=False,
        robot_options={"stale_s": STALE_S},
    )
    return env, process, process.admin


def started_by_itself() -> tuple[Any, None, Any]:
    """Return ``UR5Sim-v0`` in real time, and the admin channel of its simulator."""
    options = {"clock": "real", "plant": "kinematic", "stale_s": STALE_S}
    env = gym.make(
        "steer_gym/UR5Sim-v0", cameras=IMAGE_BASE, image_size=SIZE, robot_options=options
    )
    return env, None, env.unwrapped.robot._guard.cell._process.admin


@pytest.fixture(
    scope="module",
    params=[connected_by_hand, pytest.param(started_by_itself, marks=pytest.mark.hardware)],
    ids=["UR5", "UR5Sim"],
)
def connected(request: Any) -> Iterator[tuple[Any, Any]]:
    for module in ("rtde_control", "cv2"):
        pytest.importorskip(module)
    env, process, admin = request.param()
    yield env, admin
    env.close()
    if process:
        process.close()


@pytest.fixture
def networked(connected: Any) -> Iterator[tuple[Any, Any]]:
    """Return environment and admin channel; afterwards everything is well again."""
    env, admin = connected
    yield env, admin
    admin("camera", mode="live")
    admin("network", port="rtde", frozen=False)
    if env.unwrapped.robot.fault:
        env.unwrapped.recover(acknowledged_by="the test")


def stepped_until_truncated(env: Any) -> dict[str, Any]:
    """Return the last ``info``; what a step takes is up to the machine, so there are plenty."""
    for _ in range(100):
        *_, truncated, info = env.step(STILL)
        if truncated:
            break
    with pytest.raises(RobotFault):
        env.step(STILL)
    env.unwrapped.robot.stop()
    return dict(info)


def test_over_the_network_everything_has_an_age_and_it_is_small(networked: Any) -> None:
    env, _ = networked
    _, info = env.reset(seed=0)
    for _ in range(5):
        ages = info["ages_s"]
        assert set(ages) == {"arm", "gripper", IMAGE_BASE}
        # All are of the moment that the picture shows, and that is older than its way to here.
        assert 0.015 <= ages["arm"] < 2 * STALE_S
        assert ages[IMAGE_BASE] == pytest.approx(ages["arm"], abs=0.1)
        assert 0.015 <= ages["gripper"] < 2 * STALE_S
        *_, info = env.step(STILL)
    assert info["fault"] is None


@pytest.mark.parametrize("mode", ["frozen", "black"])
def test_24_a_stale_camera_truncates_and_its_age_tells(networked: Any, mode: str) -> None:
    env, admin = networked
    env.reset(seed=0)
    admin("camera", mode=mode)
    info = stepped_until_truncated(env)
    assert info["fault"] == "camera_stale"
    # The last good picture stays in the observation.
    assert info["ages_s"][IMAGE_BASE] > STALE_S


def test_3_a_stale_state_truncates_and_its_age_tells(networked: Any) -> None:
    env, admin = networked
    env.reset(seed=0)
    admin("network", port="rtde", frozen=True)
    info = stepped_until_truncated(env)
    assert info["fault"] == "stale_state"
    assert info["ages_s"]["arm"] > STALE_S


@pytest.fixture(scope="module")
def locked() -> Iterator[Any]:
    env = gym.make(
        "steer_gym/UR5Sim-v0", cameras=IMAGE_BASE, image_size=SIZE, render_mode="rgb_array"
    )
    yield env
    env.close()


@pytest.fixture
def drawings(locked: Any) -> Iterator[list[str]]:
    """Return the cameras that are drawn, in order."""
    artist = locked.unwrapped.robot._guard.cell.eyes._artist
    draw, drawn = artist.draw, []

    def counted(snapshot: Any, camera: str, height: int, width: int) -> Any:
        drawn.append(camera)
        return draw(snapshot, camera, height, width)

    artist.draw = counted
    yield drawn
    del artist.draw


def test_in_step_locked_time_nothing_is_old(locked: Any) -> None:
    _, info = locked.reset(seed=0)
    assert info["ages_s"] == {"arm": 0.0, "gripper": 0.0, IMAGE_BASE: 0.0}


def test_a_policy_that_does_not_look_saves_the_drawing_and_changes_nothing_else(
    locked: Any, drawings: list[str]
) -> None:
    def play(*, paused: bool) -> tuple[list[np.ndarray], list[dict[str, Any]], list[float]]:
        locked.unwrapped.rendering_paused = paused
        observation, _ = locked.reset(seed=0)
        poses, seen, ages = [], [observation], []
        for _ in range(4):
            observation, *_, info = locked.step(ASIDE)
            poses.append(observation["tcp_pose"])
            seen.append(observation)
            ages.append(info["ages_s"][IMAGE_BASE])
        locked.unwrapped.rendering_paused = False
        return poses, seen, ages

    drawn, looked, fresh = play(paused=False)
    assert len(drawings) == 5
    del drawings[:]
    undrawn, unseen, old = play(paused=True)
    assert len(drawings) == 1
    np.testing.assert_array_equal(drawn, undrawn)
    np.testing.assert_array_equal(unseen[-1][IMAGE_BASE], unseen[0][IMAGE_BASE])
    np.testing.assert_array_equal(unseen[0][IMAGE_BASE], looked[0][IMAGE_BASE])
    assert fresh == [0.0] * 4
    # The arm is read every 8 ms.
    np.testing.assert_allclose(old, [0.05, 0.1, 0.15, 0.2], atol=0.008)


def test_a_film_shows_the_present_while_the_policy_does_not_look(locked: Any) -> None:
    locked.reset(seed=0)
    locked.unwrapped.rendering_paused = True
    before = locked.render()
    for _ in range(4):
        locked.step(ASIDE)
    assert (locked.render() != before).any()
    locked.unwrapped.rendering_paused = False


def test_the_last_picture_can_be_rendered_after_a_fault(locked: Any) -> None:
    locked.reset(seed=0)
    locked.unwrapped.robot._guard.cell.controller.protective_stop("test")
    assert locked.step(STILL)[3]
    assert locked.render().shape == (SIZE, SIZE, 3)
    locked.unwrapped.recover(acknowledged_by="the test")


def test_3_in_step_locked_time_a_frozen_state_truncates_too(locked: Any) -> None:
    locked.reset(seed=0)
    arm = locked.unwrapped.robot._guard.arm
    sample = arm._driver.sample
    arm._port.read = lambda: sample
    info = stepped_until_truncated(locked)
    assert info["fault"] == "stale_state"
    assert info["ages_s"]["arm"] > 0.1
    locked.unwrapped.recover(acknowledged_by="the test")
