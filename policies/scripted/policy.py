"""The scripted expert as a policy."""

from __future__ import annotations

import time
from collections.abc import Iterable

import numpy as np

from steer_gym.acting import ActConfigs
from steer_gym.convention import LIBERO_DELTA
from steer_gym.errors import TaskError
from steer_gym.observation import Observation
from steer_gym.policy import Plan, Policy, PolicySpec

from .pick_and_place import PickAndPlace
from .scene import Scene, scenes
from .style import Style


class ScriptedPolicy(Policy):
    """Picks an object up and places it, with privileged knowledge, in a chosen style.

    Make the environment with ``privileged=True``. The tasks are those whose goal is that an object
    is in or on something, which is all of libero_object and libero_spatial.
    """

    light = True

    def __init__(self, *, speed: float = 1.0, height: float = 0.30) -> None:
        """Choose the style, see ``Style``.

        Raises:
            SteerGymError: A number is out of range.
        """
        self.spec = PolicySpec(name="scripted", action=LIBERO_DELTA, cameras={}, privileged=True)
        self.style = Style(speed=speed, height=height)
        self._present_style = self.style
        self._rows: dict[int, PickAndPlace] = {}

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return one action a row; each row's phase is remembered until ``reset``.

        ``Plan.extra["phases"]`` tells the phases.

        Raises:
            TaskError: The goal is not about a place.
        """
        started = time.perf_counter()
        batch, _ = self.prepare(observation, config)
        views = scenes(batch)
        for scene in views:
            _require_place(scene)
        experts = [self._expert(row) for row in range(len(views))]
        actions = [expert.act(scene) for expert, scene in zip(experts, views, strict=True)]
        return Plan(
            actions=np.array(actions, np.float32)[:, None],
            latency_s=time.perf_counter() - started,
            steering=(None,) * len(views),
            extra={"phases": tuple(expert.phase.value for expert in experts)},
        )

    def reset(self, rows: Iterable[int] | None = None, *, style: Style | None = None) -> None:
        """Begin an episode in these rows, or in all.

        Args:
            rows: Their indices; ``None``: all.
            style: Of these rows until their next reset; ``None``: the policy's own.
        """
        if rows is None:
            self._rows.clear()
            self._present_style = style or self.style
        else:
            self._rows.update({row: PickAndPlace(style or self.style) for row in rows})

    def _expert(self, row: int) -> PickAndPlace:
        return self._rows.setdefault(row, PickAndPlace(self._present_style))


def _require_place(scene: Scene) -> None:
    if not scene.goal.half.any():
        raise TaskError(
            f"The scripted expert cannot {scene.instruction!r}: it puts objects in or on "
            "something, as in all tasks of libero_object and libero_spatial, and does not open, "
            "close or switch things."
        )
