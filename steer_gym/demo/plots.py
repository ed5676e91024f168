"""The demo's plots, as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from steer_gym.episode import Step
from steer_gym.evaluation.rows import Row
from steer_gym.evaluation.summary import compare, paired
from steer_gym.extras import require

from .findings import column

Steps = Sequence[Step]
INK, MUTED, GRID = "#1c2430", "#8a94a3", "#e4e8ee"
COLOURS = {
    "unsteered": "#5b6675", "fast": "#d1495b", "slow": "#2e86ab", "high": "#8f5bb5",
    "low": "#3a9d6e",
}  # fmt: skip
SMOOTH = 5
"""Steps over which a trace of the speed is averaged."""
STYLE = {
    "font.size": 9.5, "font.family": "DejaVu Sans", "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": GRID, "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID,
    "xtick.color": MUTED, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.spines.left": False, "svg.hashsalt": "steer_gym",
}  # fmt: skip


def colour(condition: str) -> str:
    """Return a condition's colour: its concept's, whether steered or told."""
    return COLOURS.get(condition.removeprefix("told "), MUTED)


def differences(rows: Sequence[Row], baseline: str, measures: Sequence[str]) -> str | None:
    """Return a plot of paired differences: every pair, their mean, its interval.

    ``None`` where nothing but the baseline has been run.
    """
    names = [n for n in dict.fromkeys(row["condition"] for row in rows) if n != baseline]
    if not names:
        return None

    def draw(axes: Sequence[Any]) -> None:
        for axis, measure in zip(axes, measures, strict=True):
            for place, name in enumerate(names):
                _draw_difference(axis, rows, name, baseline, measure, place)
            axis.axvline(0, color=INK, linewidth=0.8)
            axis.set_yticks(range(len(names)), names)
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.grid(axis="y", visible=False)
            shown = column(measure)
            axis.set_xlabel(f"{shown.title}, difference to {baseline} [{shown.unit}]")

    return _drawn(draw, panels=len(measures), height_in=1.1 + 0.32 * len(names))


def traces(steps: Mapping[str, Steps], rate_hz: float) -> str:
    """Return a plot of speed and height over time, of one place under several conditions."""

    def draw(axes: Sequence[Any]) -> None:
        speeds, heights = axes
        for name, taken in steps.items():
            time_s = np.arange(1, len(taken) + 1) / rate_hz
            style = {"color": colour(name), "linewidth": 1.6, "label": name}
            speeds.plot(time_s, _smooth([step.speed_m_s for step in taken]), **style)
            heights.plot(time_s, [step.tcp_pose[2] for step in taken], **style)
        speeds.set_ylabel("measured speed [m/s]")
        heights.set_ylabel("height of the tool [m]")
        for axis in axes:
            axis.set_xlabel("time [s]")
        heights.legend(frameon=False, fontsize=8.5)

    return _drawn(draw, panels=2, height_in=3.2)


def _draw_difference(
    axis: Any, rows: Sequence[Row], name: str, baseline: str, measure: str, place: int
) -> None:
    pairs = paired(rows, name, baseline)
    values = [a[measure] - b[measure] for a, b in pairs if None not in (a[measure], b[measure])]
    estimate = column(measure).of(compare(rows, name, baseline))
    if not values:
        return
    spread = place + np.linspace(-0.18, 0.18, len(values)) if len(values) > 1 else [place]
    axis.scatter(values, spread, s=9, color=colour(name), alpha=0.35, linewidths=0)
    if np.isfinite(estimate.low):
        axis.plot([estimate.low, estimate.high], [place] * 2, color=colour(name), linewidth=2.4)
    axis.plot([estimate.value], [place], "o", color=colour(name), markersize=6)


def _smooth(values: Sequence[float]) -> Any:
    """Return a running mean, of fewer values at the ends."""
    window = np.ones(min(SMOOTH, len(values)))
    counts = np.convolve(np.ones(len(values)), window, "same")
    return np.convolve(values, window, "same") / counts


def _drawn(draw: Callable[[Sequence[Any]], None], *, panels: int, height_in: float) -> str:
    """Return the SVG of what ``draw`` puts on axes side by side."""
    matplotlib: Any = require("matplotlib", extra="bench")
    figures: Any = require("matplotlib.figure", extra="bench")  # not pyplot: it keeps figures
    written = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure = figures.Figure(figsize=(9.6, height_in), layout="constrained")
        draw(figure.subplots(1, panels, squeeze=False)[0])
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return written.getvalue()
