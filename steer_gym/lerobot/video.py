"""One camera of one episode as an MP4 that can be entered at any frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

CODEC, PIXELS = "h264", "yuv420p"
QUALITY = 18
"""Constant rate factor of x264; visually lossless."""
KEY_EVERY = 2
"""Frames from one key frame to the next, as in LeRobot's own files: training reads at random."""


class VideoFile:
    """Takes frames one by one."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int) -> None:
        """Begin a file of frames of ``size`` (height, width), both even."""
        ffmpeg: Any = require("imageio_ffmpeg", extra="bench")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._writer = ffmpeg.write_frames(
            str(path),
            size[::-1],
            fps=fps,
            codec="libx264",
            pix_fmt_out=PIXELS,
            macro_block_size=2,
            ffmpeg_log_level="error",
            output_params=["-crf", str(QUALITY), "-g", str(KEY_EVERY), "-bf", "0"],
        )
        self._writer.send(None)  # starts it

    def add(self, frame: NDArray[np.uint8]) -> None:
        """Add one frame, uint8, (height, width, 3)."""
        self._writer.send(np.ascontiguousarray(frame))

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def discard(self) -> None:
        """Remove the file, finished or not."""
        self.close()
        self._path.unlink(missing_ok=True)


def video_feature(size: tuple[int, int], fps: int) -> dict[str, Any]:
    """Return what ``info.json`` says of such a camera."""
    return {
        "dtype": "video",
        "shape": [*size, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": size[0],
            "video.width": size[1],
            "video.codec": CODEC,
            "video.pix_fmt": PIXELS,
            "video.is_depth_map": False,
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
        },
    }
