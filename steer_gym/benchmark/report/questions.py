"""What an evaluation asked: does each condition change what its name promises? Tested as a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steer_gym.statistics import (
    Effect,
    Estimate,
    bootstrap_mean,
    effect,
    holm,
    sign_flips,
)

from .controls import random_for
from .differences import Difference, difference
from .expectation import Expectation, expectations
from .roles import Role
from .study import Study

LEVEL = 0.05
ASKED = ("steered", "prompt")
"""Kinds of condition whose tests are corrected together. Controls are tested beside them, one by
one: a control that moves must not be excused by how many others were tried."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One condition against the baseline, in one measure that it should change."""

    role: Role
    expected: Expectation
    full: Difference
    equal: Difference
    p: float
    """By flipping signs, for this question alone."""
    p_holm: float
    """Corrected over the study's questions; not a number for a control."""
    p_max_t: float
    """The same by max-T, which knows that the questions share their baseline and places."""
    smallest: float
    """The least p that so many pairs can give."""
    beyond: Difference | None = None
    """The condition minus its random neurons, where there are any."""
    p_beyond: float = math.nan
    """Of that, by flipping signs, corrected by max-T over the study's steered conditions."""

    @cached_property
    def size(self) -> Effect:
        """Return the effect's size, free of the unit."""
        return effect([pair.difference for pair in self.full.pairs])

    @cached_property
    def bootstrap(self) -> Estimate:
        """Return the difference with a bootstrap interval over tasks and pairs."""
        found = self.full.pairs
        return bootstrap_mean([p.difference for p in found], [p.place[0] for p in found])

    @property
    def corrected(self) -> float:
        """Return the p that a verdict rests on."""
        return self.p_max_t if self.role.kind in ASKED else self.p

    @property
    def moved(self) -> bool:
        """Tell whether the measure changed, as far as can be told."""
        return self.corrected <= LEVEL

    @property
    def told_from_random(self) -> bool:
        """Tell whether it goes further than its random neurons, or none were run."""
        if self.beyond is None:
            return True
        further = self.beyond.estimate.value * self.full.estimate.value > 0
        return further and self.p_beyond <= LEVEL

    @property
    def along(self) -> float:
        """Return the difference in the direction of the name; as it is where none is promised."""
        return (self.expected.sign or 1) * self.full.estimate.value


def questions(study: Study) -> list[Question]:
    """Return what was asked of a study, in the order of its conditions."""
    asked = [
        _question(study, role, expected)
        for role in study.roles.values()
        if role.kind != "baseline"
        for expected in _expected(study, role)
    ]
    own = _tested([each for each in asked if each.role.kind in ASKED], corrected=True)
    controls = _tested([each for each in asked if each.role.kind not in ASKED], corrected=False)
    found = {
        (each.role.name, each.full.measure): each for each in (*_against_random(own), *controls)
    }
    return [found[each.role.name, each.full.measure] for each in asked]


def _expected(study: Study, role: Role) -> tuple[Expectation, ...]:
    """Return what to look at; a control without a concept answers for all of the study's."""
    if role.kind in ("sham", "zero") or (role.kind == "random" and role.concept is None):
        named = [e for each in study.of_kind("steered") for e in expectations(each.concept)]
        plain = {each.measure: replace(each, sign=0) for each in named}
        return tuple(plain.values())
    found = expectations(role.concept)
    return tuple(replace(each, sign=0) for each in found) if role.kind == "random" else found


def _question(study: Study, role: Role, expected: Expectation) -> Question:
    between = role.name, study.baseline, expected.measure
    steered = role.kind == "steered"
    random = random_for(study, role, expected.measure) if steered else []
    return Question(
        role=role,
        expected=expected,
        full=difference(study, *between),
        equal=difference(study, *between, "equal"),
        p=math.nan,
        p_holm=math.nan,
        p_max_t=math.nan,
        smallest=math.nan,
        beyond=difference(study, role.name, random[0].name, expected.measure) if random else None,
    )


def _tested(asked: Sequence[Question], *, corrected: bool) -> list[Question]:
    if not asked:
        return []
    flips = sign_flips(_matrix([each.full for each in asked]))
    stepwise = holm(flips.p)
    return [
        replace(
            each,
            p=float(flips.p[place]),
            p_holm=float(stepwise[place]) if corrected else math.nan,
            p_max_t=float(flips.p_max_t[place]) if corrected else math.nan,
            smallest=float(flips.smallest[place]),
        )
        for place, each in enumerate(asked)
    ]


def _against_random(asked: Sequence[Question]) -> list[Question]:
    compared = [each.beyond for each in asked if each.beyond is not None]
    if not compared:
        return list(asked)
    p = iter(sign_flips(_matrix(compared)).p_max_t)
    return [
        each if each.beyond is None else replace(each, p_beyond=float(next(p))) for each in asked
    ]


def _matrix(asked: Sequence[Difference]) -> NDArray[np.float64]:
    """Return the differences, (places, comparisons); not a number where a pair is missing."""
    places = {pair.place: 0 for each in asked for pair in each.pairs}
    rows = {place: row for row, place in enumerate(places)}
    matrix = np.full((len(places), len(asked)), np.nan)
    for column, each in enumerate(asked):
        for pair in each.pairs:
            matrix[rows[pair.place], column] = pair.difference
    return matrix
