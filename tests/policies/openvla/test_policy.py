from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from steer_gym import ActConfig, NeuronSet, Policy, Steering, check_policy, make_policy
from steer_gym.edit import Edit
from steer_gym.errors import ConventionError, SteeringError
from steer_gym.observation import batch_observations
from steer_gym.policies.openvla.policy import OpenVlaPolicy

from .conftest import GOLDEN, Cases


def test_keeps_the_contract(policy: OpenVlaPolicy) -> None:
    check_policy(policy)


def test_the_size_of_a_steering_is_what_the_stream_differs_by(
    policy: OpenVlaPolicy, changed_stream: Any
) -> None:
    texts = ["pick up the bowl", "put both the soup and the sauce in the basket on the left", "go"]
    batch = batch_observations(
        [
            {**policy.spec.example_observation(seed), "instruction": text}
            for seed, text in enumerate(texts)
        ]
    )
    some = NeuronSet.from_pairs([(1, 3), (1, 5)])
    steerings = [
        Steering(some, 4.0, positions=("prefill",)),
        Steering(some, -2.0, operation="scale", positions=("text",)),
        Steering(some, 0.0, operation="add"),
    ]
    configs = [ActConfig(steering=each, measure_steering=True) for each in steerings]
    plans: list[Any] = []
    ratio = changed_stream(
        policy.model.llama.model.layers[1],
        lambda: policy.plan(batch),
        lambda: plans.append(policy.plan(batch, configs)),
    )
    *reports, zero = plans[0].steering
    assert (zero.size.mean, zero.size.greatest) == (0.0, 0.0)
    for row, report in enumerate(reports):
        edited = ratio[row][ratio[row] > 0]
        assert len(edited) == report.positions
        assert report.size.mean == pytest.approx(edited.mean(), rel=1e-4)
        assert report.size.greatest == pytest.approx(edited.max(), rel=1e-4)


def test_act_looks_at_what_tensorflows_pipeline_makes_of_the_picture(
    policy: OpenVlaPolicy,
) -> None:
    pictures = np.load(GOLDEN / "images.npz")
    observation = policy.spec.example_observation()
    observation["image.base"] = pictures["raw"][0][::-1].copy()  # robosuite draws upside down
    pixels = policy.pixels.normalised(pictures["cropped"][:1])
    plan = policy.predict(pixels, policy.prompts([observation["instruction"]]), [ActConfig()])
    action = policy.act(observation)
    assert action.dtype == np.float32
    # A picture may differ in ten values by 1, which moves no token here.
    assert np.array_equal(action, plan.actions[0, 0])


def test_rows_with_other_instructions_are_single_calls(policy: OpenVlaPolicy) -> None:
    texts = ["pick up the bowl", "put both the soup and the sauce in the basket on the left", "go"]
    observations = [
        {**policy.spec.example_observation(seed), "instruction": text}
        for seed, text in enumerate(texts)
    ]
    together = policy.plan(batch_observations(observations))
    for row, observation in enumerate(observations):
        alone = policy.plan(observation)
        assert together.tokens is not None
        assert alone.tokens is not None
        assert np.array_equal(together.tokens[row], alone.tokens[0])
        assert np.array_equal(together.actions[row], alone.actions[0])


@pytest.fixture(scope="module")
def wordy(write_random: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """Return a policy with random weights, which says words nearly always."""
    return make_policy(
        "openvla", checkpoint=write_random(tmp_path_factory.mktemp("r"), wordy=True), device="cpu"
    )


@pytest.mark.parametrize("size", [3, 9])
def test_an_action_has_as_many_numbers_as_its_statistics(
    write_random: Callable[..., Path], tmp_path: Path, size: int
) -> None:
    folder = write_random(tmp_path / "r")
    scaling = {"q01": [-2.0] * size, "q99": [4.0] * size, "mask": [True] * size}
    (folder / "dataset_statistics.json").write_text(json.dumps({"mine": {"action": scaling}}))
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert policy.spec.action.size == policy.spec.tokens == size
    check_policy(policy)
    with pytest.raises(ConventionError, match=rf"{size} numbers, but .* 7: .*convention='plain'"):
        make_policy("openvla", checkpoint=folder, device="cpu", convention="libero")


def test_words_are_full_speed_and_counted_as_invalid(wordy: OpenVlaPolicy) -> None:
    plan = wordy.plan(wordy.spec.example_observation())
    assert plan.tokens is not None
    assert plan.valid is not None
    words = plan.tokens[0] < 31744
    assert words.any()
    assert not plan.valid[0][words].any()
    low, high = wordy._scaling.low[:6], wordy._scaling.high[:6]
    full_speed = low + (high - low) * (1 + 254 / 255) / 2  # the centre +0.996
    moving = words[:6]
    np.testing.assert_allclose(plan.actions[0, 0, :6][moving], full_speed[moving], atol=1e-6)


def test_only_actions_compete_in_masked_rows(wordy: OpenVlaPolicy) -> None:
    observation = wordy.spec.example_observation()
    configs = [ActConfig(), ActConfig(invalid_tokens="mask")]
    plan = wordy.plan(batch_observations([observation] * 2), configs)
    assert plan.tokens is not None
    assert plan.valid is not None
    assert not plan.valid[0].all()
    assert plan.valid[1].all()
    for row, config in enumerate(configs):
        alone = wordy.plan(observation, config)
        assert alone.tokens is not None
        assert np.array_equal(plan.tokens[row], alone.tokens[0])


def test_masking_changes_nothing_where_tokens_are_actions(
    policy: OpenVlaPolicy, cases: Cases
) -> None:
    pixels, prompts, _ = cases.inputs(policy.model.patches, 0)
    masked = policy.predict(pixels, prompts, [ActConfig(invalid_tokens="mask")])
    assert masked.tokens is not None
    assert np.array_equal(masked.tokens[0], cases.tokens[0])


def test_gripper_is_liberos_sign(policy: OpenVlaPolicy, cases: Cases) -> None:
    for k in range(12):
        plan = policy.predict(*cases.inputs(policy.model.patches, k))
        opens = cases.actions[k, 6] > 0.5
        assert plan.actions[0, 0, 6] == (-1.0 if opens else 1.0)


def test_neurons_of_another_checkpoint_are_refused(policy: OpenVlaPolicy) -> None:
    foreign = Steering(NeuronSet.from_flat([3], name="up", fingerprint="0123456789abcdef"), 10.0)
    observation = policy.spec.example_observation()
    with pytest.raises(SteeringError, match="found in model 0123456789abcdef"):
        policy.act(observation, ActConfig(steering=foreign))
    policy.act(observation, ActConfig(steering=Steering(foreign.edits[0].neurons.unbound(), 10.0)))


def test_a_compiled_step_is_compiled_once_for_all_steerings(
    policy: OpenVlaPolicy, cases: Cases, monkeypatch: pytest.MonkeyPatch
) -> None:
    compilations: list[int] = []

    def count(graph: torch.fx.GraphModule, _inputs: list[torch.Tensor]) -> torch.fx.GraphModule:
        compilations.append(1)
        return graph

    torch._dynamo.reset()
    compiled = torch.compile(policy.model.hidden, backend=count)
    monkeypatch.setattr(policy.model, "step", compiled)
    for turn, k in enumerate((1, 2, 3, 5, 0)):
        plan = policy.predict(*cases.inputs(policy.model.patches, k))
        assert plan.tokens is not None
        assert np.array_equal(plan.tokens[0], cases.tokens[k])
        if turn == 0:
            first = len(compilations)
    assert first > 0
    assert len(compilations) == first
    torch._dynamo.reset()


def test_alpha_may_count_in_a_measured_spread(folder: Path) -> None:
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    neurons = NeuronSet.from_pairs([(0, 3), (1, 5)])
    observation = policy.spec.example_observation()
    in_spreads = ActConfig(steering=Steering([Edit(neurons=neurons, alpha=2.0, unit="spread")]))
    with pytest.raises(SteeringError, match="natural spread"):
        policy.act(observation, in_spreads)
    spread = policy.measure_spread([observation, policy.spec.example_observation(seed=1)])
    alphas = tuple(float(2.0 * spread[layer, neuron]) for layer, neuron in neurons.pairs)
    raw = ActConfig(steering=Steering([Edit(neurons=neurons, alpha=alphas)]))
    beliefs = [
        policy.plan(observation, each).extra["expected_actions"] for each in (in_spreads, raw)
    ]
    assert np.array_equal(*beliefs)
    np.save(folder / "spread.npy", spread)
    again = make_policy("openvla", checkpoint=folder, device="cpu")
    assert np.array_equal(again.spread(), spread)
    np.save(folder / "spread.npy", spread[:, :-1])
    with pytest.raises(SteeringError, match=r"spread\.npy has shape"):
        make_policy("openvla", checkpoint=folder, device="cpu")
