"""``steer-gym neurons concept``: show, compare, check and exchange concept files."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steer_gym.neurons.concept import Concept
from steer_gym.neurons.dictionaries import read_dictionary, save_dictionary
from steer_gym.neurons.scores import concept_of, rescored
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.words import Theme
from steer_gym.results import writable_folder

from .neurons_find import add_theme, chosen_theme, portrait
from .parser import UsageError, numbers

YAML = (".yaml", ".yml")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE",
        help="concept files, or one of the paper's YAML dictionaries (needs --table)",
    )  # fmt: skip
    parser.add_argument("--ids", type=numbers, metavar="IDS", help="flat ids (needs --table)")
    parser.add_argument(
        "--table", type=Path, metavar="TABLE", help="check against its model, and score anew"
    )
    parser.add_argument("--diff", action="store_true", help="say what changes from one to another")
    parser.add_argument("--alpha", type=float, help="with --out: write steerings by this alpha")
    parser.add_argument(
        "--unit", choices=("raw", "spread"), default="raw",
        help="of alpha; spread counts in each neuron's own, of `steer-gym neurons activations`",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="PATH",
        help="write a YAML dictionary (.yaml), else a folder of concept files or steerings",
    )  # fmt: skip
    add_theme(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the concepts or their difference, and write them."""
    _refuse_unused(options)
    table = NeuronTable.load(options.table) if options.table else None
    concepts = _read(options, table)
    if options.diff:
        if len(concepts) != 2:
            raise UsageError(f"--diff compares two concepts, but {len(concepts)} were given.")
        print("\n".join(concepts[0].diff(concepts[1])) or "no difference")
        return 0
    print("\n\n".join(map(portrait, concepts)))
    if options.out:
        spread = _spread(table) if options.unit == "spread" else None
        _write(concepts, options.out, options.alpha, spread)
        print(f"-> {options.out}")
    return 0


def _refuse_unused(options: argparse.Namespace) -> None:
    """Raise where an option would do nothing.

    Raises:
        UsageError: It says which.
    """
    if options.alpha is not None and (options.out is None or options.out.suffix in YAML):
        raise UsageError("--alpha makes steerings, which go into a folder: give --out FOLDER.")
    if options.unit != "raw" and options.alpha is None:
        raise UsageError(f"--unit {options.unit} is of --alpha; give it.")
    words = ("theme", "words", "against", "name")
    unused = [f"--{name}" for name in words if getattr(options, name)]
    if unused and not options.ids:
        raise UsageError(f"{' and '.join(unused)} say what --ids are about; give --ids.")


def _read(options: argparse.Namespace, table: NeuronTable | None) -> list[Concept]:
    """Return the concepts that are named.

    Raises:
        UsageError: None is named, or they need a table.
    """
    foreign = options.ids or any(path.suffix in YAML for path in options.files)
    if foreign and table is None:
        raise UsageError("Flat ids and dictionaries do not say of which model; give --table.")
    concepts: list[Concept] = []
    for path in options.files:
        if table is not None and path.suffix in YAML:
            concepts += read_dictionary(path, table)
        else:
            concept = Concept.load(path, table.space if table else None)
            concepts.append(rescored(table, concept) if table else concept)
    if table is not None and options.ids:
        theme = chosen_theme(options) or Theme(name=options.name or "ids", words=(), opposites=())
        concepts.append(concept_of(table, options.ids, theme, found_by={"method": "flat ids"}))
    if not concepts:
        raise UsageError("Name a concept file, a dictionary, or --ids.")
    return concepts


def _spread(table: NeuronTable | None) -> NDArray[np.float32]:
    if table is None or table.activations is None:
        raise UsageError(
            "--unit spread needs a --table with activations; `steer-gym neurons activations` "
            "gathers them."
        )
    return table.activations.spread


def _write(
    concepts: list[Concept], out: Path, alpha: float | None, spread: NDArray[np.float32] | None
) -> None:
    if out.suffix in YAML:
        save_dictionary(out, concepts)
        return
    writable_folder(out)
    for concept in concepts:
        path = out / f"{concept.name.replace('/', '-')}.json"
        if alpha is None:
            concept.save(path)
        else:
            concept.steering(alpha, spread).save(path)
