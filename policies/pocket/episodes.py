"""Demonstrations on disk: one file an episode, images as JPEG, written whole or not at all."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from steer_gym.results import atomic_path

from .wording import Style

QUALITY = 95
"""Of the JPEGs; colours are not subsampled."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Demonstration:
    """One successful episode of the scripted expert."""

    task: str
    """The task's language."""
    style: Style
    """How it was carried out."""
    base: NDArray[np.uint8]
    """(steps, size, size, 3)."""
    wrist: NDArray[np.uint8]
    """The same."""
    tcp_pose: NDArray[np.float64]
    """(steps, 6)."""
    gripper: NDArray[np.float64]
    """(steps, 2)."""
    aim: NDArray[np.float32]
    """(steps, 6), from the tool to the object, and to the goal [m]; an auxiliary target."""
    actions: NDArray[np.float32]
    """(steps, 7), what the expert would do; what was executed may have been disturbed."""


def save_demonstration(path: Path, episode: Demonstration) -> None:
    """Write one episode."""
    about = {"task": episode.task, "speed": episode.style.speed, "height": episode.style.height}
    base, base_ends = _pack(episode.base)
    wrist, wrist_ends = _pack(episode.wrist)
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(
            file,
            about=json.dumps(about),
            base=base,
            base_ends=base_ends,
            wrist=wrist,
            wrist_ends=wrist_ends,
            tcp_pose=episode.tcp_pose,
            gripper=episode.gripper,
            aim=episode.aim,
            actions=episode.actions,
        )


def load_demonstration(path: Path) -> Demonstration:
    """Read one episode."""
    with np.load(path) as file:
        about = json.loads(str(file["about"]))
        return Demonstration(
            task=about["task"],
            style=Style(speed=about["speed"], height=about["height"]),
            base=_unpack(file["base"], file["base_ends"]),
            wrist=_unpack(file["wrist"], file["wrist_ends"]),
            tcp_pose=file["tcp_pose"],
            gripper=file["gripper"],
            aim=file["aim"],
            actions=file["actions"],
        )


def _pack(images: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the images as one run of JPEG bytes, and where each ends."""
    files = []
    for image in images:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        files.append(np.frombuffer(buffer.getvalue(), np.uint8))
    return np.concatenate(files), np.cumsum([len(f) for f in files])


def _unpack(data: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.uint8]:
    starts = [0, *ends[:-1]]
    pieces = (data[a:b].tobytes() for a, b in zip(starts, ends, strict=True))
    return np.stack([np.asarray(Image.open(io.BytesIO(piece))) for piece in pieces])
