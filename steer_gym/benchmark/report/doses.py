"""What grows with the dose: lines over alpha, and surfaces over alpha and size, as in the paper."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .columns import column
from .differences import difference
from .expectation import expectations
from .roles import Role
from .study import Study
from .style import INK, MUTED, colour, drawn

LEAST_SIZES = 3
"""A surface over fewer sizes shows less than lines do."""


def published(study: Study) -> dict[str, list[Role]]:
    """Return the steered conditions that have a dose, by the measure that the paper plots."""
    groups: dict[str, list[Role]] = {}
    for role in study.of_kind("steered"):
        if role.alpha is not None:
            groups.setdefault(expectations(role.concept)[0].published, []).append(role)
    return groups


def measured(group: Sequence[Role], measure: str) -> list[str]:
    """Return the published measure and the one that was measured at the arm."""
    return list(dict.fromkeys([measure, expectations(group[0].concept)[0].measure]))


def lines(study: Study, group: Sequence[Role], measures: Sequence[str]) -> Any | None:
    """Return lines over alpha, a panel a size and depth; ``None`` unless a concept has several."""
    series: dict[tuple[str | None, int | None], list[tuple[str, float | None]]] = {}
    for role in group:
        series.setdefault((role.depth, role.size), []).append((role.label, role.alpha))
    counts = [Counter(label for label, _ in points) for points in series.values()]
    if not any(count > 1 for labels in counts for count in labels.values()):
        return None
    panels = list(series)

    def draw(grid: Any) -> None:
        rows = grid if len(measures) > 1 else [grid]
        for row, measure in zip(rows, measures, strict=True):
            for axis, panel in zip(row, panels, strict=True):
                inside = [role for role in group if (role.depth, role.size) == panel]
                _draw_lines(axis, study, inside, measure)
            shown = column(measure)
            row[0].set_ylabel(f"{shown.title} [{shown.unit}]")
        rows[0][0].legend(frameon=False, fontsize=8)
        for axis, panel in zip(rows[0], panels, strict=True):
            axis.set_title(_panel_name(*panel))
        for axis in rows[-1]:
            axis.set_xlabel("alpha")

    height = 0.5 + 2.6 * len(measures)
    return drawn(draw, panels=len(panels), rows=len(measures), height_in=height, sharey="row")


def surfaces(study: Study, group: Sequence[Role], measure: str) -> Any | None:
    """Return surfaces over alpha and size, a panel a concept and depth; ``None`` without any."""
    panels: dict[tuple[str, str | None], list[Role]] = {}
    for role in group:
        panels.setdefault((role.label, role.depth), []).append(role)
    grids = {name: _grid(study, inside, measure) for name, inside in panels.items()}
    kept = {name: grid for name, grid in grids.items() if grid is not None}
    if not kept:
        return None
    known = [v for _, _, values in kept.values() for v in values[np.isfinite(values)]]
    low, high = min(known), max(known)

    def draw(axes: Sequence[Any]) -> None:
        for axis, ((concept, depth), (alphas, sizes, values)) in zip(
            axes, kept.items(), strict=True
        ):
            x, y = np.meshgrid(alphas, sizes)
            axis.plot_surface(
                x, y, values, cmap="viridis", vmin=low, vmax=high, edgecolor="white",
                linewidth=0.4, alpha=0.92,
            )  # fmt: skip
            if high > low:
                axis.set_zlim(low, high)
            axis.set(xticks=alphas, yticks=sizes, xlabel="alpha", ylabel="neurons")
            axis.set_title(", ".join(part for part in (concept, depth) if part))
            axis.tick_params(labelsize=7.5)
            axis.view_init(elev=24, azim=-125)

    return drawn(draw, panels=len(kept), height_in=3.6, subplot_kw={"projection": "3d"})


def _panel_name(depth: str | None, size: int | None) -> str:
    named = [depth, None if size is None else f"{size} neurons"]
    return ", ".join(part for part in named if part) or "the policy's own neurons"


def _grid(study: Study, group: Sequence[Role], measure: str) -> tuple[Any, Any, Any] | None:
    alphas = sorted({role.alpha for role in group if role.alpha is not None})
    sizes = sorted({role.size for role in group if role.size is not None})
    if len(alphas) < 2 or len(sizes) < LEAST_SIZES:
        return None
    values = np.full((len(sizes), len(alphas)), np.nan)
    for role in group:
        if role.size is not None and role.alpha is not None:
            found = difference(study, role.name, study.baseline, measure)
            place = sizes.index(role.size), alphas.index(role.alpha)
            values[place] = column(measure).factor * found.after
    if not np.isfinite(values).any():
        return None
    return np.array(alphas), np.array(sizes), values


def _draw_lines(axis: Any, study: Study, group: Sequence[Role], measure: str) -> None:
    for concept in dict.fromkeys(role.label for role in group):
        own = sorted((r for r in group if r.label == concept), key=lambda r: r.alpha or 0.0)
        _draw_line(axis, study, own, measure, colour(concept), concept)
        names = {role.name for role in own}
        random = [r for r in study.of_kind("random") if r.control_of in names]
        random.sort(key=lambda r: r.alpha or 0.0)
        _draw_line(axis, study, random, measure, MUTED, f"random like {concept}", "--")
    baseline = [
        float(row[measure])
        for row in study.ended[study.baseline].values()
        if row.get(measure) is not None
    ]
    if baseline:
        level = column(measure).factor * float(np.mean(baseline))
        axis.axhline(level, color=INK, linewidth=1, linestyle=":", label=study.baseline)


def _draw_line(
    axis: Any, study: Study, own: Sequence[Role], measure: str, tint: str, label: str,
    style: str = "-",
) -> None:  # fmt: skip
    """Draw means with the paired differences' intervals, and equal lengths as rings."""
    factor = column(measure).factor
    found = [difference(study, role.name, study.baseline, measure) for role in own]
    points = [(r.alpha, d) for r, d in zip(own, found, strict=True) if d.pairs]
    if not points:
        return
    alphas = [alpha for alpha, _ in points]
    after = np.array([factor * d.after for _, d in points])
    half = np.array([factor * (d.estimate.high - d.estimate.value) for _, d in points])
    half = np.where(np.isfinite(half), half, 0.0)
    axis.plot(alphas, after, style, color=tint, linewidth=1.8, marker="o", ms=4, label=label)
    axis.fill_between(alphas, after - half, after + half, color=tint, alpha=0.12, linewidth=0)
    equal = [difference(study, r.name, study.baseline, measure, "equal") for r in own]
    cut = [(r.alpha, factor * e.after) for r, e in zip(own, equal, strict=True) if e.pairs]
    if cut:
        axis.plot(*zip(*cut, strict=True), "o", mfc="white", mec=tint, ms=4.5)
