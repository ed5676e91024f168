"""Which controls answer for a steered condition, and how much their draws differ."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np

from .differences import Difference
from .expectation import expectations
from .roles import Role
from .study import Study


def random_for(study: Study, role: Role, measure: str) -> list[Role]:
    """Return the random neurons that control a condition in one measure.

    Its own, or else those of its concept of the same size and depth, or of another concept that
    should change the same measure.
    """
    known = [
        each
        for each in study.of_kind("random")
        if each.concept is None or measure in {e.measure for e in expectations(each.concept)}
    ]
    own = [each for each in known if each.control_of == role.name]
    same = [each for each in known if each.concept == role.concept]
    like = [each for each in same if (each.size, each.depth) == (role.size, role.depth)]
    return own or like[:1] or same[:1] or known[:1]


def still_for(study: Study, role: Role) -> list[Role]:
    """Return the controls that should change nothing: zero doses of a condition, and shams."""
    zero = [each for each in study.of_kind("zero") if each.control_of in (None, role.name)]
    return [*zero, *study.of_kind("sham")]


def draw_means(study: Study, found: Difference) -> Sequence[float]:
    """Return the mean difference of every draw of random neurons, by what steered its episodes."""
    draws: dict[str, list[float]] = {}
    for pair in found.pairs:
        row = study.ended[found.condition][pair.place]
        steering = json.dumps((row.get("config") or {}).get("steering"), sort_keys=True)
        draws.setdefault(steering, []).append(pair.difference)
    return [float(np.mean(values)) for values in draws.values()]
