"""Write the page: templates, facts, and the table's arrays."""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

from steer_gym.neuron_set import NeuronSet
from steer_gym.results import atomic_path

from ..activations import Activations
from ..table import NeuronTable
from ..words import THEMES, Theme
from .arrays import array_script, scaled, texts_script, token_ids

PROMOTED, SUPPRESSED = 10, 6
"""Tokens of each end that the page keeps: the paper shows 10, and size is what limits a page."""
SCRIPTS = ("data.js", "search.js", "list.js", "detail.js", "marks.js", "main.js")


def write_atlas(
    path: Path,
    table: NeuronTable,
    *,
    title: str,
    themes: Iterable[Theme] = tuple(THEMES.values()),
    sets: Iterable[NeuronSet] = (),
    promoted: int = PROMOTED,
    suppressed: int = SUPPRESSED,
) -> None:
    """Write a table's atlas, whole or not at all.

    Args:
        path: Of the HTML file.
        table: What the neurons say.
        title: Name of the model.
        themes: Concepts in words, offered as searches.
        sets: Concepts as neurons, offered as marks; they must be of the table's model.
        promoted: Most promoted tokens to show of each neuron, as far as the table has them.
        suppressed: The same of the other end.
    """
    k = {
        "promoted": min(promoted, table.promoted.ids.shape[1]),
        "suppressed": min(suppressed, table.suppressed.ids.shape[1]),
    }
    page = Template(_part("atlas.html")).substitute(
        title=escape(title),
        style=_part("atlas.css"),
        facts=_inside_script(_facts(table, k, themes, sets)),
        arrays="\n".join(_arrays(table, k)),
        scripts="\n".join(f"<script>\n{_part(name)}</script>" for name in SCRIPTS),
    )
    with atomic_path(path) as partial:
        partial.write_text(page, encoding="utf-8")


def _facts(
    table: NeuronTable, k: dict[str, int], themes: Iterable[Theme], sets: Iterable[NeuronSet]
) -> dict[str, Any]:
    space = table.space
    concepts: dict[str, Any] = {theme.name: {"query": query(theme)} for theme in themes}
    for neurons in sets:
        flat = NeuronSet.from_flat(neurons.flat(space), name=neurons.name)
        concepts[f"{neurons.name} (neurons)"] = {"neurons": flat.to_json()}
    return {
        "layers": space.layers,
        "width": space.width,
        "fingerprint": space.fingerprint,
        "model": table.recipe.model,
        "activations": _told(table.activations),
        "k": k,
        "concepts": concepts,
    }


def _told(activations: Activations | None) -> dict[str, Any] | None:
    if activations is None:
        return None
    return {
        "levels": activations.levels, "tokens": activations.tokens, "source": activations.source
    }  # fmt: skip


def query(theme: Theme) -> str:
    """Return the search that asks for a theme's words and against its opposite's."""
    return " ".join([*theme.words, *(f"-{word}" for word in theme.opposites)])


def _arrays(table: NeuronTable, k: dict[str, int]) -> list[str]:
    scripts = [texts_script("texts", table.texts), array_script("kinds", table.kinds)]
    for end, tops in (("promoted", table.promoted), ("suppressed", table.suppressed)):
        shares, scales = scaled(tops.scores[:, : k[end]])
        scripts += [
            array_script(f"{end}_ids", token_ids(tops.ids[:, : k[end]], len(table.texts))),
            array_script(f"{end}_shares", shares),
            array_script(f"{end}_scales", scales),
        ]
    if table.activations is not None:
        shares, scales = scaled(table.activations.quantiles, np.int16)
        scripts += [
            array_script("quantiles_shares", shares),
            array_script("quantiles_scales", scales),
            array_script("spread", table.activations.spread.astype(np.float32)),
        ]
    return scripts


def _inside_script(data: Any) -> str:
    """Return JSON that no HTML parser takes for the end of its script."""
    return json.dumps(data).replace("<", "\\u003c")


def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text(encoding="utf-8")
