"""What only a simulation knows, as keys of an observation: for scripted experts and bounds.

An environment adds them when it is made with ``privileged=True``. Learned policies must not look.
A box is six numbers: centre and half extents along the world's axes [m].
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces

OBJECT = "privileged.object"
"""Box around the object that the next goal is about, (6,)."""
GOAL = "privileged.goal"
"""Box in whose bottom the object belongs, (6,): the room inside a container, or a flat one on top
of a surface. Zeros where the goal is not about a place."""
OBSTACLES = "privileged.obstacles"
"""Boxes around everything else, nearest to the object first, (64, 6); zeros where there is none."""
TABLE = "privileged.table"
"""Height of the surface that the scene stands on, (1,) [m]."""

SHAPES = {OBJECT: (6,), GOAL: (6,), OBSTACLES: (64, 6), TABLE: (1,)}
"""Every privileged key with its shape; all are float64."""

BOUND_M = 10.0
"""Bound of every number."""


def privileged_spaces() -> dict[str, spaces.Space[Any]]:
    """Return the space of every privileged key."""
    return {key: spaces.Box(-BOUND_M, BOUND_M, shape, np.float64) for key, shape in SHAPES.items()}
