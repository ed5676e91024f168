"""How figures look: colours, type, and files."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from steer_gym.extras import require
from steer_gym.results import atomic_path

INK, MUTED, GRID = "#1c2430", "#8a94a3", "#e4e8ee"
COLOURS = {
    "unsteered": "#5b6675", "fast": "#d1495b", "slow": "#2e86ab", "high": "#8f5bb5",
    "low": "#3a9d6e", "up": "#8f5bb5", "down": "#3a9d6e", "careful": "#c98a1b",
}  # fmt: skip
FURTHER = ("#b5508b", "#4f6bd8", "#a8662f", "#4b8f8c", "#7a6ff0")
STYLE = {
    "font.size": 9.5, "font.family": "DejaVu Sans", "text.color": INK, "axes.labelcolor": INK,
    "axes.edgecolor": GRID, "axes.grid": True, "axes.axisbelow": True, "grid.color": GRID,
    "xtick.color": MUTED, "ytick.color": INK, "axes.spines.top": False,
    "axes.spines.right": False, "axes.spines.left": False, "svg.hashsalt": "steer_gym",
    "axes.titlesize": 9.5, "axes.titleweight": "bold",
}  # fmt: skip
WIDTH_IN, DPI = 9.6, 160


def colour(label: str, kind: str = "steered") -> str:
    """Return the colour of a concept, steered or told; controls and baselines are grey."""
    if kind not in ("steered", "prompt"):
        return MUTED
    if label in COLOURS:
        return COLOURS[label]
    return FURTHER[sum(map(ord, label)) % len(FURTHER)]


def drawn(
    draw: Callable[[Any], None],
    *,
    height_in: float,
    panels: int = 1,
    rows: int = 1,
    **keywords: Any,
) -> Any:
    """Return a matplotlib figure; ``draw`` takes its axes, a row of panels, or rows of them."""
    figures: Any = require("matplotlib.figure", extra="bench")  # not pyplot: it keeps figures
    matplotlib: Any = require("matplotlib", extra="bench")
    with matplotlib.rc_context(STYLE):
        figure = figures.Figure(figsize=(WIDTH_IN, height_in), layout="constrained")
        axes = figure.subplots(rows, panels, squeeze=False, **keywords)
        draw(axes if rows > 1 else axes[0])
    return figure


def svg(figure: Any) -> str:
    """Return a figure as SVG, the same for the same figure."""
    matplotlib: Any = require("matplotlib", extra="bench")
    written = io.StringIO()
    with matplotlib.rc_context(STYLE):
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return written.getvalue()


def save(figure: Any, folder: Path, name: str) -> str:
    """Write a figure as SVG and PNG, and return the SVG."""
    matplotlib: Any = require("matplotlib", extra="bench")
    text = svg(figure)
    with atomic_path(folder / f"{name}.svg") as partial:
        partial.write_text(text, encoding="utf-8")
    figure.set_layout_engine("none")  # it stays as it was laid out for the SVG
    with atomic_path(folder / f"{name}.png") as partial, matplotlib.rc_context(STYLE):
        figure.savefig(partial, format="png", dpi=DPI)
    return text
