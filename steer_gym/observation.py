"""What a policy sees: the keys, the space, and going between one observation and a batch."""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from steer_gym.errors import ObservationError
from steer_gym.privileged import privileged_spaces

IMAGE_BASE = "image.base"
"""Fixed camera: uint8, (height, width, 3), RGB, upright as the camera sees it."""
IMAGE_WRIST = "image.wrist"
"""Camera on the wrist: uint8, (height, width, 3), RGB, upright as the camera sees it."""
TCP_POSE = "tcp_pose"
"""Tool centre point in the robot's base frame: float64, (6,), xyz [m] and rotation vector [rad]."""
JOINTS = "joints"
"""Joint positions [rad]: float64, (number of joints,)."""
GRIPPER = "gripper"
"""Gripper: float64; LIBERO (2,) finger positions [m], UR5 (1,) opening from 0 open to 1 closed."""
INSTRUCTION = "instruction"
"""What to do, in words: str."""

CAMERAS = (IMAGE_BASE, IMAGE_WRIST)
LIBERO_STATE = {TCP_POSE: 6, GRIPPER: 2}
"""What LIBERO's policies read of the robot, for ``joined_state``."""

POSE_BOUND = np.array([10.0, 10.0, 10.0, 7.0, 7.0, 7.0])
"""Bounds of ``tcp_pose``, beyond every arm's reach [m] and 2 pi [rad]; spaces must be finite."""
JOINT_BOUND = 7.0
"""Bound of ``joints`` [rad]; a UR5's joints turn by 2 pi either way."""

Observation = Mapping[str, Any]
"""One observation, or a batch as ``gymnasium.vector`` gives it: arrays with rows first, a tuple
of instructions."""

_CHARACTERS = frozenset(string.ascii_letters + string.digits + string.punctuation + " ")


def observation_space(
    *,
    cameras: Mapping[str, tuple[int, int]],
    joints: int,
    gripper: spaces.Box,
    privileged: bool = False,
    max_instruction_length: int = 256,
) -> spaces.Dict:
    """Return the space of one observation.

    Args:
        cameras: Image key to (height, width) in pixels; a camera that is left out is not rendered.
        joints: Number of joints.
        gripper: The space of the gripper's value, since grippers differ.
        privileged: Whether the keys of ``steer_gym.privileged`` are observed too.
        max_instruction_length: In characters.
    """
    images = {
        key: spaces.Box(0, 255, (height, width, 3), np.uint8)
        for key, (height, width) in cameras.items()
    }
    return spaces.Dict(
        {
            **images,
            **(privileged_spaces() if privileged else {}),
            TCP_POSE: spaces.Box(-POSE_BOUND, POSE_BOUND, dtype=np.float64),
            JOINTS: spaces.Box(-JOINT_BOUND, JOINT_BOUND, (joints,), np.float64),
            GRIPPER: gripper,
            INSTRUCTION: spaces.Text(max_instruction_length, min_length=0, charset=_CHARACTERS),
        }
    )


def is_batched(observation: Observation) -> bool:
    """Tell whether ``observation`` holds several rows."""
    try:
        return not isinstance(observation[INSTRUCTION], str)
    except KeyError:
        raise ObservationError(
            f"The observation has no {INSTRUCTION!r}; it holds {sorted(observation)}."
        ) from None


def batch_observations(observations: Sequence[Observation]) -> dict[str, Any]:
    """Stack single observations with equal keys into one batch."""
    batch: dict[str, Any] = {
        key: np.stack([observation[key] for observation in observations])
        for key in observations[0]
        if key != INSTRUCTION
    }
    batch[INSTRUCTION] = tuple(observation[INSTRUCTION] for observation in observations)
    return batch


def as_batch(observation: Observation) -> Observation:
    """Return ``observation`` with rows first; one that is batched already comes back as it is."""
    return observation if is_batched(observation) else batch_observations([observation])


def row_count(batch: Observation) -> int:
    """Return the number of rows of a batch.

    Raises:
        ObservationError: Its keys differ in it.
    """
    rows = {key: len(value) if np.ndim(value) else 0 for key, value in batch.items()}
    if len(set(rows.values())) != 1:
        raise ObservationError(f"The rows of a batch must agree, but there are {rows}.")
    return rows[INSTRUCTION]


def observation_row(batch: Observation, row: int) -> dict[str, Any]:
    """Return one row of a batch as a single observation."""
    return {key: value[row] for key, value in batch.items()}


def images(batch: Observation, camera: str) -> NDArray[np.uint8]:
    """Return one camera's images of a batch, checked: uint8, (rows, height, width, 3).

    Raises:
        ObservationError: The camera is missing, or the array is not such an image.
    """
    if camera not in batch:
        raise ObservationError(
            f"The policy needs {camera!r}, but the observation holds {sorted(batch)}. "
            "Make the environment with that camera."
        )
    array = np.asarray(batch[camera])
    if array.dtype != np.uint8 or array.ndim != 4 or array.shape[-1] != 3:
        raise ObservationError(
            f"{camera!r} must be uint8 with shape (rows, height, width, 3), "
            f"but has dtype {array.dtype} and shape {array.shape}."
        )
    return array


def joined_state(batch: Observation, lengths: Mapping[str, int]) -> NDArray[np.float64]:
    """Return numbers of the robot's state side by side, (rows, their sum).

    Args:
        batch: A batch.
        lengths: Key -> how many numbers a row has, in the order that is wanted.

    Raises:
        ObservationError: A key is missing, or has another shape.
    """
    for key, length in lengths.items():
        shape = np.shape(batch[key]) if key in batch else None
        if shape is None or len(shape) != 2 or shape[1] != length:
            raise ObservationError(
                f"{key!r} must have shape (rows, {length}), but "
                + ("is missing." if shape is None else f"has shape {shape}.")
            )
    return np.concatenate([np.asarray(batch[key], np.float64) for key in lengths], axis=1)
