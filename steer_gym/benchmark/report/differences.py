"""Differences between two conditions of a study, each with the rows that it rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from steer_gym.statistics import Estimate, student_mean

from .study import Place, Study

Version = Literal["full", "equal"]
"""Over whole episodes, or over the first steps that both of a pair have."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One measure of two episodes from the same task and initial state."""

    place: Place
    keys: tuple[str, str]
    """Of the rows: the condition's, the reference's."""
    value: float
    reference: float

    @property
    def difference(self) -> float:
        """Return condition minus reference."""
        return self.value - self.reference


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One measure in one condition, minus the same in another."""

    condition: str
    reference: str
    measure: str
    version: Version
    estimate: Estimate
    """Interval over tasks where there are several, else over pairs."""
    before: float
    """Mean of the reference in these pairs."""
    after: float
    """Mean of the condition in these pairs."""
    pairs: tuple[Pair, ...]

    @property
    def relative(self) -> float:
        """Return the difference as a share of the reference's mean."""
        return self.estimate.value / abs(self.before) if self.before else math.nan


def difference(
    study: Study, condition: str, reference: str, measure: str, version: Version = "full"
) -> Difference:
    """Return the paired difference; the equal-length version is known against the baseline only."""
    found = pairs(study, condition, reference, measure, version)
    estimate = student_mean([pair.difference for pair in found], [p.place[0] for p in found])
    return Difference(
        condition=condition,
        reference=reference,
        measure=measure,
        version=version,
        estimate=estimate.within(-1, 1) if measure == "success" else estimate,
        before=_mean([pair.reference for pair in found]),
        after=_mean([pair.value for pair in found]),
        pairs=tuple(found),
    )


def pairs(
    study: Study, condition: str, reference: str, measure: str, version: Version = "full"
) -> list[Pair]:
    """Return the pairs of episodes that both ended and have the measure."""
    ones, others = study.ended[condition], study.ended.get(reference, {})
    found = []
    for place, row in ones.items():
        if place in others:
            values = row.get(measure), others[place].get(measure)
            if version == "equal":
                cut = study.equal.get((condition, place), {}) if reference == study.baseline else {}
                values = cut.get(measure), cut.get(f"baseline_{measure}")
            if None not in values:
                value, before = map(float, values)  # type: ignore[arg-type]
                keys = row["key"], others[place]["key"]
                found.append(Pair(place=place, keys=keys, value=value, reference=before))
    return found


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else math.nan
