"""All four findings of two or three models, as numbers and in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .measures import (
    ActionCounts,
    ActionShare,
    MeaningfulShare,
    Share,
    TokenChange,
    action_counts,
    action_share,
    meaningful_share,
    near_zero,
    shared_actions,
    token_change,
)
from .patterns import TOP
from .stage import FindingsError, Stage


@dataclass(frozen=True, kw_only=True, eq=False)
class Comparison:
    """What was found; each list has one entry a model, in the order given."""

    names: list[str]
    top: int
    """Tokens of a neuron that were looked at."""
    meaningful: list[MeaningfulShare]
    actions: list[ActionShare]
    changes: dict[tuple[str, str], TokenChange]
    """Between each model and the next."""
    counts: list[ActionCounts]
    people: list[NDArray[np.float64]] = field(default_factory=list)
    """Share of neurons that people saw a pattern in, by layer, NaN where they labelled none; no
    entries without labels."""

    @property
    def _same_depth(self) -> bool:
        return len({len(share.any.by_layer) for share in self.meaningful}) == 1

    @property
    def depth_label(self) -> str:
        """Return what ``depth`` counts."""
        return "layer" if self._same_depth else "depth (first layer 0, last layer 1)"

    def depth(self, by_layer: NDArray[Any]) -> NDArray[np.float64]:
        """Return where each layer is drawn: relatively, where models differ in their number."""
        layers = np.arange(len(by_layer), dtype=float)
        return layers if self._same_depth else layers / max(len(by_layer) - 1, 1)

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON data."""
        return {
            "models": self.names,
            "top": self.top,
            "meaningful_share": [
                {"any": _plain(vars(share.any)), "words": _plain(vars(share.words))}
                for share in self.meaningful
            ],
            "action_share": [_plain(vars(share)) for share in self.actions],
            "token_change": [
                {
                    "models": list(names),
                    "tokens_matched_by": change.tokens.by,
                    "tokens": len(change.z),
                    "actions": change.actions,
                    "actions_among_raised": round(change.raised, 4),
                    "actions_among_lowered": round(change.lowered, 4),
                }
                for names, change in self.changes.items()
            ],
            "action_counts": [
                {"counts": c.counts.tolist(), "near_zero": round(near_zero(c.counts), 4)}
                for c in self.counts
            ],
        }

    def lines(self) -> list[str]:
        """Return the findings in words, one line a model or pair."""
        return [*self._about_meaning(), *self._about_actions(), *self._about_changes()]

    def _about_meaning(self) -> list[str]:
        return [
            f"{name}: {_told(share.any)} have a pattern; {_told(share.words)} have one of words."
            for name, share in zip(self.names, self.meaningful, strict=True)
        ]

    def _about_actions(self) -> list[str]:
        return [
            f"{name}: {share.by_layer.mean():.1%} of top tokens are actions "
            f"(first layer {share.by_layer[0]:.1%}, last {share.by_layer[-1]:.1%}; vocabulary "
            f"{_chance(share)}); {_band(counts)}."
            if share.vocabulary
            else f"{name}: has none of the action tokens."
            for name, share, counts in zip(self.names, self.actions, self.counts, strict=True)
        ]

    def _about_changes(self) -> list[str]:
        return [
            f"{one} → {other}: {len(change.z):,} tokens matched by {change.tokens.by}; of the "
            f"{change.actions} that rose most {change.raised:.0%} are actions, of those that fell "
            f"most {change.lowered:.0%} (of all {change.actions / len(change.z):.0%})."
            for (one, other), change in self.changes.items()
        ]


def compare(stages: Sequence[Stage], *, top: int = TOP) -> Comparison:
    """Return the findings of two or three models.

    Args:
        stages: A base model, a VLA and, it may be, a fine-tuned VLA, in this order.
        top: Tokens of a neuron to look at, as far as every table has them.

    Raises:
        FindingsError: There are fewer or more models, two have one name, or the last is no VLA.
    """
    names = [stage.name for stage in stages]
    if not 2 <= len(stages) <= 3 or len(set(names)) < len(names):
        raise FindingsError(f"Give two or three models of different names, not {names}.")
    if not len(stages[-1].actions):
        raise FindingsError(f"{names[-1]} has no action tokens; give the VLA last.")
    top = min(top, *(stage.table.promoted.ids.shape[1] for stage in stages))
    actions = shared_actions(list(stages))
    return Comparison(
        names=names,
        top=top,
        meaningful=[meaningful_share(stage, top=min(top, TOP)) for stage in stages],
        actions=[action_share(s, own, top=top) for s, own in zip(stages, actions, strict=True)],
        changes={(a.name, b.name): token_change(a, b, top=top) for a, b in pairwise(stages)},
        counts=[action_counts(s, own, top=top) for s, own in zip(stages, actions, strict=True)],
    )


def _told(share: Share) -> str:
    random = "" if share.random is None else f", of random directions {share.random:.1%}"
    return f"{share.by_layer.mean():.1%} of neurons (shuffled {share.shuffled:.1%}{random})"


def _chance(share: ActionShare) -> str:
    random = "" if share.random is None else f", random directions {share.random:.1%}"
    return f"{share.vocabulary:.1%}{random}"


def _band(counts: ActionCounts) -> str:
    random = "" if counts.random is None else f" (random directions {near_zero(counts.random):.0%})"
    return f"{near_zero(counts.counts):.0%} of action tokens are near zero{random}"


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: np.round(value, 4).tolist() if value is not None else None
        for name, value in values.items()
    }
