"""The policy, with a checkpoint whose neurons spell out a known chunk."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("jax")

import steer_gym
from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.errors import (
    ObservationError,
    SteerGymError,
    SteeringError,
    UnknownNameError,
)
from steer_gym.policies.pi0_fast.fast_tokenizer import FastTokenizer
from steer_gym.policies.pi0_fast.policy import Pi0FastPolicy
from steer_gym.policies.pi0_fast.reading import file_source
from steer_gym.policies.pi0_fast.sizes import CheckpointError
from steer_gym.policies.pi0_fast.statistics import Length, Statistics
from steer_gym.policy import Policy

from .conftest import CHUNK, FAST

MUTE = ActConfig(steering=Steering(NeuronSet.from_pairs([(0, 6)]), 0.0))
"""Silences the neuron that writes the row's seventh token, so that the row breaks off."""


@pytest.fixture(scope="module", params=["jax", "torch"])
def policy(request: pytest.FixtureRequest, talker: tuple[Path, Any]) -> Policy:
    folder, profile = talker
    return steer_gym.make_policy(
        "pi0-fast", checkpoint=folder, profile=profile, backend=request.param
    )


@pytest.fixture(scope="module")
def observation(policy: Policy) -> dict[str, Any]:
    return policy.spec.example_observation(seed=1)


def rounded() -> NDArray[np.float64]:
    """Return the chunk as FAST rounds it."""
    fast = FastTokenizer(FAST)
    return fast.decode(fast.encode(CHUNK), *CHUNK.shape).actions


def test_the_policy_keeps_the_contract(policy: Policy) -> None:
    steer_gym.check_policy(policy)


def test_the_actions_are_those_that_the_tokens_say(
    policy: Policy, observation: dict[str, Any]
) -> None:
    plan = policy.plan(observation)
    expected = rounded() * (0.4 + 1e-6) + 0.1
    expected[:, :6] += observation["tcp_pose"]
    assert plan.extra["reasons"] == (None,)
    assert np.allclose(plan.actions[0], expected, atol=1e-6)
    assert plan.valid is not None
    assert plan.valid.all()
    assert plan.tokens is not None
    assert plan.tokens.shape == (1, policy.spec.tokens)


def test_quantiles_and_no_delta_are_a_matter_of_the_profile(talker: tuple[Path, Any]) -> None:
    folder, profile = talker
    other = replace(profile, normalisation="quantile", delta=())
    policy = Pi0FastPolicy(folder, profile=other)
    plan = policy.plan(policy.spec.example_observation())
    assert np.allclose(plan.actions[0], (rounded() + 1) / 2 * (2.5 + 1e-6) - 1, atol=1e-6)


def test_a_silenced_neuron_breaks_the_row_off_and_the_reason_says_so(
    policy: Policy, observation: dict[str, Any]
) -> None:
    plan = policy.plan(observation, MUTE)
    (reason,) = plan.extra["reasons"]
    assert "coefficients instead of 28" in reason or "FAST tokens is none" in reason
    report = plan.steering[0]
    assert report is not None
    assert report.neurons == 1


def test_each_choice_does_with_a_broken_row_what_it_says(
    policy: Policy, observation: dict[str, Any]
) -> None:
    batch = steer_gym.observation.batch_observations([observation] * 3)
    configs = [replace(MUTE, invalid_tokens=choice) for choice in ("zeros", "hold", "prefix")]
    plan = policy.plan(batch, configs)
    zeros, held, prefix = plan.actions
    arm = observation["tcp_pose"]
    assert np.allclose(zeros, np.array([*(0.1 + arm), 0.1], np.float32), atol=1e-6)
    assert np.array_equal(held, np.tile(np.array([0] * 6 + [1], np.float32), (4, 1)))
    whole = policy.plan(observation).actions[0]
    assert np.allclose(prefix.mean(0)[:3], whole.mean(0)[:3], atol=0.15)
    assert not np.allclose(prefix, zeros)


def test_a_whole_row_is_the_same_under_every_choice(
    policy: Policy, observation: dict[str, Any]
) -> None:
    batch = steer_gym.observation.batch_observations([observation] * 3)
    configs = [ActConfig(invalid_tokens=choice) for choice in policy.spec.invalid_tokens]
    actions = policy.plan(batch, configs).actions
    assert np.array_equal(actions[0], actions[1])
    assert np.array_equal(actions[0], actions[2])


def test_a_state_of_another_length_is_refused(policy: Policy, observation: dict[str, Any]) -> None:
    broken = {**observation, "tcp_pose": np.zeros(5)}
    with pytest.raises(ObservationError, match=r"'tcp_pose' must have shape \(rows, 6\)"):
        policy.act(broken)


def test_a_prompt_that_is_too_long_is_refused(policy: Policy, observation: dict[str, Any]) -> None:
    with pytest.raises(ObservationError, match="Shorten the instruction"):
        policy.act({**observation, "instruction": "a" * 300})


def test_an_unknown_profile_or_backend_is_refused(talker: tuple[Path, Any]) -> None:
    folder, profile = talker
    with pytest.raises(UnknownNameError, match="Did you mean 'pi0_fast_libero'"):
        Pi0FastPolicy(folder, profile="pi0_fast_libro")
    with pytest.raises(SteerGymError, match="backend must be 'torch' or 'jax'"):
        Pi0FastPolicy(folder, profile=profile, backend="tf")  # type: ignore[arg-type]
    with pytest.raises(SteerGymError, match="dtype must be 'float32' or 'bfloat16'"):
        Pi0FastPolicy(folder, profile=profile, dtype="bf16")  # type: ignore[arg-type]


def test_missing_statistics_are_an_error(talker: tuple[Path, Any], tmp_path: Path) -> None:
    folder, profile = talker
    for name in ("params.npz", "tokenizer.model", "fast"):
        (tmp_path / name).symlink_to(folder / name)
    with pytest.raises(CheckpointError, match=r"holds 0 files norm_stats\.json"):
        Pi0FastPolicy(tmp_path, profile=profile)
    (tmp_path / "norm_stats.json").write_text('{"state": {"mean": [0]}}')
    with pytest.raises(CheckpointError, match="lacks 'std' for normalisation by zscore"):
        Pi0FastPolicy(tmp_path, profile=profile)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub").constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.usefixtures("offline")
def test_what_the_hub_does_not_give_is_named_after_what_is_missing_here(
    talker: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, profile = talker
    for make in (Pi0FastPolicy, file_source):
        with pytest.raises(CheckpointError, match="/no/such/folder is no checkpoint"):
            make("/no/such/folder", profile=profile)  # type: ignore[operator]
        (tmp_path / "params.npz").unlink(missing_ok=True)
        (tmp_path / "tokenizer.model").unlink(missing_ok=True)
        (tmp_path / "params.npz").symlink_to(folder / "params.npz")
        with pytest.raises(SteerGymError, match=r"google/paligemma.* hub .* give tokenizer="):
            make(tmp_path, profile=profile)  # type: ignore[operator]
        (tmp_path / "tokenizer.model").symlink_to(folder / "tokenizer.model")
        with pytest.raises(SteerGymError, match=r"physical-intelligence/fast.* hub .*fast=\.\.\."):
            make(tmp_path, profile=profile)  # type: ignore[operator]


@pytest.mark.parametrize(("state", "actions"), [(6, 7), (8, 6)])
def test_statistics_of_fewer_numbers_than_the_robot_has_are_refused(
    talker: tuple[Path, Any], tmp_path: Path, state: int, actions: int
) -> None:
    folder, profile = talker
    sizes = {"state": state, "actions": actions}
    stats = {key: {"mean": [0.1] * size, "std": [0.4] * size} for key, size in sizes.items()}
    (tmp_path / "norm_stats.json").write_text(json.dumps(stats))
    with pytest.raises(CheckpointError, match=r"shapes \(6,\) .* the robot has [78] numbers"):
        Pi0FastPolicy(folder, profile=profile, norm_stats=tmp_path / "norm_stats.json")


def test_statistics_of_the_robot_alone_are_padded_to_the_models_numbers(tmp_path: Path) -> None:
    stats = {"mean": [0.5] * 7, "std": [2.0] * 7}
    (tmp_path / "norm_stats.json").write_text(json.dumps({"state": stats, "actions": stats}))
    length = Length(robot=7, model=32)
    loaded = Statistics.load(tmp_path / "norm_stats.json", "zscore", state=length, actions=length)
    assert loaded.state.normalise(np.zeros(32))[7:].tolist() == [0.0] * 25


def test_the_spread_is_measured_before_it_is_a_unit(
    talker: tuple[Path, Any], tmp_path: Path
) -> None:
    folder, profile = talker
    for name in ("params.npz", "tokenizer.model", "fast"):
        (tmp_path / name).symlink_to(folder / name)
    stats = folder / "assets" / "norm_stats.json"
    policy = Pi0FastPolicy(tmp_path, profile=profile, norm_stats=stats)
    observation = policy.spec.example_observation(seed=1)
    edit = Steering(NeuronSet.from_pairs([(0, 6)]), 1.0, operation="add", unit="spread")
    with pytest.raises(SteeringError, match="this policy knows none"):
        policy.act(observation, ActConfig(steering=edit))
    spread = policy.measure_spread([observation, policy.spec.example_observation(seed=2)])
    policy.act(observation, ActConfig(steering=edit))
    np.save(tmp_path / "spread.npy", spread)
    saved = Pi0FastPolicy(tmp_path, profile=profile, norm_stats=stats).spread()
    assert saved is not None
    assert np.array_equal(saved, spread)
