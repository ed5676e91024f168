"""The privileged keys of an observation, from the simulated things."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from steer_gym.privileged import GOAL, OBJECT, OBSTACLES, SHAPES, TABLE

from .rotation import Array
from .tasks import THING, Task, around


def privileged_keys(task: Task, boxes: Mapping[str, Array]) -> dict[str, Array]:
    """Return every key of ``steer_gym.privileged``; ``boxes`` are those of ``Scene.boxes()``."""
    goal = around(boxes[task.place])
    if task.relation == "on":
        goal[2] += goal[5]
        goal[5] = 0.0
    return {
        OBJECT: around(boxes[THING]),
        GOAL: goal,
        OBSTACLES: _obstacles(boxes),
        TABLE: np.zeros(1),
    }


def _obstacles(boxes: Mapping[str, Array]) -> Array:
    middle = boxes[THING][0, :3]
    others = np.concatenate([parts for name, parts in boxes.items() if name != THING])
    near = others[np.linalg.norm(others[:, :3] - middle, axis=1) < 2.0]
    nearest = near[np.linalg.norm(near[:, :3] - middle, axis=1).argsort()]
    rows = np.zeros(SHAPES[OBSTACLES])
    rows[: len(nearest)] = nearest[: len(rows)]
    return rows
