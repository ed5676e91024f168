"""``steer-gym neurons cluster``: all neurons of a model in groups of like meaning."""

from __future__ import annotations

import argparse
from pathlib import Path

from steer_gym.neurons.clusters import Cluster, cluster, described
from steer_gym.neurons.concept import Concept
from steer_gym.neurons.dictionaries import save_dictionary
from steer_gym.neurons.scores import concept_of
from steer_gym.neurons.semantics import SemanticSpace
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.words import Theme

from .neurons_model import add_model, add_table, chosen_source
from .parser import count, whole


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_table(parser)
    add_model(parser)
    parser.add_argument(
        "--method", choices=("kmeans", "density"), default="kmeans",
        help="density leaves out neurons that lie alone (default: kmeans)",
    )  # fmt: skip
    parser.add_argument("--count", type=count, default=0, help="clusters (default: 1 a 50 neurons)")
    parser.add_argument("--least", type=count, default=5, help="neurons in a dense cluster")
    parser.add_argument("--seed", type=whole, default=0, help="of kmeans")
    parser.add_argument("--show", type=count, default=20, help="clusters to print (default: 20)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write all as a YAML dictionary")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the purest clusters, and write all of them."""
    source = chosen_source(options)
    table = NeuronTable.load(options.table, source.space)
    space = SemanticSpace(table, source.rows())
    labels = cluster(
        space, options.method, count=options.count, least=options.least, seed=options.seed
    )
    found = described(table, labels)
    alone = float((labels < 0).mean())
    print(f"{len(found)} clusters; {alone:.0%} of {len(labels):,} neurons are in none")
    for each in found[: options.show]:
        print(
            f"{each.word:>16}  {len(each.neurons):5} neurons, {each.purity:4.0%} say it, "
            f"{each.actions:4.0%} action tokens"
        )
    if options.out:
        save_dictionary(options.out, [_concept(table, each, n) for n, each in enumerate(found)])
        print(f"-> {options.out}")
    return 0


def _concept(table: NeuronTable, found: Cluster, number: int) -> Concept:
    theme = Theme(name=f"{number}_{found.word}", words=(found.word,), opposites=())
    return concept_of(table, found.neurons, theme)
