"""From observations to the network's inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from steer_gym.errors import ObservationError

from .tokenizer import PAD, PocketTokenizer

CENTRE = np.array([0.0, 0.0, 0.2, 0.0, 0.0, 0.0, 0.02, -0.02], np.float32)
SCALE = np.array([0.3, 0.3, 0.2, 3.0, 3.0, 3.0, 0.02, 0.02], np.float32)
"""Bring tcp pose [m, rad] and finger positions [m] to about [-1, 1]."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What the network takes, rows first."""

    base: Tensor
    """(rows, 3, size, size), float32 in [-1, 1]."""
    wrist: Tensor
    """The same."""
    state: Tensor
    """(rows, 8), float32."""
    prompt: Tensor
    """(rows, tokens of the longest instruction), int64, padded on the right."""


def image_tensor(images: NDArray[np.uint8], size: int, device: torch.device) -> Tensor:
    """Return images (rows, height, width, 3) as (rows, 3, size, size) in [-1, 1]."""
    tensor = torch.from_numpy(np.ascontiguousarray(images)).to(device).permute(0, 3, 1, 2)
    scaled = tensor.float() / 127.5 - 1
    if scaled.shape[-2:] == (size, size):
        return scaled
    return interpolate(scaled, (size, size), mode="bilinear", antialias=True, align_corners=False)


def state_vector(
    tcp_pose: NDArray[np.float64], gripper: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Return the normalised state, (rows, 8).

    The arm points down, where the rotation vector's angle is near pi and its sign flips from one
    frame to the next; the vector is turned so that its largest component is positive.
    """
    pose = np.array(tcp_pose, np.float32)
    rotation = pose[:, 3:]
    largest = np.take_along_axis(rotation, np.abs(rotation).argmax(1)[:, None], axis=1)
    rotation *= np.where(largest < 0, -1, 1)
    state = np.concatenate([pose, np.asarray(gripper, np.float32)], axis=1)
    return (state - CENTRE) / SCALE


def prompt_ids(
    instructions: Sequence[str], tokenizer: PocketTokenizer, length: int
) -> NDArray[np.int64]:
    """Return padded ids, (rows, length).

    Raises:
        ObservationError: An instruction is longer.
    """
    ids = np.full((len(instructions), length), PAD, np.int64)
    for row, text in enumerate(instructions):
        encoded = tokenizer.encode(text.lower())
        if len(encoded) > length:
            raise ObservationError(
                f"The instruction {text!r} has {len(encoded)} tokens; Pocket reads {length}."
            )
        ids[row, : len(encoded)] = encoded
    return ids


def without_padding(prompts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the columns that some row fills: the rest is masked everywhere, and costs a third."""
    return prompts[:, (prompts != PAD).any(axis=0)]
