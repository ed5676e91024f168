"""One place for an environment: plays its cells one after the other, never waiting by itself."""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from steer_gym.acting import ActConfig
from steer_gym.convention import ActionConvention
from steer_gym.course import Course
from steer_gym.episode import Episode
from steer_gym.policy import Plan, PolicySpec
from steer_gym.recorder import EpisodeRecorder
from steer_gym.rollout import executed_actions, told_time_s

from .budget import Budget
from .grid import Cell
from .stage import Reply, Scene, Stage, StageError


@dataclass(frozen=True, kw_only=True)
class Ended:
    """An episode that ended or crashed, and the cell that it was of."""

    cell: Cell
    episode: Episode
    wall_s: float
    attempt: int
    """1 for the first try."""


@dataclass(frozen=True, kw_only=True)
class Direction:
    """What all slots of an evaluation share."""

    env_options: Mapping[str, Any]
    """For ``gym.make``, without the task."""
    seed: int
    convention: ActionConvention
    spec: PolicySpec
    films: Collection[str]
    """Keys of the cells to film."""
    budget: Budget
    keep: Callable[[Ended], None]
    """Takes what ended."""
    retries: int
    """How often a cell that crashed is tried again."""


class Slot:
    """Asks its stage, and says what it is waiting for: an answer, or an action."""

    def __init__(self, cells: Iterable[Cell], stage: Stage, direction: Direction) -> None:
        """Be ready to play ``cells``; ``start_next`` begins."""
        self.stage = stage
        self.cell: Cell | None = None
        self.observation: dict[str, Any] | None = None
        """The latest one, kept after the last episode so that batches keep their size."""
        self.waiting = False
        """Whether an answer of the stage is due."""
        self.fresh = False
        """Whether the episode has begun and the policy has not acted in it."""
        self.config = ActConfig()
        """How the policy selects this slot's next action."""
        self._queue = deque(cells)
        self._direction = direction
        self._plan: tuple[Plan, int] | None = None

    def start_next(self) -> None:
        """Ask for the first observation of the next cell that may start, if there is one."""
        while self._queue:
            cell = self._queue.popleft()
            if self._direction.budget.may_start(cell):
                self._start(cell, 1)
                return
        self.cell, self.config = None, ActConfig()

    def receive(self) -> None:
        """Take one answer of the stage."""
        self.waiting = False
        try:
            reply = self.stage.receive()
        except StageError as error:
            self.end(None, str(error))
            return
        self.observation = reply.observation
        try:
            self._record(reply)
            if reply.success is None:
                time_s = told_time_s(reply.info)
                self.config = self._course.at(self._count, reply.observation, time_s=time_s)
        except ValueError:  # a number that nothing can be measured with, or a schedule cannot
            self.end(None, traceback.format_exc())
        else:
            if reply.success is not None:
                self.end(reply.success)

    def play(self, plan: Plan, row: int) -> None:
        """Ask the stage to execute the actions of one row of ``plan``."""
        self._plan, self.fresh, self.waiting = (plan, row), False, True
        self.stage.play(plan.actions[row], executed_actions(self._direction.spec, self.config))

    def end(self, success: bool | None, error: str | None = None) -> None:
        """Hand on what happened, and go on with the next cell, or with the same after a crash."""
        assert self.cell is not None
        cell, attempt = self.cell, self._attempt
        self._direction.keep(
            Ended(
                cell=cell,
                episode=self._recorder.finish(success, error),
                wall_s=time.perf_counter() - self._started,
                attempt=attempt,
            )
        )
        if error is not None and attempt <= self._direction.retries:
            self._start(cell, attempt + 1)
        else:
            self.start_next()

    def _record(self, reply: Reply) -> None:
        self._count += len(reply.moves)
        if self._plan is None:
            self.fresh = True
            self._recorder.begin(reply.observation, reply.info)
        for index, move in enumerate(reply.moves):
            plan, row = self._plan if self._plan is not None and index == 0 else (None, 0)
            self._recorder.add(
                move.action,
                move.tcp_pose,
                move.reward,
                plan,
                row,
                force_n=move.force_n,
                time_s=move.time_s,
                used=self.config,
            )
            self._recorder.film([] if move.frame is None else [move.frame])

    def _start(self, cell: Cell, attempt: int) -> None:
        direction = self._direction
        task = {} if cell.task is None else {"task": cell.task}
        self.cell, self.waiting, self.fresh = cell, True, False
        self._plan, self._count, self._started = None, 0, time.perf_counter()
        self._attempt = attempt
        self._course = Course(cell.config, rate_hz=direction.convention.rate_hz)
        self._recorder = EpisodeRecorder(cell.config, rate_hz=direction.convention.rate_hz)
        self.stage.begin(
            Scene(
                env=cell.env,
                env_options={**direction.env_options, **task},
                seed=direction.seed,
                reset_options=None if cell.init_state is None else {"init_state": cell.init_state},
                prompt=cell.condition.prompt,
                film=cell.key in direction.films,
            )
        )
