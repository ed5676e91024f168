"""Clusters and matched draws of the shipped Pocket, read from its weights."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra 'torch'")

from steer_gym import make_policy
from steer_gym.benchmark import PolicyChoice, Treatment
from steer_gym.benchmark.reading import _read, cluster
from steer_gym.benchmark.resolving import resolved
from steer_gym.errors import SteeringError, UnknownNameError

POCKET = PolicyChoice(name="pocket")


@pytest.mark.parametrize("concept", ["fast", "slow", "up"])
def test_a_larger_cluster_holds_the_smaller(concept: str) -> None:
    small, large = (cluster(POCKET, concept, size, "full") for size in (10, 40))
    assert (len(small), len(large)) == (10, 40)
    assert set(small.flat_ids) < set(large.flat_ids)


def test_depth_is_where_the_neurons_are_and_the_policy_takes_them() -> None:
    space = make_policy("pocket").spec.neurons
    assert space is not None
    early, late = (
        cluster(POCKET, "up", 20, depth).resolve(space)[:, 0]  # type: ignore[arg-type]
        for depth in ("early", "late")
    )
    assert np.max(early) < space.layers // 2 <= np.min(late)


def test_random_neurons_are_about_as_long() -> None:
    said = Treatment(concept="up", size=20, depth="late", alpha=4.0)
    policy = make_policy("pocket")
    table, _ = _read(POCKET)
    assert table.norms is not None
    steered, control = (
        resolved(each, policy, POCKET).configs[0].steering
        for each in (said, said.control("random", match="norm"))
    )
    assert steered is not None
    assert control is not None
    ours, theirs = (
        table.norms[list(each.edits[0].neurons.flat(table.space))] for each in (steered, control)
    )
    assert np.abs(ours - theirs).max() < 0.2 * ours.mean()


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="up"):
        cluster(POCKET, "sideways", 10, "full")
    with pytest.raises(SteeringError, match="pocket has 3072 early neurons, not 4000"):
        cluster(POCKET, "up", 4000, "early")
