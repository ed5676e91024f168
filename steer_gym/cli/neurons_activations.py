"""``steer-gym neurons activations``: how strongly each neuron fires by itself."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from steer_gym.neurons.activations import Activations, gather
from steer_gym.neurons.recordings import load_observations
from steer_gym.neurons.table import NeuronTable
from steer_gym.observation import row_count

from .choices import add_policy, chosen_policy
from .neurons_model import Counting, add_table
from .parser import count, whole


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_table(parser)
    add_policy(parser)
    add_observations(parser)
    parser.add_argument("--batch", type=count, default=16, help="observations at once")
    parser.add_argument(
        "--samples", type=count, default=2048, help="tokens a layer that quantiles are taken of"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def add_observations(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose recorded observations."""
    parser.add_argument(
        "--observations", type=Path, required=True, metavar="PATH",
        help="of `steer-gym neurons record`, or a folder of Pocket's demonstrations",
    )  # fmt: skip
    parser.add_argument("--count", type=count, help="a random few of them")
    parser.add_argument("--seed", type=whole, default=0, help="of every choice (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Write the activations into the table."""
    observations = load_observations(options.observations, count=options.count, seed=options.seed)
    policy = chosen_policy(options)
    table, rows = NeuronTable.load(options.table, policy.spec.neurons), row_count(observations)
    with Counting("observations", rows, quiet=options.quiet) as show:
        found = gather(
            policy,
            observations,
            batch=options.batch,
            samples=options.samples,
            source=f"{rows} observations of {options.observations.name}",
            on_rows=show,
        )
    replace(table, activations=found).save(options.table)
    print(summary(found, table.space.layers))
    print(f"{found.tokens:,} tokens a layer -> {options.table}")
    return 0


def summary(found: Activations, layers: int) -> str:
    """Return what one step of alpha in unit "spread" comes to, by layer."""
    spread = found.spread.reshape(layers, -1)
    greatest = np.abs(found.quantiles[:, [0, -1]]).max(axis=1).reshape(layers, -1)
    lines = ["layer  spread: median  95 %   greatest: median  95 %"]
    for layer in range(layers):
        middle, high = np.quantile(spread[layer], (0.5, 0.95))
        usual, top = np.quantile(greatest[layer], (0.5, 0.95))
        lines.append(f"{layer:5} {middle:15.3f} {high:5.2f} {usual:18.2f} {top:5.1f}")
    return "\n".join(lines)
