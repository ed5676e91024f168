"""What the expert knows of one moment, taken from the privileged keys of an observation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ObservationError
from steer_gym.observation import GRIPPER, INSTRUCTION, TCP_POSE, Observation, row_count
from steer_gym.privileged import GOAL, OBJECT, OBSTACLES, SHAPES, TABLE

Vector = NDArray[np.float64]

_SHAPES: dict[str, tuple[int, ...]] = {TCP_POSE: (6,), GRIPPER: (2,), **SHAPES}


@dataclass(frozen=True, kw_only=True)
class Box:
    """An axis-aligned box in the world frame."""

    centre: Vector
    """(3,) [m]."""
    half: Vector
    """(3,), half extents [m]."""

    @property
    def bottom(self) -> float:
        """Return the height of its underside."""
        return float(self.centre[2] - self.half[2])

    @property
    def top(self) -> float:
        """Return the height of its upper side."""
        return float(self.centre[2] + self.half[2])


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One row of an observation, in the world frame."""

    tool: Vector
    """(3,), the point between the fingertips [m]."""
    turn: Vector
    """(3,), the tool's orientation as a rotation vector [rad]."""
    opening: float
    """Distance between the fingers [m]."""
    object: Box
    """Around the object to move."""
    goal: Box
    """In whose bottom it belongs."""
    obstacles: Vector
    """(number, 6), everything else."""
    table: float
    """Height of what the scene stands on [m]."""
    instruction: str
    """What to do, in words."""


def scenes(batch: Observation) -> list[Scene]:
    """Return the scene of every row.

    Raises:
        ObservationError: A key is missing, has another shape or holds what is no number.
    """
    arrays = {key: _array(batch, key, shape) for key, shape in _SHAPES.items()}
    return [
        Scene(
            tool=arrays[TCP_POSE][row, :3],
            turn=arrays[TCP_POSE][row, 3:],
            opening=float(arrays[GRIPPER][row, 0] - arrays[GRIPPER][row, 1]),
            object=_box(arrays[OBJECT][row]),
            goal=_box(arrays[GOAL][row]),
            obstacles=arrays[OBSTACLES][row],
            table=float(arrays[TABLE][row, 0]),
            instruction=batch[INSTRUCTION][row],
        )
        for row in range(row_count(batch))
    ]


def _box(numbers: Vector) -> Box:
    return Box(centre=numbers[:3], half=np.abs(numbers[3:]))


def _array(batch: Observation, key: str, shape: tuple[int, ...]) -> Vector:
    if key not in batch:
        raise ObservationError(
            f"The scripted expert needs {key!r}, but the observation holds {sorted(batch)}. "
            "Make the environment with privileged=True."
        )
    array = np.asarray(batch[key], np.float64)
    if array.shape[1:] != shape or not np.isfinite(array).all():
        raise ObservationError(
            f"{key!r} must be finite numbers of shape (rows, {', '.join(map(str, shape))}), "
            f"but has shape {array.shape}, finite: {bool(np.isfinite(array).all())}."
        )
    return array
