from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from steer_gym import ActConfig, NeuronSet, Steering, make_policy
from steer_gym.errors import SteerGymError
from steer_gym.neurons.source import module_values
from steer_gym.observation import batch_observations
from steer_gym.policies.engines.anatomy import down_projections
from steer_gym.policies.openvla.policy import OpenVlaPolicy
from steer_gym.policies.openvla.quantization import check_quantization, row_by_row

from .conftest import COLUMNS, Cases, needs_bitsandbytes

UNSTEERED, FEW, MANY = 0, 1, 6
MEAN_ERROR = {"int8": 0.15, "nf4": 1.2}
"""Of logits whose deviation is 4.2, from the released code's in float32; seen: 0.09 and 0.89."""


def test_other_devices_are_refused() -> None:
    with pytest.raises(SteerGymError, match="'nf4' runs on cuda or cpu, but the device is mps"):
        check_quantization("nf4", torch.device("mps"))


def test_unknown_ways_are_named(golden_folder: Path) -> None:
    with pytest.raises(SteerGymError, match="one of int8, nf4, or None, but is 'fp4'"):
        make_policy("openvla", checkpoint=golden_folder, device="cpu", quantization="fp4")


@pytest.mark.parametrize("dtype", ["bf16", "int8", torch.int8, "Tensor"])
def test_weights_in_other_types_are_refused_before_they_are_loaded(dtype: Any) -> None:
    with pytest.raises(SteerGymError, match=r"float16, bfloat16, float32, but is .*quantization="):
        make_policy("openvla", checkpoint="/no/such/folder", device="cpu", dtype=dtype)


@pytest.fixture(scope="module", params=["int8", "nf4"])
def quantized(
    golden_folder: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[str, OpenVlaPolicy]]:
    made = make_policy(
        "openvla", checkpoint=golden_folder, device="cpu", quantization=request.param
    )
    assert isinstance(made, OpenVlaPolicy)
    yield request.param, made
    made.close()


@needs_bitsandbytes
def test_only_the_language_models_layers_are_quantized(
    quantized: tuple[str, OpenVlaPolicy],
) -> None:
    model = quantized[1].model
    assert {type(m).__name__ for m in down_projections(model.llama)} <= {
        "Linear8bitLt",
        "Linear4bit",
    }
    others = [model.llama.lm_head, *model.towers.modules(), *model.projector.modules()]
    linear = [module for module in others if isinstance(module, torch.nn.Linear)]
    assert {type(module) for module in linear} == {torch.nn.Linear}


@needs_bitsandbytes
@pytest.mark.parametrize("case", [UNSTEERED, FEW, MANY])
def test_logits_are_near_the_released_ones_steered_and_not(
    quantized: tuple[str, OpenVlaPolicy], cases: Cases, case: int
) -> None:
    kind, policy = quantized
    pixels, prompts, configs = cases.inputs(policy.model.patches, case)
    forced = torch.from_numpy(cases.tokens[case])
    seen: list[torch.Tensor] = []

    def choose(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits[0, COLUMNS])
        return forced[len(seen) - 1 : len(seen)]

    with torch.inference_mode(), policy._engine.steered([configs[0].steering], prompts.kinds):
        policy.model.generate(pixels, prompts, choose, tokens=7, competing=slice(0, None))
    error = np.abs(torch.stack(seen).numpy() - cases.scores[case]).mean()
    assert 0 < error < MEAN_ERROR[kind]


@needs_bitsandbytes
def test_a_quantized_layer_gets_alpha_exactly(
    quantized: tuple[str, OpenVlaPolicy], cases: Cases
) -> None:
    policy = quantized[1]
    pixels, prompts, configs = cases.inputs(policy.model.patches, FEW)
    steering = configs[0].steering
    assert steering is not None
    pairs = steering.edits[0].neurons.pairs
    got: list[torch.Tensor] = []
    handles = [
        down_projections(policy.model.llama)[layer].register_forward_pre_hook(
            lambda _module, args, neuron=neuron: got.append(args[0][..., neuron])
        )
        for layer, neuron in pairs
    ]
    policy.predict(pixels, prompts, configs)
    for handle in handles:
        handle.remove()
    assert len(got) == 7 * len(pairs)
    assert all(bool((values == 10.0).all()) for values in got)


@needs_bitsandbytes
def test_value_vectors_of_quantized_layers_are_nearly_the_weights(
    quantized: tuple[str, OpenVlaPolicy], policy: OpenVlaPolicy
) -> None:
    kind, coarse = quantized
    exact = down_projections(policy.model.llama)[1].weight.T
    read = module_values(down_projections(coarse.model.llama)[1], coarse.neurons.width)
    error = float(torch.linalg.norm(read - exact) / torch.linalg.norm(exact))
    assert 0 < error < {"int8": 0.02, "nf4": 0.12}[kind]


@needs_bitsandbytes
def test_int8_does_not_speak_with_every_product(
    quantized: tuple[str, OpenVlaPolicy], cases: Cases, caplog: pytest.LogCaptureFixture
) -> None:
    policy = quantized[1]
    with caplog.at_level(logging.INFO):
        policy.predict(*cases.inputs(policy.model.patches, UNSTEERED))
    assert not caplog.records


def test_rows_of_a_product_that_looks_at_all_of_them_are_computed_alone() -> None:
    rows = torch.arange(24.0).reshape(3, 2, 4)
    product = row_by_row(lambda states: states / states.abs().max())
    assert torch.equal(product(rows), torch.stack([row / row.max() for row in rows]))
    assert torch.equal(product(rows[1]), rows[1] / rows[1].max())


@needs_bitsandbytes
def test_a_steered_row_leaves_its_unsteered_neighbour_alone(
    quantized: tuple[str, OpenVlaPolicy],
) -> None:
    policy = quantized[1]
    everything = NeuronSet.from_flat(range(policy.neurons.size))
    observations = [policy.spec.example_observation(seed) for seed in (0, 0, 1)]
    configs = [None, ActConfig(steering=Steering(everything, 20.0)), None]
    together = policy.plan(batch_observations(observations), configs).extra["expected_actions"]
    plain = policy.plan(batch_observations(observations)).extra["expected_actions"]
    assert np.array_equal(together[[0, 2]], plain[[0, 2]])
    assert not np.array_equal(together[1], plain[1])
    if quantized[0] == "int8":  # nf4 multiplies single rows by another kernel
        for row, observation in enumerate(observations):
            alone = policy.plan(observation, configs[row]).extra["expected_actions"]
            np.testing.assert_allclose(together[row], alone[0], atol=1e-5)
