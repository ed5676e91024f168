"""The tables of a comparison, made where they are missing, and those of random directions."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from steer_gym.digest import digest
from steer_gym.extras import require
from steer_gym.neuron_set import NeuronSpace

from ..reading import kept_table, read_table
from ..source import NeuronSource, as_tensor
from ..sources import open_source
from ..table import NeuronTable, NoTableError
from ..tokens import Vocabulary
from .presets import Model
from .stage import FindingsError, Stage

RANDOM = 2048
"""Directions of the control."""


def open_stages(
    models: Sequence[Model], folder: Path, *, same_words: bool = False, **options: Any
) -> list[Stage]:
    """Return models with their tables.

    A table's file is taken as it is, without a control. Of a checkpoint, the tables that
    ``folder`` holds are used if they are of its weights and the same recipe, and as long; else they
    are made there.

    Args:
        models: Which.
        folder: Where tables are kept.
        same_words: Read the others in the words alone that they share with the last: what a
            neuron can say depends on the vocabulary.
        **options: Of ``read_table``: ``k``, ``dtype``, ``device``.
    """
    last = _open(models[-1], folder, None, options)
    words = last.table.vocabulary if same_words else None
    return [*(_open(model, folder, words, options) for model in models[:-1]), last]


def _open(model: Model, folder: Path, words: Vocabulary | None, options: dict[str, Any]) -> Stage:
    path = Path(str(model.checkpoint))
    if path.is_file() and (table := _table(path)) is not None:
        if words is not None:
            raise FindingsError(
                f"{path} is a table, made with all words of {model.name}; give the checkpoint."
            )
        return Stage(name=model.name, table=table)
    source, name = open_source(str(model.checkpoint), kind=model.kind, **model.options), model.name
    if words is not None:
        source, name = in_words(source, words), f"{name}, shared words"
    return Stage(
        name=name,
        table=_kept(folder / f"{name}.safetensors", source, options),
        random=_kept(folder / f"{name}, random.safetensors", random_source(source), options),
    )


def in_words(source: NeuronSource, words: Vocabulary) -> NeuronSource:
    """Return a model that can say only what ``words`` holds too, token by token.

    Raises:
        FindingsError: It shares no token.
    """
    own = source.vocabulary()
    known = set(words.texts)
    kept = [token for token, text in enumerate(own.texts) if text in known]
    if not kept:
        raise FindingsError(f"{source.name} shares no token with these words.")
    shared = Vocabulary(texts=tuple(own.texts[token] for token in kept), kinds=own.kinds[kept])
    space = replace(source.space, fingerprint=f"{source.space.fingerprint}-{digest(shared.texts)}")
    return replace(
        source,
        space=space,
        unembedding=lambda: as_tensor(source.unembedding())[kept],
        vocabulary=lambda: shared,
    )


def random_source(source: NeuronSource, count: int = RANDOM, seed: int = 0) -> NeuronSource:
    """Return a model of one layer whose value vectors point anywhere, with the same tokens.

    What its neurons say, the geometry of the unembedding says, and no learnt neuron.
    """
    torch = require("torch", extra="torch")

    def directions(layer: int) -> Any:
        generator = torch.Generator().manual_seed(seed + layer)
        width = source.layer(0).shape[1]
        return torch.randn(count, width, generator=generator)

    space = NeuronSpace(layers=1, width=count, fingerprint=f"random-{source.space.fingerprint}")
    return replace(source, name=f"{source.name}, random", space=space, layer=directions)


def _table(path: Path) -> NeuronTable | None:
    """Return the table in a file; ``None`` where the file is a checkpoint.

    Raises:
        TableError: The file is damaged, or a table of another format.
    """
    if path.suffix == ".npz":
        return None
    try:
        return NeuronTable.load(path)
    except NoTableError:
        return None


def _kept(path: Path, source: NeuronSource, options: dict[str, Any]) -> NeuronTable:
    how = {name: value for name, value in options.items() if name != "device"}
    if (kept := kept_table(path, source, **how)) is not None:
        return kept
    table = read_table(source, on_neurons=_progress(source), **options)
    table.save(path)
    return table


def _progress(source: NeuronSource) -> Callable[[int], None]:
    size = source.space.size
    if not sys.stderr.isatty():
        return lambda done: None

    def show(done: int) -> None:
        end = "\n" if done == size else ""
        print(f"\r{source.name}: {done:,} of {size:,} neurons", end=end, file=sys.stderr)

    return show
