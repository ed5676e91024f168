"""How clean a set of neurons is, by what its members say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from steer_gym.neuron_set import NeuronSet

from .concept import Concept
from .table import NeuronTable
from .tokens import TokenKind
from .words import Theme, theme_signs

TOP = 10
"""Tokens of a neuron that are looked at, as in the paper's lists."""
SHOWN = 8
"""Tokens of a neuron that a concept's file shows."""


def scores(table: NeuronTable, neurons: Sequence[int], theme: Theme) -> dict[str, float]:
    """Return the scores of a set, each 0 to 1.

    ``purity``: share of the members' top tokens that are the theme's words. ``opposites``: share
    of members that have a word of the opposite among theirs. ``actions``: share of action tokens.
    """
    ids = table.promoted.ids[list(neurons), :TOP]
    signs = theme_signs(table.plain_texts, theme)[ids]
    told = {
        "purity": float((signs > 0).mean()),
        "opposites": float((signs < 0).any(axis=1).mean()),
        "actions": float((table.kinds[ids] == TokenKind.ACTION).mean()),
    }
    return {name: round(value, 3) for name, value in told.items()}


def concept_of(
    table: NeuronTable,
    neurons: Sequence[int],
    theme: Theme,
    *,
    found_by: Mapping[str, Any] | None = None,
) -> Concept:
    """Return a set of neurons as a concept, scored, with the tokens that speak for it.

    Of the theme's words those are kept that some token of the model says.

    Raises:
        SteeringError: The model has no such neurons.
    """
    space = table.space
    ids = [int(neuron) for neuron in neurons]
    members = NeuronSet.from_flat(ids, name=theme.name, fingerprint=space.fingerprint)
    members.resolve(space)
    said = set(table.plain_texts)
    return Concept(
        name=theme.name,
        model=table.recipe.model,
        space=space,
        neurons=members,
        words=tuple(word for word in theme.words if word in said),
        opposites=tuple(word for word in theme.opposites if word in said),
        found_by=dict(found_by or {}),
        scores=scores(table, ids, theme) if ids else {},
        tokens={str(neuron): ", ".join(_shown(table, neuron)) for neuron in ids},
    )


def rescored(table: NeuronTable, concept: Concept) -> Concept:
    """Return a concept of the table's model with the scores and tokens that the table gives it."""
    theme = Theme(name=concept.name, words=concept.words, opposites=concept.opposites)
    told = concept_of(table, concept.neurons.flat(table.space), theme)
    return replace(concept, scores=told.scores, tokens=told.tokens)


def _shown(table: NeuronTable, neuron: int) -> list[str]:
    return [text.strip() or repr(text) for text in table.words(neuron, SHOWN)]
