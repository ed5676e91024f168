"""A model's neurons, as far as reading them goes, wherever its weights lie.

Nothing is read before it is asked for: a source of 15 GB of files is made in a moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from steer_gym.errors import SteerGymError
from steer_gym.extras import require
from steer_gym.neuron_set import NeuronSpace

from .tokens import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor, nn


class SourceError(SteerGymError, ValueError):
    """A model's value vectors, unembedding or tokens cannot be read."""


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronSource:
    """What a policy or a checkpoint's files give to those who read its neurons."""

    name: str
    """Of the model, for people."""
    space: NeuronSpace
    layer: Callable[[int], Any]
    """From a layer to its value vectors, (width, d), of torch, numpy or JAX."""
    unembedding: Callable[[], Any]
    """The row of every token, (vocabulary, d)."""
    gain: Callable[[], Any]
    """What the final norm multiplies each dimension by, (d,)."""
    vocabulary: Callable[[], Vocabulary]

    def values(self) -> Iterator[Tensor]:
        """Yield the value vectors of each layer, (width, d)."""
        for layer in range(self.space.layers):
            yield as_tensor(self.layer(layer))

    def rows(self, *, through_norm: bool = False) -> Tensor:
        """Return the unembedding, (vocabulary, d), its columns times the gain if so wanted."""
        rows = as_tensor(self.unembedding())
        return rows.float() * as_tensor(self.gain()).to(rows.device) if through_norm else rows


def as_tensor(array: Any) -> Tensor:
    """Return an array of any library as a tensor, without copying where that is possible."""
    torch = require("torch", extra="torch")
    if isinstance(array, torch.Tensor):
        detached: Tensor = array.detach()
        return detached
    plain = np.ascontiguousarray(array)
    if plain.dtype.name == "bfloat16":  # of ml_dtypes, which torch does not know
        return torch.from_numpy(plain.view(np.int16)).view(torch.bfloat16)  # type: ignore[no-any-return]
    writable = plain if plain.flags.writeable else plain.copy()
    return torch.from_numpy(writable)  # type: ignore[no-any-return]


def modules_source(
    name: str,
    space: NeuronSpace,
    modules: Sequence[nn.Module],
    *,
    head: nn.Module,
    norm: nn.Module,
    vocabulary: Callable[[], Vocabulary],
) -> NeuronSource:
    """Return the source of a loaded torch model.

    Args:
        name: Of the model.
        space: Its neurons.
        modules: The down projection of each layer.
        head: The unembedding, a linear layer.
        norm: The final norm; see ``norm_gain``.
        vocabulary: Of the model.
    """
    return NeuronSource(
        name=name,
        space=space,
        layer=lambda layer: module_values(modules[layer], space.width),
        unembedding=lambda: head.weight,
        gain=lambda: norm_gain(norm),
        vocabulary=vocabulary,
    )


def module_values(module: Any, width: int, neurons: Tensor | None = None) -> Tensor:
    """Return what inputs of a linear module add to its output, (neurons, d).

    Of a plain linear layer that is its weight; anything else (quantised, wrapped by an adapter)
    is asked with one input at a time, past its hooks.

    Args:
        module: The module.
        width: Number of its inputs.
        neurons: Which inputs, (n,), on the module's device; ``None``: all.
    """
    torch = require("torch", extra="torch")
    if type(module) is torch.nn.Linear and module.weight.is_floating_point():
        plain: Tensor = module.weight.detach().T
        return plain if neurons is None else plain[neurons]
    tensors = [*module.parameters(), *module.buffers()]
    floating = next((t.dtype for t in tensors if t.is_floating_point()), torch.float32)
    with torch.inference_mode():
        device = tensors[0].device if tensors else None
        wanted = torch.arange(width, device=device) if neurons is None else neurons
        ones = (torch.nn.functional.one_hot(part, width) for part in wanted.split(1024))
        zero = module.forward(torch.zeros((1, width), dtype=floating, device=wanted.device))
        parts = [module.forward(part.to(floating)) - zero for part in ones]
        told: Tensor = torch.cat(parts)
        return told


def norm_gain(norm: Any) -> Tensor:
    """Return what a norm multiplies each dimension by; Gemma's stores it less one."""
    weight: Tensor = norm.weight.detach()
    return weight + 1 if type(norm).__name__.startswith("Gemma") else weight
