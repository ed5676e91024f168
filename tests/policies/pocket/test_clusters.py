"""Clusters by word: sized, within their depth, nested, and bound to the weights."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.policies.pocket.clusters import CLUSTER_THEMES
from steer_gym.policies.pocket.policy import PocketPolicy


@pytest.fixture(scope="module")
def shipped() -> PocketPolicy:
    return PocketPolicy()


@pytest.mark.parametrize("word", CLUSTER_THEMES)
def test_a_larger_cluster_holds_the_smaller(shipped: PocketPolicy, word: str) -> None:
    small, large = shipped.cluster(word, 10), shipped.cluster(word, 40)
    assert (len(small), len(large)) == (10, 40)
    assert set(small.flat_ids) < set(large.flat_ids)
    assert small.fingerprint == shipped.spec.neurons.fingerprint  # type: ignore[union-attr]


def test_depth_is_where_the_neurons_are(shipped: PocketPolicy) -> None:
    space = shipped.spec.neurons
    assert space is not None
    early = shipped.cluster("up", 20, "early").resolve(space)[:, 0]
    late = shipped.cluster("up", 20, "late").resolve(space)[:, 0]
    assert np.max(early) < space.layers // 2 <= np.min(late)


def test_what_cannot_be_is_refused(shipped: PocketPolicy) -> None:
    with pytest.raises(UnknownNameError, match="up"):
        shipped.cluster("sideways", 10)
    with pytest.raises(UnknownNameError, match="depth"):
        shipped.cluster("up", 10, "deep")
    with pytest.raises(SteeringError, match="Pocket has 3072 neurons at depth early, not 4000"):
        shipped.cluster("up", 4000, "early")
