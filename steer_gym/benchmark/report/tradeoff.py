"""Success against effect: what each condition gains, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steer_gym.figure_style import INK, colour, drawn
from steer_gym.statistics import frontier, wilson

from .columns import MORE, column
from .questions import Question
from .study import Study

LABELS = 14
"""Up to so many points carry their names; beyond, those of the frontier alone do."""
LOW = 12
"""Success [%] below which a name stands above its point, clear of the axis."""


def tradeoff(study: Study, asked: Sequence[Question]) -> Any | None:
    """Return success against effect, a panel a measure and direction."""
    panels: dict[tuple[str, int], list[Question]] = {}
    for each in asked:
        if each.full.pairs and each.role.kind in ("steered", "prompt") and each.expected.sign:
            panels.setdefault((each.full.measure, each.expected.sign), []).append(each)
    if not panels:
        return None

    def draw(axes: Sequence[Any]) -> None:
        for axis, ((measure, sign), inside) in zip(axes, panels.items(), strict=True):
            shown = column(measure)
            controls = [q for q in asked if q.role.kind == "random" and q.full.measure == measure]
            _draw(axis, study, [*inside, *(c for c in controls if c.full.pairs)], sign)
            axis.set_title(MORE[measure, sign].split(maxsplit=1)[1])
            axis.set_xlabel(f"change of {shown.title} [{shown.unit}]")
            axis.locator_params(axis="x", nbins=4)
            axis.margins(x=0.15)
            axis.set_ylim(-4, 106)
        axes[0].set_ylabel("success [%]")

    return drawn(draw, panels=len(panels), height_in=3.5, sharey=True)


def _draw(axis: Any, study: Study, inside: Sequence[Question], sign: int) -> None:
    rates = [_rate(study, each.role.name) for each in inside]
    effects = [column(q.full.measure).factor * q.full.estimate.value for q in inside]
    rows = study.ended[study.baseline].values()
    unsteered = 100 * float(np.mean([row["success"] for row in rows])) if rows else 0.0
    points = [(0.0, unsteered), *((sign * e, r[0]) for e, r in zip(effects, rates, strict=True))]
    best = frontier(points)
    edge = np.array([points[place] for place in best])
    axis.plot(sign * edge[:, 0], edge[:, 1], color=INK, linewidth=0.9, alpha=0.45, zorder=1)
    axis.plot([0], [unsteered], "D", color=INK, markersize=6, zorder=4)
    axis.axvline(0, color=INK, linewidth=0.6)
    for place, (each, effect, (rate, low, high)) in enumerate(
        zip(inside, effects, rates, strict=True)
    ):
        own = colour(each.role.label, each.role.kind)
        marker = {"prompt": "^", "random": "x"}.get(each.role.kind, "o")
        axis.plot([effect] * 2, [low, high], color=own, linewidth=1, alpha=0.35)
        axis.plot([effect], [rate], marker, color=own, markersize=6, zorder=3)
        if each.role.kind != "random" and (len(inside) <= LABELS or place + 1 in best):
            right = sign * effect > sign * float(np.mean([min(effects), max(effects)]))
            away = -5 if right else 5, 6 if rate < LOW else -10
            axis.annotate(
                each.role.name, (effect, rate), away, fontsize=7.5, color=own,
                textcoords="offset points", ha="right" if right else "left",
            )  # fmt: skip
    if sign < 0:
        axis.invert_xaxis()


def _rate(study: Study, condition: str) -> tuple[float, float, float]:
    rows = study.ended[condition].values()
    found = wilson(sum(row["success"] for row in rows), len(rows))
    return 100 * found.value, 100 * found.low, 100 * found.high
