"""Policies with ``select_action`` in our loops: whole episodes, row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Steering, make_policy
from steer_gym.errors import ActConfigError, MissingPackageError, ObservationError, SteeringError
from steer_gym.lerobot.installed import lerobot
from steer_gym.observation import IMAGE_BASE, batch_observations
from steer_gym.policy import Policy

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")


def observations(policy: Policy, count: int) -> list[dict[str, Any]]:
    return [policy.spec.example_observation(seed) for seed in range(count)]


def actions(policy: Policy, seen: list[dict[str, Any]], config: Any = None) -> np.ndarray:
    policy.reset()
    return np.stack([policy.act(one, config) for one in seen])


def test_its_cameras_are_ours(chunked: Any) -> None:
    assert make_policy("lerobot", checkpoint=chunked).spec.cameras == {IMAGE_BASE: (8, 8)}


def test_a_chunk_is_played_to_its_end_before_the_next_look(chunked: Any) -> None:
    policy = make_policy("lerobot", checkpoint=chunked)
    first, second = observations(policy, 2)
    found = actions(policy, [first, second, second, second])
    assert np.array_equal(found[:3], actions(policy, [first] * 3))
    assert np.array_equal(found[3], actions(policy, [second])[0])


def test_rows_are_episodes_of_their_own(chunked: Any) -> None:
    policy = make_policy("lerobot", checkpoint=chunked)
    first, second = observations(policy, 2)
    alone = actions(policy, [second] * 3)
    policy.reset()
    policy.act(batch_observations([first, first]))
    policy.reset(rows=[1])
    for step in range(3):
        rows = policy.act(batch_observations([first, second]))
        assert np.array_equal(rows[1], alone[step])
    assert not chunked.queue


def test_copies_share_the_weights(chunked: Any) -> None:
    policy = make_policy("lerobot", checkpoint=chunked)
    (seen,) = observations(policy, 1)
    before = actions(policy, [seen])
    with torch.no_grad():
        chunked.map.weight *= 0
    policy.reset()
    assert not np.array_equal(before, actions(policy, [seen]))
    assert policy.act(seen).dtype == np.float32


def test_what_is_drawn_follows_from_the_seed_and_leaves_torch_alone(noisy: Any) -> None:
    policy = make_policy("lerobot", checkpoint=noisy)
    seen = observations(policy, 1) * 4
    state = torch.get_rng_state()
    one, again = (actions(policy, seen, ActConfig(seed=3)) for _ in range(2))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, actions(policy, seen, ActConfig(seed=4)))
    assert not np.array_equal(one[0], one[3])
    assert torch.equal(torch.get_rng_state(), state)


def test_processors_stand_before_and_after(chunked: Any) -> None:
    policy = make_policy("lerobot", checkpoint=chunked)
    halved = make_policy("lerobot", checkpoint=chunked, postprocessor=lambda action: action / 2)
    (seen,) = observations(policy, 1)
    assert np.allclose(actions(halved, [seen]) * 2, actions(policy, [seen]))


def test_what_is_not_allowed_raises(chunked: Any) -> None:
    policy = make_policy("lerobot", checkpoint=chunked)
    (seen,) = observations(policy, 1)
    with pytest.raises(ActConfigError, match="temperature must be 0, not 1"):
        policy.act(seen, ActConfig(temperature=1.0))
    with pytest.raises(SteeringError, match="lerobot has no neurons to steer"):
        policy.act(seen, ActConfig(steering=Steering(NeuronSet.from_flat([1]), 1.0)))
    with pytest.raises(ObservationError, match=r"needs 'image\.base'"):
        policy.act({key: value for key, value in seen.items() if key != IMAGE_BASE})
    with pytest.raises(ObservationError, match=r"looks at 'observation.images.image', but the lay"):
        make_policy("lerobot", checkpoint=chunked, layout="plain")


def test_what_lerobot_lacks_is_told_with_the_way_out() -> None:
    with pytest.raises(MissingPackageError, match="give it an environment of its own"):
        lerobot("no_such_module")
