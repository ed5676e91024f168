"""A budget of time is spent on whole sets of conditions."""

from __future__ import annotations

import itertools

from steer_gym.evaluation import Condition, Grid
from steer_gym.evaluation.budget import Budget

GRID = Grid(
    env="x",
    conditions=tuple(Condition(name=name) for name in "abcd"),
    init_states=tuple(range(100)),
)


def played(seconds: float | None, per_cell: float) -> list[int]:
    """Return how many cells of each initial state start, one after the other."""
    now = [0.0]
    budget = Budget(seconds, 4, clock=lambda: now[0])
    started = []
    for cell in GRID.cells():
        if budget.may_start(cell):
            started.append(cell.init_state)
            now[0] += per_cell
    return [len(list(group)) for _, group in itertools.groupby(started)]


def test_without_a_limit_everything_starts() -> None:
    assert played(None, 1e6) == [4] * 100
    assert Budget(None, 4).left_s() is None


def test_no_set_begins_that_would_not_end() -> None:
    assert played(21.0, 1.0) == [4] * 5
    assert played(19.9, 1.0) == [4] * 4


def test_the_first_set_always_begins_and_stops_when_time_is_up() -> None:
    assert played(2.5, 1.0) == [3]


def test_a_refused_set_stays_refused() -> None:
    now = [0.0]
    budget = Budget(10.0, 4, clock=lambda: now[0])
    cells = GRID.cells()
    for cell in cells[:4]:
        assert budget.may_start(cell)
        now[0] += 2.0
    assert not budget.may_start(cells[4])
    assert not budget.may_start(cells[5])
    assert budget.left_s() == 2.0


def test_sets_of_two_environments_count_together() -> None:
    """A set takes 4 s in its environment, so each of the two plays two in 10.5 s."""
    now = [0.0]
    budget = Budget(10.5, 4, 2, clock=lambda: now[0])
    halves = [iter(GRID.cells()[:200]), iter(GRID.cells()[200:])]
    started = 0
    while now[0] < 20:
        started += sum(budget.may_start(next(half)) for half in halves)
        now[0] += 1.0
    assert started == 16
