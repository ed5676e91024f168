"""How LeRobot names and turns what is observed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ObservationError, UnknownNameError
from steer_gym.observation import (
    GRIPPER,
    IMAGE_BASE,
    IMAGE_WRIST,
    INSTRUCTION,
    TCP_POSE,
    Observation,
)

STATE = "observation.state"
"""``tcp_pose`` and then ``gripper``: xyz [m], rotation vector [rad], the gripper's own numbers."""
TASK = "task"
"""The instruction."""
ACTION = "action"
POSE_NAMES = ("x", "y", "z", "axis_angle1", "axis_angle2", "axis_angle3")
POSE_SIZE = len(POSE_NAMES)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Names of the pictures, and whether they are mirrored."""

    cameras: Mapping[str, str] = field(hash=False)
    """Key of our observation -> key of theirs."""
    mirrored: bool = False
    """Whether their pictures are ours with left and right exchanged. LIBERO's data is: upstream
    draws upside down, and what is published was turned by 180 degrees."""

    def state(self, observation: Observation) -> NDArray[np.float32]:
        """Return the state vector of one observation or of a batch, float32, numbers last."""
        missing = [key for key in (TCP_POSE, GRIPPER) if key not in observation]
        if missing:
            raise ObservationError(
                f"LeRobot's state needs {missing[0]!r}, but the observation holds "
                f"{sorted(observation)}."
            )
        parts = [np.asarray(observation[key], np.float32) for key in (TCP_POSE, GRIPPER)]
        return np.concatenate(parts, axis=-1)

    def pictures(self, observation: Observation) -> dict[str, NDArray[np.uint8]]:
        """Return the pictures that are there under their names, uint8, (..., height, width, 3)."""
        return {
            theirs: self.turned(np.asarray(observation[ours]))
            for ours, theirs in self.cameras.items()
            if ours in observation
        }

    def turned(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return pictures as they are on the other side; twice gives them back."""
        return np.ascontiguousarray(pictures[..., ::-1, :]) if self.mirrored else pictures

    def observation(
        self,
        pictures: Mapping[str, NDArray[np.uint8]],
        state: NDArray[np.float32],
        tasks: tuple[str, ...],
    ) -> dict[str, Any]:
        """Return our batch of their pictures, states (rows, numbers) and tasks.

        There are no ``joints`` in it, since their state holds none.
        """
        ours = {theirs: ours for ours, theirs in self.cameras.items()}
        numbers = np.asarray(state, np.float64)
        return {
            **{ours[key]: self.turned(array) for key, array in pictures.items() if key in ours},
            TCP_POSE: numbers[:, :POSE_SIZE],
            GRIPPER: numbers[:, POSE_SIZE:],
            INSTRUCTION: tasks,
        }


LAYOUTS = {
    "plain": Layout(
        cameras={
            IMAGE_BASE: "observation.images.base",
            IMAGE_WRIST: "observation.images.wrist",
        }
    ),
    "libero": Layout(
        cameras={
            IMAGE_BASE: "observation.images.image",
            IMAGE_WRIST: "observation.images.image2",
        },
        mirrored=True,
    ),
}
"""``plain``: upright, as the camera sees it. ``libero``: as LeRobot's LIBERO environment, its
processor and the checkpoints that were trained with them have it."""


def layout_named(name: str) -> Layout:
    """Return one of ``LAYOUTS``.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if name not in LAYOUTS:
        raise UnknownNameError("layout", name, LAYOUTS)
    return LAYOUTS[name]
