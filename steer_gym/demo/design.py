"""What the demo compares, as data: where it runs, and under which conditions."""

from __future__ import annotations

from collections.abc import Sequence

from steer_gym.benchmark.presets import DRAWS, POCKET_SUITE, PROMPTS
from steer_gym.errors import EvaluationError
from steer_gym.evaluation.conditions import UNSTEERED, random_like, steered, told
from steer_gym.evaluation.grid import Condition, Grid
from steer_gym.policy import Policy

PLACES = Grid(
    env=POCKET_SUITE.env,
    conditions=(UNSTEERED,),
    tasks=POCKET_SUITE.tasks,
    init_states=tuple(range(8)),
    env_options=POCKET_SUITE.env_options,
)
"""Where Pocket is at home; LIBERO's stored states, its demonstrations start from others."""
CONTROLLED = ("fast", "high")
"""Concepts that random neurons are run beside; they answer for the opposite too."""


def design(policy: Policy, places: Grid, steers: Sequence[Condition] = ()) -> Grid:
    """Return the demo of a policy's concepts, or of steerings given instead.

    Args:
        policy: It must have neurons.
        places: Environment, tasks, initial states; its conditions are replaced.
        steers: Steered conditions of the user's own, each with random neurons beside it.

    Raises:
        EvaluationError: There is nothing to steer by.
    """
    if policy.spec.neurons is None:
        raise EvaluationError(f"{policy.spec.name} has no neurons, so there is nothing to steer.")
    own = [name for name in PROMPTS if name in policy.concepts] if not steers else []
    if not own and not steers:
        raise EvaluationError(
            f"{policy.spec.name} knows none of the concepts {', '.join(PROMPTS)}. Say how to "
            "steer it with --steer."
        )
    conditions = [*steers, *(steered(name, policy.recommended(name)) for name in own)]
    controls = [
        random_like(each, policy, draws=DRAWS)
        for each in conditions
        if each.name not in own or each.name in CONTROLLED
    ]
    words = [told(PROMPTS[name], f"told {name}") for name in own]
    return Grid(
        env=places.env,
        conditions=(UNSTEERED, *conditions, *controls, *words),
        tasks=places.tasks,
        init_states=places.init_states,
        seed=places.seed,
        env_options=places.env_options,
        rounds=True,
    )


def filmed(grid: Grid) -> set[str]:
    """Return the keys of the cells to film: all of the first place."""
    return {cell.key for cell in grid.cells()[: len(grid.conditions)]}
