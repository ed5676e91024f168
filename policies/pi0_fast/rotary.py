"""The rotary angles, rounded as openpi rounds them.

An angle is a float32 quotient of up to a thousand radians, and its last bit moves the logits. XLA
replaces a division by constants by a product with their rounded reciprocals, which moved the
logits of a model of six layers by 2e-4; so both backends look up what numpy has divided.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_BASE = np.float32(10_000)


@lru_cache(maxsize=8)
def rotary_table(head_dim: int, positions: int) -> NDArray[np.float32]:
    """Return cosine and sine of every angle, (2, positions + 1, head_dim / 2).

    Row ``position + 1``: positions that nothing sees stand at -1.
    """
    exponents = np.arange(head_dim // 2, dtype=np.float32) * np.float32(2 / head_dim)
    angles = np.arange(-1, positions, dtype=np.float32)[:, None] / _BASE**exponents
    wide = angles.astype(np.float64)
    table = np.stack([np.cos(wide), np.sin(wide)]).astype(np.float32)
    table.setflags(write=False)
    return table
