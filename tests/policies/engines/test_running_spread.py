"""The natural spread of neurons, against numpy over all tokens at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from steer_gym import NeuronSpace
from steer_gym.errors import SteeringError
from steer_gym.policies.engines.running_spread import RunningSpread

SPACE = NeuronSpace(layers=2, width=5)


def test_agrees_with_numpy_over_all_real_tokens() -> None:
    rng = np.random.default_rng(0)
    spread = RunningSpread(SPACE)
    seen: list[list[np.ndarray]] = [[], []]
    for rows, positions in ((3, 7), (1, 1), (2, 4), (1, 6)):
        real = rng.random((rows, positions)) < 0.7
        for layer in range(2):
            natural = rng.normal(1000 * layer, 0.1 + layer, (rows, positions, 5))
            spread(layer, torch.from_numpy(natural), torch.from_numpy(real))
            seen[layer].append(natural[real])
    tokens = np.stack([np.concatenate(layer) for layer in seen])
    assert spread.tokens == tokens.shape[1]
    np.testing.assert_allclose(spread.mean, tokens.mean(axis=1), rtol=1e-6)
    np.testing.assert_allclose(spread.std, tokens.std(axis=1), rtol=1e-6)
    assert spread.std.dtype == np.float32


def test_low_precision_activations_do_not_lose_the_spread() -> None:
    natural = torch.full((1, 4000, 5), 100.0, dtype=torch.bfloat16)
    natural[:, ::2] = 101.0
    spread = RunningSpread(SPACE)
    for layer in range(2):
        for part in natural.split(64, dim=1):
            spread(layer, part, torch.ones(part.shape[:2], dtype=torch.bool))
    np.testing.assert_allclose(spread.std, 0.5, rtol=1e-6)


def test_says_when_nothing_was_seen() -> None:
    spread = RunningSpread(SPACE)
    spread(0, torch.ones(1, 2, 5), torch.ones(1, 2, dtype=torch.bool))
    with pytest.raises(SteeringError, match="No activations were seen in some layer"):
        _ = spread.std
