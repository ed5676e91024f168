"""Films of episodes as MP4, written whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require
from steer_gym.results import atomic_path

Frame = NDArray[np.uint8]


def write_film(
    path: str | Path, frames: Iterable[Frame], *, rate_hz: float, quality: int = 26
) -> None:
    """Write H.264 that every browser plays.

    Args:
        path: Of the file.
        frames: uint8, (height, width, 3), both sides even.
        rate_hz: Frames a second.
        quality: Constant rate factor of x264; smaller is better and larger.

    Raises:
        MissingPackageError: imageio or its ffmpeg is not installed.
    """
    require("imageio_ffmpeg", extra="bench")
    imageio: Any = require("imageio.v2", extra="bench")
    with (
        atomic_path(path) as partial,
        imageio.get_writer(
            partial,
            format="FFMPEG",
            mode="I",
            fps=rate_hz,
            codec="libx264",
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-crf", str(quality), "-movflags", "+faststart", "-f", "mp4"],
        ) as writer,
    ):
        for frame in frames:
            writer.append_data(frame)


def read_film(path: str | Path) -> list[Frame]:
    """Return the frames of a film."""
    imageio: Any = require("imageio.v2", extra="bench")
    with imageio.get_reader(path, format="FFMPEG") as reader:
        return [np.asarray(frame) for frame in reader]
