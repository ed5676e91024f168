"""Concepts in the format of the paper's released dictionaries, and out of it.

A dictionary is YAML: name -> flat ids, or name -> {flat id: labels}. It says nothing of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steer_gym.extras import require
from steer_gym.neuron_set import load_dictionary
from steer_gym.results import atomic_path

from .concept import Concept, ConceptError
from .scores import concept_of
from .table import NeuronTable
from .words import THEMES, Theme


def save_dictionary(path: str | Path, concepts: Sequence[Concept]) -> None:
    """Write concepts as a dictionary, each neuron with its tokens as labels.

    Raises:
        ConceptError: Two concepts have one name, or they are of several models.
    """
    if len({concept.space for concept in concepts}) > 1:
        raise ConceptError("A dictionary is of one model, but the concepts are of several.")
    if len({concept.name for concept in concepts}) < len(concepts):
        raise ConceptError("A dictionary has one entry a name, but two concepts share theirs.")
    yaml = require("yaml", extra="torch")
    content = {
        concept.name: {
            neuron: concept.tokens.get(str(neuron), "").split(", ")
            for neuron in concept.neurons.flat(concept.space)
        }
        for concept in concepts
    }
    with atomic_path(path) as partial:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=1000)
        partial.write_text(text, encoding="utf-8")


def read_dictionary(path: str | Path, table: NeuronTable) -> list[Concept]:
    """Return the concepts of a dictionary that was made for the table's model.

    The words of a theme of the project are taken from the entry's name, such as ``up_10``, where it
    begins with one.

    Raises:
        SteeringError: The file is no dictionary, or the model has no such neurons.
    """
    sets = load_dictionary(path, fingerprint=table.space.fingerprint)
    found_by = {"method": "dictionary", "file": Path(path).name}
    return [
        concept_of(table, neurons.flat(table.space), _theme(name), found_by=found_by)
        for name, neurons in sets.items()
    ]


def _theme(name: str) -> Theme:
    theme = THEMES.get(name.partition("_")[0])
    words, opposites = (theme.words, theme.opposites) if theme else ((), ())
    return Theme(name=name, words=words, opposites=opposites)
