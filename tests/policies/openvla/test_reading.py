"""OpenVLA's neurons say what the released procedure lists, loaded or read from files alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from steer_gym.neurons.reading import read_table
from steer_gym.neurons.sources import open_source
from steer_gym.neurons.tokens import TokenKind
from steer_gym.policies.openvla.policy import OpenVlaPolicy


def test_top_tokens_are_those_of_the_released_procedure(
    policy: OpenVlaPolicy, golden_folder: Path
) -> None:
    """One-hot activations times each down projection, then the head, sorted whole."""
    table = read_table(open_source(str(golden_folder)), k=10)
    width = policy.neurons.width
    listed = []
    for layer in policy.model.llama.model.layers:
        alone = one_hot(torch.arange(width)).float()
        logits = policy.model.llama.lm_head(layer.mlp.down_proj(alone))
        listed.append(logits.argsort(dim=1, descending=True, stable=True)[:, :10])
    ids = torch.cat(listed).numpy()
    # Rows of zeros stand for most of the vocabulary, and score the same.
    scores = np.take_along_axis(_logits(policy), ids, axis=1)
    ours = np.take_along_axis(_logits(policy), table.promoted.ids.astype(np.int64), axis=1)
    assert np.allclose(ours, scores, atol=1e-6)
    distinct = np.abs(scores) > 1e-6
    assert np.array_equal(table.promoted.ids[distinct], ids[distinct])


def _logits(policy: OpenVlaPolicy) -> np.ndarray:
    llama = policy.model.llama
    values = torch.cat([layer.mlp.down_proj.weight.T for layer in llama.model.layers])
    logits: np.ndarray = (values @ llama.lm_head.weight.T).numpy()
    return logits


def test_loaded_and_from_shards_the_neurons_are_the_same(
    policy: OpenVlaPolicy, folder: Path, shard: Callable[[Path, int], None]
) -> None:
    shard(folder, 3)
    loaded, files = policy.neuron_source(), open_source(str(folder))
    assert loaded.space == files.space == policy.neurons
    for one, other in zip(loaded.values(), files.values(), strict=True):
        assert torch.equal(one.float(), other.float())


def test_action_tokens_are_told_as_values_and_padding_as_unused(policy: OpenVlaPolicy) -> None:
    vocabulary = policy.neuron_source().vocabulary()
    assert vocabulary.texts[31744] == "[action: +0.996]"
    assert vocabulary.texts[31999] == "[action: -0.996]"
    kinds = vocabulary.kinds
    assert (kinds[31744:32000] == TokenKind.ACTION).all()
    assert (kinds[:31744] != TokenKind.ACTION).all()
    assert kinds[32063] == TokenKind.UNUSED
    assert any(text.startswith(" ") and text.strip().isalpha() for text in vocabulary.texts)


def test_neurons_can_be_screened(policy: OpenVlaPolicy) -> None:
    from steer_gym import NeuronSet, Steering
    from steer_gym.neurons.screening import Unsteered

    unsteered = Unsteered(policy, policy.spec.example_observation())
    alone = unsteered.before
    assert alone.heading == pytest.approx(1.0, abs=1e-4)
    assert 0 <= alone.action_probability <= 1
    pushed = unsteered.effect(Steering(NeuronSet.from_flat([3, 200]), 40.0))
    assert pushed != alone
