"""Steering a real decoder that reads a prompt at once and then writes token by token."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from steer_gym import NeuronSet, Steering
from steer_gym.affine import KIND, PADDING
from steer_gym.policies.engines.anatomy import down_projections, neuron_space
from steer_gym.policies.engines.torch_engine import TorchEngine

transformers = pytest.importorskip("transformers")

PROMPT, STEPS = 6, 4
NEURONS = NeuronSet.from_pairs([(0, 3), (1, 5), (2, 7)])
STEERINGS = [
    Steering(NEURONS, 3.0),
    Steering(NEURONS, 3.0, positions=("prefill",)),
    Steering(NEURONS, 3.0, positions=("decode",)),
    Steering(NEURONS, 3.0, positions=((1, 3),))
    + Steering(NEURONS, 2.0, operation="add", positions=("decode", "text")),
]


@pytest.fixture
def model() -> torch.nn.Module:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=3,
        num_attention_heads=2,
        vocab_size=32,
        max_position_embeddings=32,
    )
    return transformers.LlamaForCausalLM(config).double().eval().requires_grad_(False)


@pytest.mark.parametrize("cache", ["dynamic", "static"])
@pytest.mark.parametrize("steering", STEERINGS)
def test_step_by_step_equals_the_whole_sequence_at_once(
    model: torch.nn.Module, steering: Steering, cache: str
) -> None:
    tokens = torch.randint(0, 32, (1, PROMPT + STEPS), generator=torch.Generator().manual_seed(1))
    kinds = np.array([[KIND["text"]] * PROMPT + [KIND["decode"]] * STEPS])
    engine = TorchEngine(down_projections(model), neuron_space(model))
    plain = model(tokens).logits
    with engine.steered([steering], kinds):
        expected = model(tokens).logits
    past = (
        transformers.StaticCache(config=model.config, max_cache_len=PROMPT + STEPS)
        if cache == "static"
        else transformers.DynamicCache(config=model.config)
    )
    with engine.steered([steering], kinds[:, :PROMPT]):
        parts = [model(tokens[:, :PROMPT], cache=past).logits]
        parts += [
            model(tokens[:, at : at + 1], cache=past).logits for at in range(PROMPT, PROMPT + STEPS)
        ]
    torch.testing.assert_close(torch.cat(parts, dim=1), expected, rtol=1e-10, atol=1e-12)
    assert not torch.allclose(expected, plain)


def test_generate_steers_as_a_loop_does(model: torch.nn.Module) -> None:
    tokens = torch.randint(0, 32, (2, PROMPT), generator=torch.Generator().manual_seed(1))
    mask = torch.ones_like(tokens)
    mask[1, :2] = 0
    kinds = np.where(mask.numpy(), KIND["text"], PADDING)
    engine = TorchEngine(down_projections(model), neuron_space(model))

    def generate(row: slice, steerings: list[Steering | None]) -> torch.Tensor:
        with engine.steered(steerings, kinds[row]):
            return model.generate(
                tokens[row],
                attention_mask=mask[row],
                max_new_tokens=STEPS,
                min_new_tokens=STEPS,
                do_sample=False,
                pad_token_id=0,
            )

    strong = STEERINGS[0].replace(alpha=8.0)
    together = generate(slice(None), [None, strong])
    assert torch.equal(together[0], generate(slice(0, 1), [None])[0])
    assert torch.equal(together[1], generate(slice(1, 2), [strong])[0])
    assert not torch.equal(together[1], generate(slice(1, 2), [None])[0])
