"""The paper's four figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require
from steer_gym.figure_style import GRID, INK, MUTED, STYLE
from steer_gym.results import atomic_path

from .comparison import Comparison
from .measures import Share, TokenChange

COLOURS = ("#5b6675", "#2e86ab", "#d1495b")
"""Of the base, the VLA, the fine-tuned VLA."""
ACTION = "#d1495b"
DPI = 110
DIRECTIONS = "random directions"


def draw_figures(folder: Path, found: Comparison) -> dict[str, Path]:
    """Draw all four into ``folder`` and return their paths by name."""
    drawers: dict[str, Callable[[Sequence[Any], Comparison], None]] = {
        "meaningful_share": _meaningful,
        "action_share": _actions,
        "token_change": _changes,
        "action_counts": _counts,
    }
    panels = {"meaningful_share": 2, "token_change": len(found.changes)}
    return {
        name: _drawn(folder / f"{name}.png", draw, found, panels.get(name, 1))
        for name, draw in drawers.items()
    }


def _drawn(
    path: Path, draw: Callable[[Sequence[Any], Comparison], None], found: Comparison, panels: int
) -> Path:
    matplotlib: Any = require("matplotlib", extra="bench")
    figures: Any = require("matplotlib.figure", extra="bench")  # not pyplot: it keeps figures
    with matplotlib.rc_context(STYLE):
        figure = figures.Figure(figsize=(2.4 + 4.2 * panels, 3.4), layout="constrained")
        draw(figure.subplots(1, panels, squeeze=False)[0], found)
        with atomic_path(path) as partial:
            figure.savefig(partial, format="png", dpi=DPI, metadata={"Software": None})
    return path


def _meaningful(axes: Sequence[Any], found: Comparison) -> None:
    for axis, which, y in zip(
        axes, ("any", "words"), ("a pattern", "a pattern of words"), strict=True
    ):
        for name, colour, share in zip(found.names, COLOURS, found.meaningful, strict=False):
            _draw_share(axis, found, getattr(share, which), name, colour)
        _label(axis, found.depth_label, f"share of neurons with {y}")
        axis.set_ylim(bottom=0)
    for name, colour, people in zip(found.names, COLOURS, found.people, strict=False):
        said = ~np.isnan(people)
        axes[0].plot(
            found.depth(people)[said], people[said], "s", color=colour,
            markerfacecolor="none", label=f"{name}, people",
        )  # fmt: skip
    _legend(axes[0])


def _draw_share(axis: Any, found: Comparison, share: Share, name: str, colour: str) -> None:
    depth = found.depth(share.by_layer)
    axis.plot(depth, share.by_layer, color=colour, marker="o", markersize=3, label=name)
    axis.axhline(
        share.shuffled, color=colour, linewidth=0.8, linestyle=":", label="tokens shuffled"
    )
    if share.random is not None:
        axis.axhline(share.random, color=colour, linewidth=1, linestyle="--", label=DIRECTIONS)


def _actions(axes: Sequence[Any], found: Comparison) -> None:
    (axis,) = axes
    for name, colour, share in zip(found.names, COLOURS, found.actions, strict=False):
        if not share.vocabulary:
            axis.plot([], [], color=colour, label=f"{name}: has no action tokens")
            continue
        depth = found.depth(share.by_layer)
        axis.plot(depth, share.by_layer, color=colour, marker="o", markersize=3, label=name)
        axis.axhline(
            share.vocabulary, color=colour, linewidth=0.8, linestyle=":",
            label="share of vocabulary",
        )  # fmt: skip
        if share.random is not None:
            axis.axhline(share.random, color=colour, linewidth=1, linestyle="--", label=DIRECTIONS)
    _label(axis, found.depth_label, f"action tokens among the top {found.top}")
    axis.set_ylim(bottom=0)


def _changes(axes: Sequence[Any], found: Comparison) -> None:
    for axis, (names, change) in zip(axes, found.changes.items(), strict=True):
        _draw_change(axis, change)
        _label(axis, f"tokens, sorted: {names[0]} → {names[1]}", "change of count, z")


def _draw_change(axis: Any, change: TokenChange) -> None:
    order = np.argsort(-change.z, kind="stable")
    place, z, action = np.arange(len(order)), change.z[order], change.tokens.actions[order]
    axis.scatter(place[~action], z[~action], s=5, color=MUTED, linewidths=0, label="other tokens")
    axis.scatter(place[action], z[action], s=9, color=ACTION, linewidths=0, label="action tokens")
    axis.axhline(0, color=INK, linewidth=0.6)


def _counts(axes: Sequence[Any], found: Comparison) -> None:
    (axis,) = axes
    order, label = count_order(found)
    for name, colour, counts in zip(found.names, COLOURS, found.counts, strict=False):
        if len(counts.counts) != len(order):
            continue
        place = np.arange(len(order))
        axis.plot(place, counts.counts[order], "o", color=colour, markersize=2.5, label=name)
        if counts.random is not None:
            axis.plot(place, counts.random[order], color=colour, linewidth=0.8, label=DIRECTIONS)
    _label(axis, label, f"times among the top {found.top}")
    axis.set_ylim(bottom=0)


def count_order(found: Comparison) -> tuple[NDArray[np.int64], str]:
    """Return the order of action tokens in the fourth figure, and what it is by."""
    first, last = found.counts[0].counts, found.counts[-1].counts
    if len(first) == len(last):
        return np.argsort(-first, kind="stable"), f"action tokens, by count in {found.names[0]}"
    return np.arange(len(last)), "action tokens, by id"


def _label(axis: Any, x: str, y: str) -> None:
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    axis.grid(axis="x", visible=False)
    axis.grid(axis="y", color=GRID)
    _legend(axis)


def _legend(axis: Any) -> None:
    """Explain each label once: a control looks the same for every model but for its colour."""
    handles, labels = axis.get_legend_handles_labels()
    once = dict(zip(labels, handles, strict=True))
    axis.legend(once.values(), once.keys(), frameon=False, fontsize=8)
