"""Where a transformer keeps its neurons: its down projections, their number, their fingerprint."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Any

from torch import Tensor, nn

from steer_gym.errors import SteeringError
from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.fingerprint import tensors_fingerprint

_WITHIN_LAYER = ("mlp.down_proj", "mlp.c_proj")
"""Names of a down projection in its layer: Llama, Gemma, Mistral and Qwen; GPT-2."""
_NORMS = ("post_attention_layernorm", "ln_2")
"""Names of the norm in front of the feed-forward block, in the same families."""
_NORM_BEHIND = "post_feedforward_layernorm"
"""Of layers that norm the block's output too, so that the stream gets something else (Gemma 2)."""


def down_projections(model: nn.Module) -> tuple[nn.Module, ...]:
    """Return the down projection of every layer of a decoder, first layer first.

    Raises:
        SteeringError: The model holds no such layers, or several decoders.
    """
    return tuple(down for _, down in _steerable(model))


def feed_forward_norms(model: nn.Module) -> tuple[nn.Module, ...]:
    """Return the norm in front of every feed-forward block, which reads the residual stream.

    Raises:
        SteeringError: As ``down_projections``; or its layers are built otherwise.
    """
    norms = [
        next((getattr(layer, name) for name in _NORMS if hasattr(layer, name)), None)
        for layer, _ in _steerable(model)
        if not hasattr(layer, _NORM_BEHIND)
    ]
    found = tuple(norm for norm in norms if norm is not None)
    if len(found) != len(_steerable(model)):
        raise SteeringError(
            f"The layers of {type(model).__name__} have no {' or '.join(_NORMS)}, or have "
            f"{_NORM_BEHIND}; what steering adds to their residual stream cannot be measured."
        )
    return found


def _steerable(model: nn.Module) -> list[tuple[nn.Module, nn.Module]]:
    """Return every layer of the decoder with its down projection."""
    found = {
        name: [(layer, getter(layer)) for layer in layers]
        for name, layers in _layer_lists(model)
        for getter in map(attrgetter, _WITHIN_LAYER)
        if all(_has(layer, getter) for layer in layers)
    }
    if len(found) != 1:
        lists = ", ".join(name for name, _ in _layer_lists(model)) or "none"
        raise SteeringError(
            f"{type(model).__name__} has {len(found)} lists of layers with "
            f"{' or '.join(_WITHIN_LAYER)} ({', '.join(found) or 'none'}); one is needed. "
            f"Its lists of modules: {lists}. Give the language model alone, or hand the modules "
            "to TorchEngine yourself."
        )
    return next(iter(found.values()))


def neuron_space(model: nn.Module) -> NeuronSpace:
    """Return the neurons of a transformers decoder, with the fingerprint of its weights."""
    modules = down_projections(model)
    unembedding = getattr(model, "get_output_embeddings", lambda: None)()
    named = (*modules, *([unembedding] if unembedding is not None else []))
    return NeuronSpace(
        layers=len(modules), width=_width(modules[0]), fingerprint=weights_fingerprint(named)
    )


def weights_fingerprint(modules: Iterable[nn.Module]) -> str:
    """Return 16 hexadecimal digits that name the weights of ``modules``, in their order.

    See ``tensors_fingerprint``. Quantised weights, and adapters that are not merged, have
    fingerprints of their own.
    """
    return tensors_fingerprint(
        (name, tensor)
        for module in modules
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor)
    )


def _layer_lists(model: nn.Module) -> Iterator[tuple[str, nn.ModuleList]]:
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module):
            yield name, module


def _has(layer: nn.Module, getter: attrgetter[nn.Module]) -> bool:
    try:
        getter(layer)
    except AttributeError:
        return False
    return True


def _width(module: Any) -> int:
    """Return the number of activations that a down projection takes."""
    inputs = getattr(module, "in_features", None)
    return int(module.nx if inputs is None else inputs)  # nx: GPT-2's Conv1D
