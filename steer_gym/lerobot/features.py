"""What each column of a dataset is, from the first frame that is added."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ObservationError

from .layout import ACTION, POSE_NAMES, STATE
from .video import video_feature

REWARD, DONE, SUCCESS = "next.reward", "next.done", "next.success"
_SCALARS = {
    REWARD: "float32",
    DONE: "bool",
    SUCCESS: "bool",
    "timestamp": "float32",
    "frame_index": "int64",
    "episode_index": "int64",
    "index": "int64",
    "task_index": "int64",
}


def features_of(
    pictures: Mapping[str, NDArray[np.uint8]],
    state: NDArray[np.float32],
    action: NDArray[np.float32],
    fps: int,
) -> dict[str, Any]:
    """Return ``features`` of ``info.json``.

    Raises:
        ObservationError: A picture has an odd side, which the video's pixel format cannot hold.
    """
    for key, picture in pictures.items():
        if picture.shape[0] % 2 or picture.shape[1] % 2:
            raise ObservationError(
                f"{key} has shape {picture.shape}; videos need an even height and width."
            )
    gripper = [f"gripper{number}" for number in range(1, len(state) - len(POSE_NAMES) + 1)]
    return {
        **{key: video_feature(each.shape[:2], fps) for key, each in pictures.items()},
        STATE: _vector(len(state), [*POSE_NAMES, *gripper]),
        ACTION: _vector(len(action), [f"action{number}" for number in range(1, len(action) + 1)]),
        **{key: {"dtype": kind, "shape": [1], "names": None} for key, kind in _SCALARS.items()},
    }


def video_keys(features: Mapping[str, Any]) -> list[str]:
    """Return the columns that are videos."""
    return [key for key, feature in features.items() if feature["dtype"] == "video"]


def _vector(size: int, names: list[str]) -> dict[str, Any]:
    return {"dtype": "float32", "shape": [size], "names": names}
