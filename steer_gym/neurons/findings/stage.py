"""One model of a comparison, and how two models' vocabularies correspond."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError

from ..table import NeuronTable
from ..tokens import TokenKind
from .traits import labels

AGREEING = 0.95
"""Of two vocabularies' plain tokens with the same id, the share that must have the same text for
ids to mean the same. Below, tokens are matched by their text."""


class FindingsError(SteerGymError, ValueError):
    """Tables that cannot be compared."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """A model on the way from language to action."""

    name: str
    table: NeuronTable
    random: NeuronTable | None = None
    """Of random directions with the same tokens, where the unembedding was at hand: a control."""

    @cached_property
    def traits(self) -> Mapping[str, NDArray[np.int32]]:
        """Return what its tokens can have in common, see ``labels``."""
        return labels(self.table.vocabulary)

    @property
    def actions(self) -> NDArray[np.int64]:
        """Return the ids of its action tokens."""
        return np.flatnonzero(self.table.kinds == TokenKind.ACTION)


@dataclass(frozen=True, kw_only=True, eq=False)
class Correspondence:
    """Which token of one model is which of another."""

    by: str
    """``ids`` or ``texts``."""
    ids: NDArray[np.int64]
    """(pairs, 2): ids in the first and in the second model; -1 in the first: it has no such token,
    which happens to action tokens that are matched by text."""
    actions: NDArray[np.bool_]
    """(pairs,): whether the token is an action in the second model."""


def correspondence(first: Stage, second: Stage) -> Correspondence:
    """Return how the tokens of two models correspond.

    Fine-tuning keeps ids, also of tokens that it makes actions. A model with a vocabulary of its
    own shares only texts; its action tokens are then kept without a partner.

    Raises:
        FindingsError: Not one token corresponds.
    """
    shared = min(len(first.table.texts), len(second.table.texts))
    is_action = second.table.kinds == TokenKind.ACTION
    plain = np.flatnonzero(~is_action[:shared])
    same = [first.table.texts[token] == second.table.texts[token] for token in plain]
    if len(plain) and np.mean(same) >= AGREEING:
        ids = np.repeat(np.arange(shared)[:, None], 2, axis=1)
        return Correspondence(by="ids", ids=ids, actions=is_action[:shared])
    own, other = _unique(first.table), _unique(second.table)
    pairs = [(own[text], token) for text, token in other.items() if text in own]
    if not pairs:
        raise FindingsError(
            f"{first.name} and {second.name} have no token in common, by id or by text."
        )
    lone = [(-1, int(token)) for token in second.actions]
    ids = np.array([*pairs, *lone], np.int64)
    return Correspondence(by="texts", ids=ids, actions=is_action[ids[:, 1]])


def token_counts(table: NeuronTable, top: int) -> NDArray[np.int64]:
    """Return how often each token is among a neuron's top tokens, (vocabulary,)."""
    return np.bincount(table.promoted.ids[:, :top].ravel(), minlength=len(table.texts))


def _unique(table: NeuronTable) -> dict[str, int]:
    """Return the plain tokens whose text no other token has."""
    plain = np.flatnonzero(table.kinds == TokenKind.TEXT).tolist()
    often = Counter(table.texts[token] for token in plain)
    return {table.texts[token]: token for token in plain if often[table.texts[token]] == 1}
