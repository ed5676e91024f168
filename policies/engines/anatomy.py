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


def down_projections(model: nn.Module) -> tuple[nn.Module, ...]:
    """Return the down projection of every layer of a decoder, first layer first.

    Raises:
        SteeringError: The model holds no such layers, or several decoders.
    """
    found = {
        name: [getter(layer) for layer in layers]
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
    return tuple(next(iter(found.values())))


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
