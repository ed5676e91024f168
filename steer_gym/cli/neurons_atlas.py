"""``steer-gym neurons atlas``: a model's neurons as one HTML page."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSet
from steer_gym.neurons.atlas.page import PROMOTED, SUPPRESSED, write_atlas
from steer_gym.neurons.table import NeuronTable

from .parser import UsageError, count


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("table", type=Path, help="file from `steer-gym neurons project`")
    parser.add_argument("--out", type=Path, help="HTML file (default: beside the table)")
    parser.add_argument("--title", help="name of the model (default: the table's)")
    parser.add_argument(
        "--set", dest="sets", action="append", default=[], type=Path, metavar="FILE",
        help="a concept file whose neurons the page offers; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--promoted", type=count, default=PROMOTED, help=f"tokens a neuron (default: {PROMOTED})"
    )
    parser.add_argument(
        "--suppressed", type=count, default=SUPPRESSED,
        help=f"tokens of the other end (default: {SUPPRESSED})",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the page and say where it is."""
    table = NeuronTable.load(options.table)
    out = options.out or options.table.with_suffix(".html")
    write_atlas(
        out,
        table,
        title=options.title or table.recipe.model,
        sets=[_read_set(path) for path in options.sets],
        promoted=options.promoted,
        suppressed=options.suppressed,
    )
    print(f"Open {out} ({out.stat().st_size / 1e6:.1f} MB); it needs no server.")
    return 0


def _read_set(path: Path) -> NeuronSet:
    """Return the neurons of a concept file, or of a bare set."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        neurons = NeuronSet.from_json(content.get("neurons", content))
    except (OSError, ValueError, AttributeError, SteeringError) as error:
        raise UsageError(f"Cannot read the neurons in {path}: {error}") from error
    return neurons if neurons.name else NeuronSet(**{**neurons.to_json(), "name": path.stem})
