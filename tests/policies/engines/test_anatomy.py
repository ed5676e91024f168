"""Finding the neurons of real transformers classes, and naming their weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from steer_gym.errors import SteeringError
from steer_gym.policies.engines.anatomy import down_projections, neuron_space, weights_fingerprint

transformers = pytest.importorskip("transformers")

SIZES = {
    "hidden_size": 16,
    "intermediate_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "vocab_size": 32,
}


def tiny(family: str, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    if family == "GPT2":
        config = transformers.GPT2Config(n_embd=16, n_inner=24, n_layer=3, n_head=2, vocab_size=32)
        return transformers.GPT2LMHeadModel(config)
    config = getattr(transformers, f"{family}Config")(**SIZES)
    return getattr(transformers, f"{family}ForCausalLM")(config)


@pytest.mark.parametrize("family", ["Llama", "Gemma", "Mistral", "GPT2"])
def test_finds_the_down_projections_in_order(family: str) -> None:
    model = tiny(family)
    modules = down_projections(model)
    names = {id(module): name for name, module in model.named_modules()}
    inside = "transformer.h.{}.mlp.c_proj" if family == "GPT2" else "model.layers.{}.mlp.down_proj"
    assert [names[id(module)] for module in modules] == [inside.format(i) for i in range(3)]
    space = neuron_space(model)
    assert (space.layers, space.width) == (3, 24)


def test_finds_them_in_a_wrapper() -> None:
    model = tiny("Llama")
    assert down_projections(nn.ModuleDict({"language_model": model})) == down_projections(model)


def test_says_what_was_looked_for() -> None:
    with pytest.raises(SteeringError) as error:
        down_projections(nn.ModuleDict({"blocks": nn.ModuleList([nn.Linear(2, 2)])}))
    assert str(error.value) == (
        "ModuleDict has 0 lists of layers with mlp.down_proj or mlp.c_proj (none); one is needed. "
        "Its lists of modules: blocks. Give the language model alone, or hand the modules to "
        "TorchEngine yourself."
    )


def test_refuses_to_guess_between_two_decoders() -> None:
    pair = nn.ModuleDict({"language": tiny("Llama"), "expert": tiny("Gemma")})
    with pytest.raises(SteeringError, match=r"has 2 lists of layers .*language.*, expert"):
        down_projections(pair)


def test_the_fingerprint_names_the_weights() -> None:
    model = tiny("Llama")
    fingerprint = neuron_space(model).fingerprint
    assert len(fingerprint) == 16
    assert int(fingerprint, 16)
    assert neuron_space(tiny("Llama")).fingerprint == fingerprint
    assert neuron_space(tiny("Llama", seed=1)).fingerprint != fingerprint
    assert neuron_space(model.to(torch.bfloat16)).fingerprint == fingerprint
    with torch.no_grad():
        model.lm_head.weight.mul_(1.1)
    assert neuron_space(model).fingerprint != fingerprint


def test_the_fingerprint_heeds_the_order_of_layers() -> None:
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    assert weights_fingerprint([one, other]) != weights_fingerprint([other, one])


def test_the_fingerprint_of_large_weights_comes_from_samples() -> None:
    large = nn.Linear(1000, 1000, bias=False)
    before = weights_fingerprint([large])
    with torch.no_grad():
        large.weight += 0.01
    assert weights_fingerprint([large]) != before
    int8 = nn.Module()
    int8.register_buffer("weight", torch.arange(-100, 100, dtype=torch.int8))
    assert weights_fingerprint([int8]) != before
