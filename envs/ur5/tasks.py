"""The paper's two tasks, where their things stand, and when they are done."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from steer_gym.errors import UnknownNameError
from steer_gym.robot import Scene

from .rotation import Array

RELEASED = 0.25
"""A gripper more open than this holds nothing; the toy keeps it at about 0.4."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """Bring the toy somewhere."""

    name: str
    instruction: str
    """What the policy is told."""
    place: str
    """Thing that the toy belongs in or on, as the simulation calls it."""
    relation: Literal["in", "on"]


TASKS = (
    Task(
        name="penguin_in_basket",
        instruction="put the penguin toy in the basket",
        place="basket",
        relation="in",
    ),
    Task(
        name="seal_on_plate",
        instruction="put the seal toy on the plate",
        place="plate",
        relation="on",
    ),
)
"""The paper's: into a basket, carried low or high; onto a plate, slowly or fast."""

THING = "toy"


def task_of(given: int | str) -> Task:
    """Return a task by its index, name or instruction.

    Raises:
        UnknownNameError: There is no such task.
    """
    names: dict[object, Task] = dict(enumerate(TASKS))
    for task in TASKS:
        names |= {task.name: task, task.instruction: task}
    if isinstance(given, bool) or given not in names:
        raise UnknownNameError("task of the UR5", given, map(str, names))
    return names[given]


def arrange(scene: Scene, task: Task, *, seed: int, episode: int) -> None:
    """Place the task's things; where depends on seed, task and episode alone."""
    rng = np.random.default_rng((seed, zlib.crc32(task.name.encode()), episode))
    toy_x, toy_y = rng.uniform((0.38, -0.26), (0.56, -0.06))
    place_x, place_y = rng.uniform((0.40, 0.14), (0.56, 0.26))
    scene.move_thing(THING, (toy_x, toy_y, 0.03), float(rng.uniform(-0.4, 0.4)))
    scene.move_thing(task.place, (place_x, place_y, 0.0), 0.0)


def is_done(task: Task, boxes: Mapping[str, Array], gripper: float) -> bool:
    """Tell whether the toy is where it belongs, and let go.

    Args:
        task: What was to be done.
        boxes: Of each thing, ``Scene.boxes()``.
        gripper: 0 open to 1 closed.
    """
    toy, place = around(boxes[THING]), around(boxes[task.place])
    aside = np.abs(toy[:2] - place[:2])
    bottom, top = toy[2] - toy[5], place[2] + place[5]
    if task.relation == "in":
        there = bool((aside < place[3:5]).all()) and toy[2] < top
    else:
        there = float(np.linalg.norm(aside)) < place[3] and abs(bottom - top) < 0.02
    return bool(there and gripper < RELEASED)


def around(boxes: Array) -> Array:
    """Return the box (6,) around boxes (number, 6)."""
    low = (boxes[:, :3] - boxes[:, 3:]).min(axis=0)
    high = (boxes[:, :3] + boxes[:, 3:]).max(axis=0)
    return np.concatenate([(low + high) / 2, (high - low) / 2])
