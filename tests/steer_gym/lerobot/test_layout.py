"""Going to LeRobot's names and back loses nothing."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.errors import ObservationError, UnknownNameError
from steer_gym.lerobot.layout import LAYOUTS, layout_named
from steer_gym.observation import (
    CAMERAS,
    GRIPPER,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    batch_observations,
)

RNG = np.random.default_rng(0)
ONE = {
    **{camera: RNG.integers(0, 256, (4, 6, 3), np.uint8) for camera in CAMERAS},
    TCP_POSE: RNG.uniform(-1, 1, 6).astype(np.float32).astype(np.float64),
    GRIPPER: np.array([0.5, -0.5]),
    JOINTS: np.zeros(7),
    INSTRUCTION: "go",
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_there_and_back_is_the_same_but_for_the_joints(name: str) -> None:
    layout, batch = layout_named(name), batch_observations([ONE, ONE])
    again = layout.observation(layout.pictures(batch), layout.state(batch), batch[INSTRUCTION])
    assert again.keys() == batch.keys() - {JOINTS}
    for key in again:
        assert np.array_equal(again[key], batch[key])


def test_liberos_pictures_have_left_and_right_exchanged() -> None:
    picture = layout_named("libero").pictures(ONE)["observation.images.image"]
    assert np.array_equal(picture[:, 0], ONE["image.base"][:, -1])


def test_a_state_without_a_gripper_is_refused() -> None:
    with pytest.raises(ObservationError, match="LeRobot's state needs 'gripper'"):
        layout_named("plain").state({TCP_POSE: np.zeros(6)})


def test_an_unknown_layout_is_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"Unknown layout 'libera'\. Did you mean 'libero'"):
        layout_named("libera")
