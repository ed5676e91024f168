"""A grid names every cell once, and a cell's digest names what its result depends on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steer_gym import ActConfig
from steer_gym.errors import EvaluationError
from steer_gym.evaluation import Condition, Grid
from steer_gym.evaluation.grid import Cell

GRID = Grid(
    env="toy_world:toy/Reach-v0",
    conditions=(Condition(name="plain"), Condition(name="told", prompt="{instruction}, quickly")),
    tasks=(0, 1),
    init_states=(4, 5, 6),
)


def test_conditions_of_one_initial_state_are_together() -> None:
    cells = GRID.cells()
    assert len({cell.key for cell in cells}) == 12
    assert [cell.condition.name for cell in cells[:2]] == ["plain", "told"]
    assert [(cell.task, cell.init_state) for cell in cells[::2]] == [
        (0, 4), (0, 5), (0, 6), (1, 4), (1, 5), (1, 6)
    ]  # fmt: skip


def test_rounds_meet_every_task_before_any_comes_again() -> None:
    cells = replace(GRID, rounds=True).cells()
    assert [(cell.task, cell.init_state) for cell in cells[::2]] == [
        (0, 4), (1, 4), (0, 5), (1, 5), (0, 6), (1, 6)
    ]  # fmt: skip
    assert {cell.key for cell in cells} == {cell.key for cell in GRID.cells()}


def test_a_key_is_readable_and_fit_for_a_file() -> None:
    odd = replace(GRID, conditions=(Condition(name="fast=10, in/../words"),))
    assert odd.cells()[0].key == "fast=10-in-..-words-task-0-init-4"
    bare = Grid(env="x", conditions=(Condition(name="plain"),))
    assert bare.cells()[0].key == "plain"


def test_configs_take_turns_over_initial_states() -> None:
    condition = Condition(name="c", configs=tuple(ActConfig(seed=i) for i in range(2)))
    assert [condition.draw(0, state) for state in (0, 1, 2, None)] == [0, 1, 0, 0]
    assert [condition.draw(task, 0) for task in (1, 2, None)] == [1, 0, 0]
    assert {condition.draw(task, 0) for task in ("toy", "plate", "cup", "can")} == {0, 1}
    cell = Cell(env="some/Env-v0", task=1, init_state=2, condition=condition)
    assert cell.config.seed == cell.draw == 1


@pytest.mark.parametrize(
    "other",
    [
        replace(GRID, seed=1),
        replace(GRID, env_options={"max_steps": 3}),
        replace(GRID, conditions=(Condition(name="plain", configs=(ActConfig(execute=2),)),)),
        replace(GRID, conditions=(Condition(name="plain", prompt="{instruction}!"),)),
    ],
)
def test_a_digest_differs_where_the_result_may(other: Grid) -> None:
    policy = {"name": "reach"}
    one, changed = GRID.cells()[0], other.cells()[0]
    assert one.key == changed.key
    assert GRID.cell_digest(one, policy) != other.cell_digest(changed, policy)
    assert GRID.cell_digest(one, policy) != GRID.cell_digest(one, {"name": "reach2"})
    again = replace(GRID, rounds=True)
    assert again.cell_digest(again.cells()[0], policy) == GRID.cell_digest(one, policy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tasks": ()}, "at least one task, each once, but it holds no task"),
        ({"init_states": (1, 1)}, "initial state 1 is given twice"),
        (
            {"conditions": (Condition(name="a"), Condition(name="a"))},
            "condition 'a' is given twice",
        ),
        ({"conditions": (Condition(name="a b"), Condition(name="a,b"))}, "cell's name 'a-b-task-0"),
    ],
)
def test_a_grid_that_names_nothing_or_a_thing_twice_is_refused(
    change: dict[str, object], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        replace(GRID, **change)


def test_a_condition_has_a_name_and_a_config() -> None:
    with pytest.raises(EvaluationError, match="a name and at least one ActConfig"):
        Condition(name="")
