"""A blind labelling sheet: people say which neurons have a pattern, not knowing whose they are.

Neurons are drawn alike from every layer of every model and shuffled. The sheet, as CSV and as an
HTML page, holds only their tokens; which neuron is which stands in a key beside it. What the sheet
cannot hide: a list with action tokens is of a VLA.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

import numpy as np

from steer_gym.results import atomic_path

from .patterns import LEAST, TOP
from .stage import FindingsError, Stage

CSV, PAGE, KEY = "labels.csv", "labels.html", "key.json"
HEAD = ("id", "pattern", "what", "tokens")


def write_sheet(
    folder: Path, stages: Sequence[Stage], *, per_layer: int, seed: int = 0, top: int = TOP
) -> int:
    """Write sheet and key into ``folder`` and return the number of neurons on it.

    Args:
        folder: Where ``labels.csv``, ``labels.html`` and ``key.json`` go.
        stages: The models; the key names them and their weights.
        per_layer: Neurons of each layer of each model.
        seed: Of the draw.
        top: Tokens of a neuron to show.

    Raises:
        FindingsError: A sheet is there already; people may have filled it in.
    """
    there = [str(folder / name) for name in (CSV, KEY) if (folder / name).exists()]
    if there:
        raise FindingsError(
            f"A labelling sheet is there already ({', '.join(there)}), maybe filled in; choose "
            "another --out."
        )
    rng = np.random.default_rng(seed)
    drawn = [(s, int(n)) for s in stages for n in _draw(s, per_layer, rng)]
    order = rng.permutation(len(drawn))
    rows, key = [], {}
    for number, at in enumerate(order, start=1):
        stage, neuron = drawn[at]
        name = f"n{number:04d}"
        key[name] = {"model": stage.name, "neuron": neuron}
        rows.append((name, stage.table.words(neuron, top)))
    weights = {stage.name: stage.table.space.fingerprint for stage in stages}
    _write_csv(folder / CSV, rows)
    _write_page(folder / PAGE, rows, top)
    with atomic_path(folder / KEY) as partial:
        partial.write_text(json.dumps({"weights": weights, "neurons": key}, indent=1))
    return len(rows)


def _draw(stage: Stage, per_layer: int, rng: np.random.Generator) -> list[int]:
    space = stage.table.space
    count = min(per_layer, space.width)
    return [
        layer * space.width + int(neuron)
        for layer in range(space.layers)
        for neuron in rng.choice(space.width, count, replace=False)
    ]


def _write_csv(path: Path, rows: list[tuple[str, list[str]]]) -> None:
    # A lone surrogate, which a token may be, has no place in UTF-8.
    with (
        atomic_path(path) as partial,
        partial.open("w", newline="", encoding="utf-8", errors="replace") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(HEAD)
        writer.writerows((name, "", "", " | ".join(tokens)) for name, tokens in rows)


def _write_page(path: Path, rows: list[tuple[str, list[str]]], top: int) -> None:
    template = (files(__package__) / "page" / "sheet.html").read_text(encoding="utf-8")
    page = Template(template).substitute(
        top=escape(str(top)), least=LEAST, rows=json.dumps(rows).replace("<", "\\u003c")
    )
    with atomic_path(path) as partial:
        partial.write_text(page, encoding="utf-8")
