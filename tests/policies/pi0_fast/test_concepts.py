from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.policies.pi0_fast.concepts import PI0_FAST_CONCEPTS
from steer_gym.policies.pi0_fast.policy import Pi0FastPolicy

LOADED = NeuronSpace(layers=18, width=16384, fingerprint="abcdef0123456789")


def test_the_droid_checkpoint_has_the_papers_concepts() -> None:
    concepts = PI0_FAST_CONCEPTS.of("pi0_fast_droid", LOADED)
    assert sorted(concepts) == ["high", "low"]
    high = concepts["high"].resolve(LOADED)
    assert [layer * 16384 + neuron for layer, neuron in high] == [256459, 260217, 40857]
    with pytest.raises(SteeringError, match="Neurons mean nothing in other weights"):
        concepts["low"].resolve(NeuronSpace(layers=18, width=16384, fingerprint="0" * 16))
    assert not PI0_FAST_CONCEPTS.of("pi0_fast_libero", LOADED)


def test_another_checkpoint_has_none(talker: tuple[Path, Any]) -> None:
    folder, profile = talker
    assert not Pi0FastPolicy(folder, profile=profile).concepts
