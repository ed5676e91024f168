"""The privileged keys of an observation, read from LIBERO's problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.privileged import GOAL, OBJECT, OBSTACLES, SHAPES, TABLE

from .boxes import SceneBoxes


class PrivilegedObserver:
    """Reads the privileged keys of a problem, again and again."""

    def __init__(self, problem: Any) -> None:
        """Follow ``problem`` through its resets."""
        self._problem = problem
        self._boxes: SceneBoxes | None = None

    def observe(self) -> dict[str, NDArray[np.float64]]:
        """Return every key of ``steer_gym.privileged``.

        The goal they tell of is the first that does not hold yet, or the last if all do.
        """
        boxes = self._scene_boxes()
        predicate, name, *place = self._next_goal()
        sites = self._problem.object_sites_dict
        thing = str(sites[name].parent_name) if name in sites else name
        return {
            OBJECT: boxes.of(thing),
            GOAL: self._goal(boxes, predicate, *place),
            OBSTACLES: boxes.around(thing, number=SHAPES[OBSTACLES][0]),
            TABLE: np.array([self._problem.workspace_offset[2]], np.float64),
        }

    def _scene_boxes(self) -> SceneBoxes:
        if self._boxes is None or self._boxes.model is not self._problem.sim.model._model:
            self._boxes = SceneBoxes(self._problem)
        return self._boxes

    def _next_goal(self) -> tuple[str, ...]:
        goals = self._problem.parsed_problem["goal_state"]
        missing = [goal for goal in goals if not self._problem._eval_predicate(goal)]
        return tuple((missing or goals[-1:])[0])

    @staticmethod
    def _goal(boxes: SceneBoxes, predicate: str, *place: str) -> NDArray[np.float64]:
        if not place:
            return np.zeros(6)
        box = boxes.of(place[0])
        if predicate.lower() != "in":
            box[2] += box[5]
            box[5] = 0.0
        return box
