"""Pictures of a camera in the size that is asked for."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

Frame = NDArray[np.uint8]


def fitted(frame: Frame, size: tuple[int, int]) -> Frame:
    """Return the middle of ``frame`` (height, width, 3), scaled to ``size`` (height, width)."""
    height, width = size
    if frame.shape[:2] == size:
        return frame
    rows, columns = frame.shape[:2]
    scale = min(rows / height, columns / width)
    tall, wide = round(height * scale), round(width * scale)
    top, left = (rows - tall) // 2, (columns - wide) // 2
    middle = frame[top : top + tall, left : left + wide]
    cv2 = require("cv2", extra="ur5")
    method = cv2.INTER_AREA if scale > 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(middle, (width, height), interpolation=method), np.uint8)
