"""Is an action token on top of many neurons because the policy means it, or because it was common?

    python benchmarks/action_frequency.py runs/pocket/demonstrations runs/findings/tables

Reads the demonstrations that Pocket was trained on (`steer-gym pocket collect`) and the tables of
`steer-gym neurons findings --preset pocket`. Prints rank correlations over the 256 action tokens
between how often each is among the top 30 of a neuron, of a random direction, and how often its
value was demonstrated.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from steer_gym.neurons.findings.measures import NEAR_ZERO
from steer_gym.neurons.findings.patterns import TOP
from steer_gym.neurons.findings.stage import token_counts
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.tokens import TokenKind
from steer_gym.policies.pocket.tokenizer import PocketTokenizer
from steer_gym.policies.pocket.weights import SHIPPED, TOKENIZER


def main() -> None:
    """Count and correlate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("demonstrations", type=Path)
    parser.add_argument("tables", type=Path)
    options = parser.parse_args()
    neurons = action_counts(options.tables / "Pocket.safetensors")
    directions = action_counts(options.tables / "Pocket, random.safetensors")
    shown = demonstrated(options.demonstrations)
    band = neurons <= NEAR_ZERO * neurons.mean()
    print(f"neurons and demonstrations: rho {spearmanr(neurons, shown).statistic:.2f}")
    print(f"neurons and random directions: rho {spearmanr(neurons, directions).statistic:.2f}")
    print(
        f"near zero: {band.sum()} tokens, {shown[band].sum() / shown.sum():.2%} of demonstrated "
        f"values; median times demonstrated {np.median(shown[band]):.0f}, of the others "
        f"{np.median(shown[~band]):.0f}"
    )


def action_counts(path: Path) -> NDArray[np.int64]:
    """Return how often each action token is on top, (256,)."""
    table = NeuronTable.load(path)
    return token_counts(table, TOP)[table.kinds == TokenKind.ACTION]


def demonstrated(folder: Path) -> NDArray[np.int64]:
    """Return how often the value of each action token was demonstrated, (256,)."""
    tokenizer = PocketTokenizer(SHIPPED / TOKENIZER)
    actions = np.concatenate([np.load(path)["actions"] for path in sorted(folder.glob("*.npz"))])
    ids = tokenizer.encode_actions(actions) - tokenizer.words
    return np.bincount(ids.ravel(), minlength=tokenizer.size - tokenizer.words)


if __name__ == "__main__":
    main()
