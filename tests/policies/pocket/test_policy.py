from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Steering, make_policy
from steer_gym.errors import ObservationError, SteerGymError, UnknownNameError
from steer_gym.observation import GRIPPER, INSTRUCTION, TCP_POSE, batch_observations


def test_beliefs_are_probabilities_and_expectations_of_actions(pocket: Any) -> None:
    plan = pocket.plan(pocket.spec.example_observation())
    mass, expected = plan.extra["action_probability"], plan.extra["expected_actions"]
    assert mass.shape == expected.shape == (1, 7)
    assert (mass >= 0).all()
    assert (mass <= 1 + 1e-6).all()
    assert (np.abs(expected) <= 1).all()


def test_masking_leaves_only_actions_to_choose_from(pocket: Any) -> None:
    observation = pocket.spec.example_observation()
    neurons = NeuronSet.from_pairs([(2, n) for n in range(96)])
    wild = Steering(neurons, 40.0)
    loose = pocket.plan(observation, ActConfig(steering=wild))
    masked = pocket.plan(observation, ActConfig(steering=wild, invalid_tokens="mask"))
    assert not loose.valid.all()
    assert masked.valid.all()


def test_instructions_of_other_lengths_in_a_batch_change_nothing(pocket: Any) -> None:
    texts = ("push", "pick up the ketchup and place it in the basket, slowly and gently")
    observations = [
        {**pocket.spec.example_observation(seed), INSTRUCTION: text}
        for seed, text in enumerate(texts)
    ]
    together = pocket.plan(batch_observations(observations)).extra["expected_actions"]
    for row, observation in zip(together, observations, strict=True):
        alone = pocket.plan(observation).extra["expected_actions"][0]
        assert np.allclose(row, alone, atol=1e-5)


@pytest.mark.parametrize("texts", [("push",), ("push", "lift the milk")])
def test_padding_that_all_rows_share_is_not_computed_and_changes_nothing(
    pocket: Any, texts: tuple[str, ...]
) -> None:
    import torch

    from steer_gym.policies.pocket.transforms import prompt_ids

    example = pocket.spec.example_observation()
    batch = batch_observations([{**example, INSTRUCTION: text} for text in texts])
    with pocket.engine.capture() as captured:
        plan = pocket.plan(batch)
    begin_state_and_act = 3
    longest = max(len(pocket.tokenizer.encode(text)) for text in texts)
    assert captured[0][0].shape[1] == pocket.model.image_tokens + begin_state_and_act + longest

    inputs, logits = pocket.inputs(batch), []
    padded = torch.from_numpy(prompt_ids(texts, pocket.tokenizer, 32))
    with torch.inference_mode():
        seen = pocket.model.embed_observation(inputs.base, inputs.wrist, inputs.state)
        for prompt in (inputs.prompt, padded):
            pocket.model.generate(seen, prompt, lambda out: (logits.append(out), out.argmax(-1))[1])
    trimmed, whole = torch.stack(logits).chunk(2)
    assert torch.equal(whole.argmax(-1).T, torch.from_numpy(plan.tokens))
    assert torch.allclose(trimmed, whole, atol=1e-5)


def test_the_instruction_matters_and_its_case_does_not(pocket: Any) -> None:
    observation = pocket.spec.example_observation()

    def belief(text: str) -> Any:
        return pocket.plan({**observation, INSTRUCTION: text}).extra["expected_actions"]

    assert np.array_equal(belief("push the plate"), belief("Push the PLATE"))
    assert not np.array_equal(belief("push the plate"), belief("lift the milk"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({INSTRUCTION: "very " * 40}, "Pocket reads 32"),
        ({TCP_POSE: np.zeros(5)}, "'tcp_pose' must have shape (rows, 6), but has shape (1, 5)"),
        ({GRIPPER: np.zeros(1)}, "'gripper' must have shape (rows, 2), but has shape (1, 1)"),
    ],
)
def test_an_observation_that_does_not_fit_is_refused(
    pocket: Any, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ObservationError, match=re.escape(message)):
        pocket.act({**pocket.spec.example_observation(), **change})


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(SteerGymError, match="so it is no Pocket checkpoint"):
        make_policy("pocket", checkpoint=tmp_path)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", '{"model_type": "openvla"}', "(KeyError: 'sizes'), but of 'openvla'"),
        ("config.json", '{"sizes": {"channels": [1], "depth": 2}}', "(TypeError: "),
        ("config.json", "{", "config.json is not JSON"),
        ("model.safetensors", "{", "model.safetensors is truncated or no safetensors file"),
    ],
)
def test_a_file_of_another_kind_is_named(
    checkpoint: Path, tmp_path: Path, file: str, content: str, message: str
) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "checkpoint")
    (folder / file).write_text(content)
    with pytest.raises(SteerGymError, match=re.escape(message)):
        make_policy("pocket", checkpoint=folder)


def test_weights_that_do_not_fit_their_config_are_named(checkpoint: Path, tmp_path: Path) -> None:
    for file in checkpoint.iterdir():
        text = file.read_bytes()
        if file.name == "config.json":
            text = text.replace(b'"layers": 3', b'"layers": 4')
        (tmp_path / file.name).write_bytes(text)
    with pytest.raises(SteerGymError, match=re.escape("missing ['llama.model.layers.3.")):
        make_policy("pocket", checkpoint=tmp_path)


def test_the_chosen_steering_is_recommended_and_without_one_the_papers(
    checkpoint: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoint, tmp_path / "checkpoint")
    fast, slow = (NeuronSet.from_pairs([(1, n)], name=str(n)) for n in range(2))
    chosen = Steering(fast, 4.0, positions=("text",))
    concepts = {
        "fast": {"neurons": fast.to_json(), "steering": chosen.to_json()},
        "slow": {"neurons": slow.to_json()},
    }
    (folder / "concepts.json").write_text(json.dumps({"concepts": concepts}))
    policy = make_policy("pocket", checkpoint=folder)
    assert policy.recommended("fast") == chosen
    assert policy.recommended("slow") == Steering(slow, 10.0)
    with pytest.raises(UnknownNameError, match="Unknown concept of pocket 'fats'"):
        policy.recommended("fats")


@pytest.mark.parametrize("shipped", [False, True])
def test_the_size_of_a_steering_is_what_the_stream_differs_by(
    pocket: Any, shipped: bool, changed_stream: Any
) -> None:
    policy = make_policy("pocket") if shipped else pocket
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(4)])
    three, five = NeuronSet.from_pairs([(1, 3), (1, 9)]), NeuronSet.from_pairs([(1, 5)])
    steerings = [
        Steering(three, 3.0, positions=("prefill",)),
        None,
        Steering(five, 9.0, operation="add", positions=("text",)),
        Steering(five, 0.0, operation="add"),
    ]
    configs = [ActConfig(steering=each, measure_steering=True) for each in steerings]
    plans: list[Any] = []
    ratio = changed_stream(
        policy.model.llama.model.layers[1],
        lambda: policy.plan(batch),
        lambda: plans.append(policy.plan(batch, configs)),
    )
    first, none, second, zero = plans[0].steering
    assert none is None
    assert (zero.size.mean, zero.size.greatest, zero.size.layers) == (0.0, 0.0, ())
    assert not ratio[[1, 3]].any()
    for row, report in ((0, first), (2, second)):
        edited = ratio[row][ratio[row] > 0]
        assert len(edited) == report.positions
        assert report.size.mean == pytest.approx(edited.mean(), rel=1e-4)
        assert report.size.greatest == pytest.approx(edited.max(), rel=1e-4)
        assert report.size.layers == ((1, report.size.mean, report.size.greatest),)
