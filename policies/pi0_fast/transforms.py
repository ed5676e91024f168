"""From observations to the model's inputs, and what it means to hold still."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require
from steer_gym.observation import GRIPPER, JOINTS, TCP_POSE, Observation, images, joined_state

from .profiles import Profile

_WIDE_OPEN = 0.9
"""Part of LIBERO's full opening from which on the gripper counts as open."""
_LIBERO_OPENING_M = 0.08


def camera_images(batch: Observation, profile: Profile, size: int) -> NDArray[np.float32]:
    """Return every camera's images, (rows, cameras, size, size, 3), in [-1, 1].

    Raises:
        ObservationError: A camera is missing, or its array is no image.
    """
    found = {
        slot.source: images(batch, slot.source)
        for slot in profile.cameras
        if slot.source is not None
    }
    rows = len(next(iter(found.values())))
    black = np.zeros((rows, size, size, 3), np.uint8)
    pictures = []
    for slot in profile.cameras:
        picture = black if slot.source is None else found[slot.source]
        turned = picture[:, :, ::-1] if slot.mirrored else picture
        pictures.append(np.stack([fitted(image, size) for image in turned]))
    stacked = np.stack(pictures, axis=1)
    scaled: NDArray[np.float32] = stacked.astype(np.float32) / 255.0 * 2.0 - 1.0
    return scaled


def fitted(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return an image scaled to ``size``, its proportions kept, with black beside it.

    As openpi's client does: Pillow's bilinear filter, sizes rounded down.
    """
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    pillow = require("PIL.Image", extra="jax")
    ratio = max(width, height) / size
    inner = (int(width / ratio), int(height / ratio))
    scaled = pillow.fromarray(np.ascontiguousarray(image)).resize(inner, pillow.Resampling.BILINEAR)
    padded = np.zeros((size, size, 3), np.uint8)
    left, top = (size - inner[0]) // 2, (size - inner[1]) // 2
    padded[top : top + inner[1], left : left + inner[0]] = np.asarray(scaled)
    return padded


def state_vector(batch: Observation, profile: Profile) -> NDArray[np.float64]:
    """Return the raw state, (rows, numbers).

    Raises:
        ObservationError: A value is missing, or has another length.
    """
    lengths = {TCP_POSE: 6, JOINTS: profile.joints, GRIPPER: profile.gripper}
    return joined_state(batch, {key: lengths[key] for key in profile.state})


def padded_to(values: NDArray[np.float64], size: int | None) -> NDArray[np.float64]:
    """Return (rows, numbers) with zeros up to ``size``."""
    if size is None or values.shape[1] >= size:
        return values
    return np.pad(values, ((0, 0), (0, size - values.shape[1])))


def holding(batch: Observation, profile: Profile) -> NDArray[np.float64]:
    """Return the action that keeps each row's arm where it is, (rows, action size).

    The gripper keeps the opening that is observed; LIBERO's, which is commanded by sign, goes on
    closing unless it is wide open, so that what is held stays held.
    """
    arm = profile.action.size - 1
    gripper = np.asarray(batch[GRIPPER], np.float64)
    if profile.action.control == "joint_position":
        motion = np.asarray(batch[JOINTS], np.float64)
    else:
        motion = np.zeros((len(gripper), arm))
    if gripper.shape[1] == 1:
        return np.concatenate([motion, gripper], axis=1)
    opening = (gripper[:, 0] - gripper[:, 1]) / _LIBERO_OPENING_M
    closed, opened = profile.action.gripper_closed, profile.action.gripper_open
    command = np.where(opening >= _WIDE_OPEN, opened, closed)
    return np.concatenate([motion, command[:, None]], axis=1)
