"""What the demo compares, as data: where it runs, which concepts, and what each should change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steer_gym.errors import EvaluationError
from steer_gym.evaluation.conditions import UNSTEERED, random_like, steered, told
from steer_gym.evaluation.grid import Condition, Grid
from steer_gym.policy import Policy

ENV = "steer_gym/LiberoObject-v0"
TASKS = (2, 3, 5, 9)
INIT_STATES = tuple(range(8))
"""LIBERO's stored ones; Pocket's demonstrations start from states drawn anew."""
ENV_OPTIONS = {"rendering": "fast", "render_size": 192}
"""Cameras and their size are the policy's own."""
DRAWS = 4
"""Draws of random neurons, which take turns over the initial states."""


@dataclass(frozen=True, kw_only=True)
class Concept:
    """What steering by a concept should change, and the words that ask for the same."""

    prompt: str
    measure: str
    """One of ``evaluation.summary.MEASURES``."""
    sign: int
    """+1: the measure should grow; -1: it should shrink."""
    controlled: bool = False
    """Whether random neurons are run beside it; they answer for its opposite too."""


CONCEPTS = {
    "fast": Concept(prompt="{instruction}, quickly", measure="speed_m_s", sign=1, controlled=True),
    "slow": Concept(prompt="{instruction}, slowly", measure="speed_m_s", sign=-1),
    "high": Concept(
        prompt="{instruction}, lift it high", measure="carried_height_m", sign=1, controlled=True
    ),
    "low": Concept(prompt="{instruction}, keep it low", measure="carried_height_m", sign=-1),
}


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A steered condition with what it is compared to, by the conditions' names."""

    steered: str
    concept: Concept | None
    """What is known of it; ``None`` for a steering of the user's own."""
    random: str | None
    told: str | None


@dataclass(frozen=True, kw_only=True)
class Design:
    """The grid of a demo, and how to read it."""

    grid: Grid
    contrasts: tuple[Contrast, ...]

    @property
    def baseline(self) -> str:
        """Return the name of the unsteered condition."""
        return self.grid.conditions[0].name

    def films(self) -> dict[str, str]:
        """Return key and condition of the cells to film: all of the first place."""
        first = self.grid.cells()[: len(self.grid.conditions)]
        return {cell.key: cell.condition.name for cell in first}


def design(policy: Policy, places: Grid, steers: Sequence[Condition] = ()) -> Design:
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
    own = [name for name in CONCEPTS if name in policy.concepts] if not steers else []
    if not own and not steers:
        raise EvaluationError(
            f"{policy.spec.name} knows none of the concepts {', '.join(CONCEPTS)}. Say how to "
            "steer it with --steer."
        )
    conditions = [*steers, *(steered(name, policy.recommended(name)) for name in own)]
    controls = {
        each.name: random_like(each, policy, draws=DRAWS)
        for each in conditions
        if each.name not in own or CONCEPTS[each.name].controlled
    }
    words = {name: told(CONCEPTS[name].prompt, f"told {name}") for name in own}
    grid = Grid(
        env=places.env,
        conditions=(UNSTEERED, *conditions, *controls.values(), *words.values()),
        tasks=places.tasks,
        init_states=places.init_states,
        seed=places.seed,
        env_options=places.env_options,
        rounds=True,
    )
    contrasts = tuple(_contrast(each.name, own, controls, words) for each in conditions)
    return Design(grid=grid, contrasts=contrasts)


def _contrast(
    name: str, own: Sequence[str], controls: dict[str, Condition], words: dict[str, Condition]
) -> Contrast:
    concept = CONCEPTS[name] if name in own else None
    alike = [name, *(o for o in own if concept and CONCEPTS[o].measure == concept.measure)]
    control = next((controls[other].name for other in alike if other in controls), None)
    return Contrast(
        steered=name,
        concept=concept,
        random=control,
        told=words[name].name if name in words else None,
    )
