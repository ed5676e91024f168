from __future__ import annotations

from dataclasses import replace

import pytest

from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.policies.openvla.concepts import OPENVLA_CONCEPTS
from steer_gym.policies.openvla.policy import OpenVlaPolicy

LIBERO_10 = "openvla/openvla-7b-finetuned-libero-10"
LOADED = NeuronSpace(layers=32, width=11008, fingerprint="abcdef0123456789")


@pytest.mark.parametrize("name", [LIBERO_10, "openvla-7b-finetuned-libero-10"])
def test_the_checkpoint_has_its_concepts_bound_to_its_weights(name: str) -> None:
    concepts = OPENVLA_CONCEPTS.of(name, LOADED)
    assert sorted(concepts) == ["careful", "fast", "slow", "up"]
    for concept in concepts.values():
        assert concept.fingerprint == LOADED.fingerprint
        assert len(concept.resolve(LOADED)) == 10
        with pytest.raises(SteeringError, match="Neurons mean nothing in other weights"):
            concept.resolve(replace(LOADED, fingerprint="0000000000000000"))


def test_other_checkpoints_have_none_unless_told(policy: OpenVlaPolicy) -> None:
    assert not OPENVLA_CONCEPTS.of("openvla/openvla-7b", LOADED)
    assert not policy.concepts
    assert OPENVLA_CONCEPTS.of("renamed", LOADED, released_as=LIBERO_10)
    with pytest.raises(UnknownNameError, match="Unknown concept of openvla 'fast'"):
        policy.concept("fast")


def test_a_small_model_of_that_name_has_none() -> None:
    assert not OPENVLA_CONCEPTS.of(LIBERO_10, NeuronSpace(layers=4, width=176, fingerprint="ab"))


def test_a_flat_id_is_a_layer_and_a_neuron_in_it() -> None:
    fast = OPENVLA_CONCEPTS.of(LIBERO_10, LOADED)["fast"]
    assert fast.resolve(LOADED)[1].tolist() == [15, 168891 - 15 * 11008]


def test_no_neuron_is_in_two_opposite_concepts() -> None:
    concepts = OPENVLA_CONCEPTS.sets[LIBERO_10]
    assert not set(concepts["fast"]) & set(concepts["slow"])
