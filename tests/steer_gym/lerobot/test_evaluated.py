"""Our policies answer LeRobot's batches as they answer our observations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import toy_world

from steer_gym import ActConfig, Policy, Ramp, Scheduled, Steering
from steer_gym.errors import MissingPackageError
from steer_gym.lerobot.evaluated import ActionSelector, lerobot_policy
from steer_gym.lerobot.layout import layout_named
from steer_gym.observation import JOINTS, Observation, batch_observations

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")


def observations() -> list[dict[str, Any]]:
    seen = [toy_world.ReachEnv().reset(seed=seed)[0] for seed in (1, 2)]
    return [{key: value for key, value in one.items() if key != JOINTS} for one in seen]


def as_lerobot(batch: Observation) -> dict[str, Any]:
    """Return the batch as LeRobot's LIBERO environment and processor give it."""
    layout = layout_named("libero")
    pictures = {
        key: torch.from_numpy(array).permute(0, 3, 1, 2).float() / 255
        for key, array in layout.pictures(batch).items()
    }
    state = torch.from_numpy(layout.state(batch))
    return {**pictures, "observation.state": state, "task": list(batch["instruction"])}


def config(policy: Policy, **options: Any) -> ActConfig:
    fast = Steering(policy.concept("fast"), alpha=0.6)
    return ActConfig(steering=fast, schedule=Ramp([(0, 0.2), (10, 0.8)]), **options)


def test_actions_are_those_of_our_own_loop_steering_and_schedule_included(
    toy_reach: Policy,
) -> None:
    batch, steered = batch_observations(observations()), config(toy_reach)
    selector, own = ActionSelector(toy_reach, steered), Scheduled(toy_reach)
    for _ in range(2):
        selector.reset()
        own.reset()
        for _ in range(4):
            found = selector.select(as_lerobot(batch))
            assert found == pytest.approx(own.act(batch, steered), abs=1e-6)


def test_a_plan_is_played_as_far_as_the_config_says(toy_reach: Policy) -> None:
    first, second = (batch_observations([one]) for one in observations())
    selector = ActionSelector(toy_reach, ActConfig(execute=3))
    looks = [selector.select(as_lerobot(each)) for each in (first, second, second, second)]
    assert np.array_equal(looks[0], looks[1])
    assert np.array_equal(looks[1], looks[2])
    assert not np.array_equal(looks[2], looks[3])


def test_it_is_a_policy_of_lerobots(toy_reach: Policy) -> None:
    try:
        policy = lerobot_policy(toy_reach, ActConfig(execute=2))
    except MissingPackageError as missing:
        pytest.skip(str(missing))
    from lerobot.policies.pretrained import PreTrainedPolicy

    assert isinstance(policy, PreTrainedPolicy)
    batch = batch_observations(observations())
    policy.eval()
    policy.reset()
    action = policy.select_action(as_lerobot(batch))
    assert np.allclose(action.numpy(), toy_reach.act(batch), atol=1e-6)
    with pytest.raises(TypeError, match="is evaluated by LeRobot, not trained by it"):
        policy.forward({})
