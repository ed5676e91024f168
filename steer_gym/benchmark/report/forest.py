"""Every condition's difference to the baseline, with its pairs and its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from steer_gym.figure_style import INK, colour, drawn

from .columns import column
from .differences import Difference, difference
from .questions import Question
from .roles import Role
from .study import Study

DENSE = 30
"""From so many conditions on, pairs are left out, lines move closer, and each panel has its own."""


def forest(study: Study, asked: Sequence[Question], measures: Sequence[str]) -> Any | None:
    """Return the figure; ``None`` where nothing but the baseline has been run."""
    others = [role for role in study.roles.values() if role.kind != "baseline"]
    if not others or not measures:
        return None
    dense = len(others) >= DENSE
    about = {m: [q.role for q in asked if q.full.measure == m] for m in measures}
    panels = about if dense else dict.fromkeys(measures, others)

    def draw(axes: Sequence[Any]) -> None:
        for axis, (measure, inside) in zip(axes, panels.items(), strict=True):
            for place, role in enumerate(inside):
                for version in ("equal", "full"):
                    found = difference(study, role.name, study.baseline, measure, version)
                    _draw(axis, role, found, place, dots=not dense)
            shown = column(measure)
            axis.axvline(0, color=INK, linewidth=0.8)
            axis.set_ylim(len(inside) - 0.5, -0.5)
            axis.set_yticks(range(len(inside)), [role.name for role in inside])
            axis.grid(axis="y", visible=False)
            axis.set_xlabel(f"{shown.title}, difference to {study.baseline} [{shown.unit}]")
        for axis in axes[1:]:
            axis.tick_params(labelleft=dense)

    height = 1.1 + (0.19 if dense else 0.32) * max(map(len, panels.values()))
    return drawn(draw, panels=len(measures), height_in=height)


def _draw(axis: Any, role: Role, found: Difference, place: int, *, dots: bool) -> None:
    """Draw full length with its pairs and interval, equal length as a ring below."""
    if not found.pairs:
        return
    factor, own = column(found.measure).factor, colour(role.label, role.kind)
    values = [factor * pair.difference for pair in found.pairs]
    estimate = found.estimate
    if found.version == "equal":
        axis.plot(
            [factor * estimate.value], [place + 0.26], "o", markersize=4.5,
            markerfacecolor="white", markeredgecolor=own,
        )  # fmt: skip
        return
    if dots:
        spread = place + np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [place]
        axis.scatter(values, spread, s=9, color=own, alpha=0.35, linewidths=0)
    if np.isfinite(estimate.low):
        shown = np.array([estimate.low, estimate.high]) * factor
        axis.plot(shown, [place] * 2, color=own, linewidth=2.4 if dots else 1.4)
    axis.plot([factor * estimate.value], [place], "o", color=own, markersize=6 if dots else 4)
