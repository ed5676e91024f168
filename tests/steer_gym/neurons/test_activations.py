"""Natural activations: quantiles and spread are those of what was seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from steer_gym import NeuronSpace  # noqa: E402
from steer_gym.errors import SteeringError  # noqa: E402
from steer_gym.neurons.activations import LEVELS, ActivationSampler, gather  # noqa: E402
from steer_gym.observation import batch_observations  # noqa: E402

SPACE = NeuronSpace(layers=2, width=3)


def seen(sampler: ActivationSampler, calls: int = 6) -> list[Any]:
    """Show some forward passes and return the activations of each layer, (tokens, width)."""
    generator = torch.Generator().manual_seed(0)
    layers: list[list[Any]] = [[], []]
    for _ in range(calls):
        for layer in range(2):
            natural = torch.randn(4, 5, 3, generator=generator) * (layer + 1)
            real = torch.rand(4, 5, generator=torch.Generator().manual_seed(1)) < 0.7
            sampler(layer, natural, real)
            layers[layer].append(natural[real].numpy())
    return [np.concatenate(each) for each in layers]


def test_a_whole_sample_gives_the_exact_quantiles() -> None:
    sampler = ActivationSampler(SPACE, samples=1000)
    whole = seen(sampler)
    found = sampler.result("noise")
    assert (found.tokens, found.source, found.levels) == (len(whole[0]), "noise", LEVELS)
    for layer, tokens in enumerate(whole):
        at = slice(layer * 3, layer * 3 + 3)
        expected = np.quantile(tokens, LEVELS, axis=0).T
        assert np.allclose(found.quantiles[at], expected, atol=2e-3)
        assert np.allclose(found.mean[at], tokens.mean(0), atol=1e-5)
        assert np.allclose(found.spread[at], tokens.std(0), atol=1e-5)


def test_a_small_sample_keeps_the_ends_and_comes_near_the_rest() -> None:
    sampler = ActivationSampler(SPACE, samples=300)
    whole = seen(sampler, calls=200)
    found = sampler.result()
    assert found.tokens == len(whole[0]) > 2000
    for layer, tokens in enumerate(whole):
        at = slice(layer * 3, layer * 3 + 3)
        assert np.array_equal(found.quantiles[at, 0], tokens.min(0))
        assert np.array_equal(found.quantiles[at, -1], tokens.max(0))
        median = found.quantiles[at, LEVELS.index(0.5)]
        assert (np.abs(median - np.median(tokens, axis=0)) < 0.35 * (layer + 1)).all()
    assert (np.diff(found.quantiles, axis=1) >= 0).all()


def test_the_sample_is_drawn_evenly_from_the_whole_run() -> None:
    sampler = ActivationSampler(NeuronSpace(layers=1, width=1), samples=200)
    for start in range(0, 2000, 50):
        ramp = torch.arange(start, start + 50).float().reshape(1, 50, 1)
        sampler(0, ramp, torch.ones(1, 50, dtype=torch.bool))
    median = sampler.result().quantiles[0, LEVELS.index(0.5)]
    assert 800 < median < 1200


def test_nothing_seen_is_said() -> None:
    with pytest.raises(SteeringError, match="No activations were seen"):
        ActivationSampler(SPACE).result()


def test_a_policy_is_looked_at_as_it_plans() -> None:
    pytest.importorskip("transformers", reason="needs the extra 'torch'")
    from steer_gym import make_policy

    policy = make_policy("pocket")
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(3)])
    done: list[int] = []
    found = gather(policy, batch, batch=2, source="noise", on_rows=done.append)
    assert done == [2, 3]
    assert found.quantiles.shape == (policy.spec.neurons.size, len(LEVELS))  # type: ignore[union-attr]
    from steer_gym.policies.engines.running_spread import RunningSpread

    spread = RunningSpread(policy.spec.neurons)  # type: ignore[arg-type]
    with policy.observed(spread):
        policy.plan(batch)
    assert np.allclose(found.spread, spread.std.ravel(), atol=1e-4)
    assert found.tokens == spread.tokens


def test_a_policy_that_shows_nothing_says_so(toy: Any) -> None:
    with pytest.raises(SteeringError, match="toy does not show the activations of its neurons"):
        gather(toy, toy.spec.example_observation())


def test_observations_come_back_whole_or_a_few(toy: Any, tmp_path: Path) -> None:
    from steer_gym.neurons.recordings import RecordingError, load_observations, save_observations

    kept = [toy.spec.example_observation(seed) for seed in range(5)]
    save_observations(tmp_path / "o.npz", kept)
    batch = load_observations(tmp_path / "o.npz")
    whole = batch_observations(kept)
    assert batch.keys() == whole.keys()
    assert all(np.array_equal(batch[key], whole[key]) for key in whole)
    few = load_observations(tmp_path / "o.npz", count=2, seed=3)
    assert all(len(values) == 2 for values in few.values())
    with pytest.raises(RecordingError, match="Record some with `steer-gym neurons record`"):
        load_observations(tmp_path / "none.npz")
