"""Two episodes over the steps that both have, so that neither is judged by its length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from steer_gym.convention import ActionConvention
from steer_gym.episode import Step
from steer_gym.evaluation.measures import measure
from steer_gym.evaluation.rows import Row

from .columns import EQUAL


def equal_pair(
    one: Sequence[Step], other: Sequence[Step], convention: Mapping[str, Any]
) -> Row | None:
    """Return the first one's measures, and the other's as ``baseline_...``, over equal lengths.

    ``None`` where the steps of one of them were not kept. A rate, speed or height over unequal
    lengths compares different parts of a task: whoever is done has no slow end.
    """
    count = min(len(one), len(other))
    if not count:
        return None
    meaning = ActionConvention(**convention)
    here, there = (_measures(steps[:count], meaning) for steps in (one, other))
    return {**here, **{f"baseline_{name}": value for name, value in there.items()}}


def _measures(steps: Sequence[Step], meaning: ActionConvention) -> Row:
    found = asdict(measure(steps, meaning))
    return {name: value for name, value in found.items() if name in EQUAL}
