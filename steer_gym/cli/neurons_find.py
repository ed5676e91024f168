"""``steer-gym neurons find``: neurons by word, or near others in meaning."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from steer_gym.neurons.concept import Concept
from steer_gym.neurons.finding import REGIONS, by_word
from steer_gym.neurons.scores import concept_of
from steer_gym.neurons.semantics import SemanticSpace
from steer_gym.neurons.source import NeuronSource
from steer_gym.neurons.sources import open_source
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.words import THEMES, Theme, named_theme, theme_of

from .neurons_model import add_table
from .parser import UsageError, count, numbers


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_table(parser)
    add_theme(parser)
    parser.add_argument("--count", type=count, default=10, help="neurons at most (default: 10)")
    parser.add_argument(
        "--region", choices=REGIONS, default="full",
        help="early and late are the halves of the layers (default: full)",
    )  # fmt: skip
    parser.add_argument(
        "--near", metavar="MODEL",
        help="go by meaning, not by word: the cosine to the words, or to --seeds, among the tokens "
        "of this model, which the table was made of",
    )  # fmt: skip
    parser.add_argument("--seeds", type=numbers, metavar="IDS", help="flat ids, such as 45340,12")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the concept")
    parser.set_defaults(run=run)


def add_theme(parser: argparse.ArgumentParser) -> None:
    """Add the options that say a concept in words."""
    words = parser.add_argument_group("the concept")
    words.add_argument("--theme", metavar="NAME", help=f"one of {', '.join(THEMES)}")
    words.add_argument(
        "--words", metavar="WORDS", help="words of your own, joined by commas; forms are added"
    )
    words.add_argument("--against", metavar="WORDS", help="words that count against")
    words.add_argument("--name", help="of the concept (default: the theme, or the first word)")


def chosen_theme(options: argparse.Namespace) -> Theme | None:
    """Return the concept in words; ``None`` if none are given.

    Raises:
        UsageError: A theme and words are given.
        UnknownNameError: There is no such theme.
    """
    if options.theme and (options.words or options.against):
        raise UsageError("Give --theme or --words, not both.")
    if options.theme:
        theme = named_theme(options.theme)
        return Theme(name=options.name or theme.name, words=theme.words, opposites=theme.opposites)
    if not options.words:
        return None
    words, against = (_split(text) for text in (options.words, options.against or ""))
    if not words:
        raise UsageError(f"--words takes words joined by commas, not {options.words!r}.")
    return theme_of(words, against, name=options.name or "")


def run(options: argparse.Namespace) -> int:
    """Print the neurons, and write them as a concept."""
    theme = chosen_theme(options)
    if theme is None and not options.seeds:
        raise UsageError("Say what to find: --theme, --words, or --seeds.")
    if options.seeds and not options.near:
        raise UsageError("--seeds needs --near MODEL, among whose tokens nearness is measured.")
    source = open_source(options.near) if options.near else None
    table = NeuronTable.load(options.table, source.space if source else None)
    found, found_by = _found(options, table, theme, source)
    told = theme or Theme(name=options.name or "seeds", words=(), opposites=())
    concept = concept_of(table, [neuron for neuron, _ in found], told, found_by=found_by)
    print(portrait(concept, dict(found)))
    if options.out and found:
        concept.save(options.out)
        print(f"-> {options.out}")
    return 0


def _found(
    options: argparse.Namespace,
    table: NeuronTable,
    theme: Theme | None,
    source: NeuronSource | None,
) -> tuple[list[tuple[int, float]], dict[str, Any]]:
    """Return neurons with their scores, and how they were found."""
    how = {"region": options.region, "count": options.count}
    if source is None:
        assert theme is not None
        found = by_word(table, theme, count=options.count, region=options.region)
        return found, {"method": "word", **how}
    space = SemanticSpace(table, source.rows())
    direction = space.of_neurons(options.seeds) if options.seeds else space.of_theme(theme)  # type: ignore[arg-type]
    seeds = {"seeds": list(options.seeds)} if options.seeds else {}
    found = space.nearest(direction, options.count, options.region)
    return found, {"method": "near", **how, **seeds}


def portrait(concept: Concept, marks: dict[int, float] | None = None) -> str:
    """Return a concept as a table for people; ``marks`` are shown beside the neurons."""
    lines = (
        [f"{'flat id':>9} {'layer':>5} {'neuron':>6} {'':>6}  tokens"]
        if len(concept.neurons)
        else []
    )
    for neuron in concept.neurons.flat(concept.space):
        layer, index = divmod(neuron, concept.space.width)
        mark = f"{marks[neuron]:6.2f}" if marks else " " * 6
        lines.append(
            f"{neuron:9} {layer:5} {index:6} {mark}  {concept.tokens.get(str(neuron), '')}"
        )
    scores = ", ".join(f"{name} {value:.2f}" for name, value in concept.scores.items())
    lines.append(
        f"{concept.name}: {len(concept.neurons)} neurons of {concept.model}"
        + (f"; {scores}" if scores else "")
    )
    return "\n".join(lines)


def _split(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
