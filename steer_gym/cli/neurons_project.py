"""``steer-gym neurons project``: the table of what every neuron of a model says."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from steer_gym.neurons.reading import kept_table, read_table
from steer_gym.results import writable_folder

from .neurons_model import Counting, add_model, chosen_source
from .parser import count

FOLDER = Path("runs/neurons")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_model(parser)
    how = parser.add_argument_group("how")
    how.add_argument("--k", type=count, default=30, help="tokens at either end (default: 30)")
    how.add_argument(
        "--projection", choices=("raw", "norm"), default="raw",
        help="plain dot products as in the paper, or through the final norm's gain (default: raw)",
    )  # fmt: skip
    how.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default="auto",
        help="of the factors; bfloat16 is faster, and exact of weights stored so (default: auto)",
    )  # fmt: skip
    how.add_argument("--device", default="cpu", help="a torch device (default: cpu)")
    parser.add_argument("--out", type=Path, metavar="FILE", help=f"(default: {FOLDER}/...)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the table, unless the same one is there."""
    source = chosen_source(options)
    out = options.out or FOLDER / f"{source.name.replace('/', '--')}.safetensors"
    writable_folder(out.parent)
    how = {"projection": options.projection, "k": options.k, "dtype": options.dtype}
    there = kept_table(out, source, **how)
    if there is not None and there.recipe.k == options.k:
        print(f"{out} is there already, of the same weights and recipe.")
        return 0
    started = time.monotonic()
    with Counting("neurons", source.space.size, quiet=options.quiet) as show:
        table = read_table(source, device=options.device, on_neurons=show, **how)
    table.save(out)
    print(
        f"{source.space.layers} x {source.space.width:,} neurons of {source.name} "
        f"({source.space.fingerprint}), {len(table.texts):,} tokens, "
        f"{time.monotonic() - started:.0f} s -> {out}"
    )
    return 0
