"""Films of episodes as MP4, written whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ResultsError
from steer_gym.extras import require
from steer_gym.results import atomic_path

Frame = NDArray[np.uint8]


def write_film(
    path: str | Path, frames: Sequence[Frame], *, rate_hz: float, quality: int = 26
) -> None:
    """Write H.264 that every browser plays.

    Args:
        path: Of the file.
        frames: uint8, (height, width, 3), at least one; an odd side grows by a pixel.
        rate_hz: Frames a second.
        quality: Constant rate factor of x264; smaller is better and larger.

    Raises:
        MissingPackageError: imageio-ffmpeg is not installed.
        ResultsError: A frame is no such picture; nothing is written.
    """
    ffmpeg: Any = require("imageio_ffmpeg", extra="bench")
    height, width = frames[0].shape[:2]
    with atomic_path(path) as partial:
        writer = ffmpeg.write_frames(
            str(partial),
            (width, height),
            fps=rate_hz,
            codec="libx264",
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-crf", str(quality), "-movflags", "+faststart", "-f", "mp4"],
        )
        with closing(writer):
            writer.send(None)  # starts it
            for frame in frames:
                writer.send(_checked(frame, height, width))


def _checked(frame: Frame, height: int, width: int) -> Frame:
    if frame.dtype != np.uint8 or frame.shape != (height, width, 3):
        raise ResultsError(
            f"Every frame of this film is uint8 with shape {(height, width, 3)}, but one is "
            f"{frame.dtype} with {frame.shape}."
        )
    return np.ascontiguousarray(frame)


def read_film(path: str | Path) -> list[Frame]:
    """Return the frames of a film."""
    ffmpeg: Any = require("imageio_ffmpeg", extra="bench")
    with closing(ffmpeg.read_frames(str(path))) as reader:
        width, height = next(reader)["size"]
        return [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]
