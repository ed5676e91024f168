"""The privileged keys of an observation, read from LIBERO's problem."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.privileged import GOAL, OBJECT, OBSTACLES, RELATION, RELATIONS, SHAPES, TABLE

from .boxes import SceneBoxes


class PrivilegedObserver:
    """Reads the privileged keys of a problem, again and again."""

    def __init__(self, problem: Any) -> None:
        """Follow ``problem`` through its resets."""
        self._problem = problem
        self._boxes: SceneBoxes | None = None
        self._model: Any = None

    def observe(self) -> dict[str, NDArray[np.float64]]:
        """Return every key of ``steer_gym.privileged``.

        The goal they tell of is the first that does not hold yet, or the last if all do.
        """
        boxes = self._scene_boxes()
        relation, name, *place = self._next_goal()
        thing = name if name in self._problem.obj_body_id else self._owner_of(name)
        known = relation.lower() if place and relation.lower() in RELATIONS else "other"
        return {
            RELATION: np.array([RELATIONS.index(known)], np.float64),
            OBJECT: boxes.of(thing),
            GOAL: boxes.of(place[0] if known != "other" else name),
            OBSTACLES: boxes.around(thing, number=SHAPES[OBSTACLES][0]),
            TABLE: np.array([self._problem.workspace_offset[2]], np.float64),
        }

    def _scene_boxes(self) -> SceneBoxes:
        model = self._problem.sim.model._model
        if self._boxes is None or model is not self._model:
            self._boxes, self._model = SceneBoxes(self._problem), model
        return self._boxes

    def _next_goal(self) -> tuple[str, ...]:
        goals = self._problem.parsed_problem["goal_state"]
        open_goals = [goal for goal in goals if not self._problem._eval_predicate(goal)]
        return tuple((open_goals or goals[-1:])[0])

    def _owner_of(self, region: str) -> str:
        """Return the object or fixture that a region belongs to."""
        return str(self._problem.object_sites_dict[region].parent_name)
