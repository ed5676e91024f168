"""``steer-gym neurons``: read what neurons mean, find concepts, and test them."""

from __future__ import annotations

import argparse

from steer_gym.extras import load

COMMANDS: dict[str, tuple[str, str]] = {
    "atlas": (
        "show a model's neurons in one page to search, browse and mark",
        "steer_gym.cli.neurons_atlas:configure",
    ),
    "findings": (
        "draw the paper's four figures for two or three models",
        "steer_gym.cli.neurons_findings:configure",
    ),
    "project": (
        "write the table of what every neuron of a model says",
        "steer_gym.cli.neurons_project:configure",
    ),
    "find": (
        "find neurons by word, or near others in meaning",
        "steer_gym.cli.neurons_find:configure",
    ),
    "cluster": (
        "put all neurons into groups of like meaning",
        "steer_gym.cli.neurons_cluster:configure",
    ),
    "concept": (
        "show, compare, check and exchange concept files",
        "steer_gym.cli.neurons_concept:configure",
    ),
    "record": (
        "keep observations of unsteered rollouts in a file",
        "steer_gym.cli.neurons_record:configure",
    ),
    "activations": (
        "gather how strongly each neuron fires by itself",
        "steer_gym.cli.neurons_activations:configure",
    ),
    "screen": (
        "test whether a concept's neurons do what its words say, more than random ones",
        "steer_gym.cli.neurons_screen:configure",
    ),
}
"""Command -> its line of help, and ``module:function``, as in ``steer_gym.cli.dispatch``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add a parser for each command."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, (description, target) in COMMANDS.items():
        sentence = f"{description[0].upper()}{description[1:]}."
        load(target)(commands.add_parser(name, help=description, description=sentence))
