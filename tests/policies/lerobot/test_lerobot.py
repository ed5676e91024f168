"""LeRobot's own policies, with random weights, in our loops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym import make_policy
from steer_gym.errors import MissingPackageError
from steer_gym.lerobot.installed import lerobot
from steer_gym.observation import batch_observations

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")


@pytest.fixture(scope="module")
def types() -> Any:
    try:
        lerobot("policies.act.modeling_act")
        return lerobot("configs.types")
    except MissingPackageError as missing:
        pytest.skip(str(missing))


def features(types: Any) -> dict[str, Any]:
    visual, state, action = (types.FeatureType[name] for name in ("VISUAL", "STATE", "ACTION"))
    return {
        "input_features": {
            "observation.images.image": types.PolicyFeature(type=visual, shape=(3, 64, 64)),
            "observation.images.image2": types.PolicyFeature(type=visual, shape=(3, 64, 64)),
            "observation.state": types.PolicyFeature(type=state, shape=(8,)),
        },
        "output_features": {"action": types.PolicyFeature(type=action, shape=(7,))},
        "device": "cpu",
    }


def act(types: Any, n_action_steps: int = 5, **options: Any) -> Any:
    config = lerobot("policies.act.configuration_act").ACTConfig(
        **features(types), chunk_size=5, dim_model=32, n_heads=2, dim_feedforward=64,
        n_encoder_layers=1, use_vae=False, n_action_steps=n_action_steps,
        pretrained_backbone_weights=None, **options,
    )  # fmt: skip
    torch.manual_seed(0)
    return lerobot("policies.act.modeling_act").ACTPolicy(config).eval()


def diffusion(types: Any) -> Any:
    config = lerobot("policies.diffusion.configuration_diffusion").DiffusionConfig(
        **features(types), down_dims=(16, 32), num_inference_steps=2, crop_shape=None,
        n_groups=4, horizon=8, n_action_steps=4,
    )  # fmt: skip
    torch.manual_seed(0)
    return lerobot("policies.diffusion.modeling_diffusion").DiffusionPolicy(config).eval()


@pytest.mark.parametrize("make", [act, diffusion], ids=["act", "diffusion"])
def test_rows_of_a_vector_are_what_each_is_alone(types: Any, make: Any) -> None:
    policy = make_policy("lerobot", checkpoint=make(types))
    first, second = (policy.spec.example_observation(seed) for seed in range(2))
    policy.reset()
    alone = [policy.act(second) for _ in range(7)]
    policy.reset()
    rows = [policy.act(batch_observations([first, second])) for _ in range(7)]
    assert np.array_equal(np.stack(rows)[:, 1], np.stack(alone))
    assert not np.array_equal(rows[0][0], rows[0][1])
    assert not np.array_equal(rows[0][1], rows[6][1])


def test_one_action_is_lerobots_own(types: Any) -> None:
    own = act(types)
    policy = make_policy("lerobot", checkpoint=own)
    seen = policy.spec.example_observation(3)
    picture = {
        theirs: torch.from_numpy(seen[ours][:, ::-1].copy()).permute(2, 0, 1)[None] / 255
        for ours, theirs in (
            ("image.base", "observation.images.image"),
            ("image.wrist", "observation.images.image2"),
        )
    }
    state = np.concatenate([seen["tcp_pose"], seen["gripper"]]).astype(np.float32)[None]
    own.reset()
    with torch.inference_mode():
        expected = own.select_action({**picture, "observation.state": torch.from_numpy(state)})
    assert np.array_equal(policy.act(seen), expected[0].numpy())


def test_ensembled_actions_of_one_row_do_not_reach_another(types: Any) -> None:
    own = act(types, n_action_steps=1, temporal_ensemble_coeff=0.01)
    policy = make_policy("lerobot", checkpoint=own)
    first, second = (policy.spec.example_observation(seed) for seed in range(2))
    policy.reset()
    alone = [policy.act(second) for _ in range(3)]
    policy.reset()
    rows = [policy.act(batch_observations([first, second])) for _ in range(3)]
    assert np.array_equal(np.stack(rows)[:, 1], np.stack(alone))


def test_a_checkpoint_is_loaded_with_its_processors(types: Any, tmp_path: Path) -> None:
    own = act(types)
    own.save_pretrained(tmp_path)
    size = {"mean": torch.zeros(7), "std": torch.full((7,), 2.0)}
    factory = lerobot("policies.factory")
    processors = factory.make_pre_post_processors(own.config, dataset_stats={"action": size})
    for each in processors:
        each.save_pretrained(tmp_path)
    loaded = make_policy("lerobot", checkpoint=tmp_path)
    plain = make_policy("lerobot", checkpoint=own)
    seen = plain.spec.example_observation(0)
    assert np.allclose(loaded.act(seen), 2 * plain.act(seen), atol=1e-5)
