"""What grows with the dose: lines over alpha, and surfaces over alpha and size, as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from steer_gym.figure_style import INK, MUTED, colour, drawn

from .columns import column
from .differences import difference
from .expectation import expectations
from .roles import Role
from .study import Study

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
    """Return lines over alpha, a panel a depth or else a size; ``None`` where no line has two."""
    deep = len({role.depth for role in group}) > 1
    panels: dict[str | int | None, list[Role]] = {}
    for role in group:
        panels.setdefault(role.depth if deep else role.size, []).append(role)
    if not any(len(each) > 1 for inside in panels.values() for each in _series(inside).values()):
        return None

    def draw(grid: Any) -> None:
        rows = grid if len(measures) > 1 else [grid]
        for row, measure in zip(rows, measures, strict=True):
            for axis, inside in zip(row, panels.values(), strict=True):
                _draw_panel(axis, study, inside, measure)
                axis.set_xticks(sorted({role.alpha or 0.0 for role in group}))
            shown = column(measure)
            row[0].set_ylabel(f"{shown.title} [{shown.unit}]")
        for first, last, name in zip(rows[0], rows[-1], panels, strict=True):
            first.set_title(_panel_name(name))
            last.set_xlabel("alpha")
        rows[0][0].legend(frameon=False, fontsize=8)

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


def _panel_name(name: str | int | None) -> str:
    if name is None:
        return "the policy's own neurons"
    if isinstance(name, int):
        return f"{name} neurons"
    return "all layers" if name == "full" else f"{name} layers"


def _series(inside: Sequence[Role]) -> dict[tuple[str, int | None], list[Role]]:
    """Return the conditions of one panel by concept and size, each along alpha."""
    found: dict[tuple[str, int | None], list[Role]] = {}
    for role in sorted(inside, key=lambda role: role.alpha or 0.0):
        found.setdefault((role.label, role.size), []).append(role)
    return found


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


def _draw_panel(axis: Any, study: Study, inside: Sequence[Role], measure: str) -> None:
    series = _series(inside)
    sizes = sorted({size for _, size in series}, key=lambda size: size or 0)
    for (concept, size), own in sorted(series.items(), key=lambda each: sizes.index(each[0][1])):
        label = concept if len(sizes) < 2 else f"{concept}, {size} neurons"
        shade = (1 + sizes.index(size)) / len(sizes)
        _draw_line(axis, study, own, measure, _tinted(colour(concept), shade), label)
    _draw_random(axis, study, {role.name for role in inside}, measure)
    rows = study.ended[study.baseline].values()
    known = [float(row[measure]) for row in rows if row.get(measure) is not None]
    if known:
        level = column(measure).factor * float(np.mean(known))
        axis.axhline(level, color=INK, linewidth=1, linestyle=":", label=study.baseline)


def _draw_line(
    axis: Any, study: Study, own: Sequence[Role], measure: str, tint: Any, label: str
) -> None:
    """Draw means with the paired differences' intervals, and equal lengths as rings."""
    points = [(r.alpha, difference(study, r.name, study.baseline, measure)) for r in own]
    points = [(alpha, found) for alpha, found in points if found.pairs]
    if not points:
        return
    factor, alphas = column(measure).factor, [alpha for alpha, _ in points]
    after = np.array([factor * d.after for _, d in points])
    half = np.array([factor * (d.estimate.high - d.estimate.value) for _, d in points])
    half = np.where(np.isfinite(half), half, 0.0)
    axis.plot(alphas, after, color=tint, linewidth=1.8, marker="o", markersize=4, label=label)
    axis.fill_between(alphas, after - half, after + half, color=tint, alpha=0.12, linewidth=0)
    equal = [difference(study, r.name, study.baseline, measure, "equal") for r in own]
    cut = [(r.alpha, factor * e.after) for r, e in zip(own, equal, strict=True) if e.pairs]
    if cut:
        axis.plot(*zip(*cut, strict=True), "o", mfc="white", mec=tint, markersize=4)


def _draw_random(axis: Any, study: Study, controlled: AbstractSet[str], measure: str) -> None:
    random = [role for role in study.of_kind("random") if role.control_of in controlled]
    found = [(r.alpha, difference(study, r.name, study.baseline, measure)) for r in random]
    points = [(alpha, column(measure).factor * d.after) for alpha, d in found if d.pairs]
    if points:
        axis.plot(
            *zip(*points, strict=True), "x", color=MUTED, markersize=7, label="random neurons"
        )


def _tinted(tint: str, shade: float) -> tuple[float, ...]:
    """Return a colour between white (0) and itself (1), never nearer to white than a third."""
    part = 0.35 + 0.65 * shade
    return tuple(1 - part * (1 - int(tint[i : i + 2], 16) / 255) for i in (1, 3, 5))
