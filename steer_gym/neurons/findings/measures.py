"""The numbers behind the four figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .patterns import TOP, either, patterns
from .stage import Correspondence, Stage, correspondence, token_counts

WORDS = ("word", "beginning", "ending")
"""The traits that are about words, not about looks or kinds."""
NEAR_ZERO = 0.1
"""An action token is near zero when it has at most this share of the mean count."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Share:
    """A share by layer, beside what it would be if neurons meant nothing."""

    by_layer: NDArray[np.float64]
    """(layers,)."""
    shuffled: float
    """The same when tokens change places among the neurons of a layer."""
    random: float | None
    """The same of random directions, where they are known."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeaningfulShare:
    """First finding: the share of neurons with a pattern."""

    any: Share
    """Of whatever trait."""
    words: Share
    """Of words: their stem, beginning or ending; not their looks, and not actions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ActionShare:
    """Second finding: the share of action tokens among top tokens."""

    by_layer: NDArray[np.float64]
    """(layers,)."""
    vocabulary: float
    """The share of action tokens in the vocabulary: what an even draw would give."""
    random: float | None
    """The share among the top tokens of random directions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TokenChange:
    """Third finding: how much more or less often tokens are on top in the second model."""

    tokens: Correspondence
    z: NDArray[np.float64]
    """(pairs,): change of the token's share of the top tokens that correspond, less the mean
    change, in standard deviations over the tokens."""

    @property
    def actions(self) -> int:
        """Return the number of action tokens."""
        return int(self.tokens.actions.sum())

    @property
    def raised(self) -> float:
        """Return the share of actions among as many of the most raised tokens as actions are."""
        return float(self.tokens.actions[self._falling[: self.actions]].mean())

    @property
    def lowered(self) -> float:
        """Return the same of the most lowered tokens."""
        return float(self.tokens.actions[self._falling[-self.actions :]].mean())

    @property
    def _falling(self) -> NDArray[np.int64]:
        return np.argsort(-self.z, kind="stable")


@dataclass(frozen=True, kw_only=True, eq=False)
class ActionCounts:
    """Fourth finding: how often each action token is on top."""

    counts: NDArray[np.int64]
    """(actions,), by rising id."""
    random: NDArray[np.float64] | None
    """What as many random directions would give, (actions,), where they are known."""


def near_zero(counts: NDArray[np.float64] | NDArray[np.int64]) -> float:
    """Return the share of counts in the band near zero."""
    return float((counts <= NEAR_ZERO * counts.mean()).mean()) if len(counts) else 0.0


def meaningful_share(stage: Stage, *, top: int = TOP) -> MeaningfulShare:
    """Return the first finding of a model."""
    own = patterns(stage.table, stage.traits, top=top)
    shuffled = patterns(stage.table, stage.traits, top=top, seed=0)
    random = patterns(stage.random, stage.traits, top=top) if stage.random else None

    def share(names: Iterable[str]) -> Share:
        by_neuron, mixed = (either(found, names) for found in (own, shuffled))
        return Share(
            by_layer=_by_layer(stage, by_neuron),
            shuffled=float(mixed.mean()),
            random=None if random is None else float(either(random, names).mean()),
        )

    return MeaningfulShare(any=share(own), words=share(WORDS))


def action_share(stage: Stage, actions: NDArray[np.int64], *, top: int) -> ActionShare:
    """Return the second finding of a model; ``actions`` are ids that it may not know as such."""
    is_action = np.zeros(len(stage.table.texts), bool)
    is_action[actions] = True
    return ActionShare(
        by_layer=_by_layer(stage, is_action[stage.table.promoted.ids[:, :top]].mean(axis=1)),
        vocabulary=float(is_action.mean()),
        random=float(is_action[stage.random.promoted.ids[:, :top]].mean())
        if stage.random
        else None,
    )


def shared_actions(stages: list[Stage]) -> list[NDArray[np.int64]]:
    """Return for each model the ids of the last one's action tokens; none where it has no such."""
    last, found = stages[-1], []
    for stage in stages[:-1]:
        tokens = correspondence(stage, last)
        found.append(tokens.ids[tokens.actions & (tokens.ids[:, 0] >= 0), 0])
    return [*found, last.actions]


def token_change(first: Stage, second: Stage, *, top: int) -> TokenChange:
    """Return the third finding between two models."""
    tokens = correspondence(first, second)
    there = tokens.ids[:, 0] >= 0
    before = np.where(there, token_counts(first.table, top)[tokens.ids[:, 0]], 0)
    after = token_counts(second.table, top)[tokens.ids[:, 1]]
    change = after / max(after.sum(), 1) - before / max(before.sum(), 1)
    spread = change.std()
    return TokenChange(tokens=tokens, z=(change - change.mean()) / (spread if spread else 1))


def action_counts(stage: Stage, actions: NDArray[np.int64], *, top: int) -> ActionCounts:
    """Return the fourth finding of a model."""
    counts, random = token_counts(stage.table, top)[actions], None
    if stage.random is not None:
        drawn = token_counts(stage.random, top)[actions].astype(np.float64)
        random = drawn * (stage.table.space.size / stage.random.space.size)
    return ActionCounts(counts=counts, random=random)


def _by_layer(stage: Stage, values: NDArray[Any]) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = values.reshape(stage.table.space.layers, -1).mean(axis=1)
    return mean
