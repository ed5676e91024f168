"""Build the network of a checkpoint and fill it, tensor by tensor.

Every tensor goes from its mapped file straight to the device in the wanted type, so the host
never holds more than the finished copy (none of it, on a GPU) and one shard. Seen: 2.04 GB of
bfloat16 in four shards, the largest 0.56 GB, peak at 2.41 GB, and at 4.42 GB when they become
4.08 GB of float32. Quantised on a CPU, 1.02 GB in four shards, the largest 0.33 GB, peaked at
0.82 GB (nf4, of which 0.46 GB stay) and at 0.93 GB (int8, 0.65 GB stay).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .adapters import Adapter
from .model import OpenVlaModel
from .names import Target, targets
from .quantization import check_quantization, quantized_linear, return_freed_memory
from .sizes import Shapes, count, llama_config, shape_of, tower_sizes
from .tensors import CheckpointError, TensorFiles

_QUANTIZED = re.compile(r"llama\.model\.layers\.\d+\.(?:self_attn|mlp)\.\w+_proj\.weight")
"""As upstream's load_in_8bit leaves the output head alone; the small towers are left alone too."""


def load_model(
    folder: Path,
    config: Mapping[str, Any],
    *,
    device: torch.device,
    dtype: torch.dtype,
    quantization: str | None = None,
    adapter: Adapter | None = None,
) -> OpenVlaModel:
    """Return the network of a checkpoint folder, ready to run.

    Args:
        folder: Holds the safetensors files.
        config: The content of ``config.json``.
        device: Where the weights go.
        dtype: Of the weights.
        quantization: ``int8`` or ``nf4`` for the language model's linear layers.
        adapter: Merged into the weights.

    Raises:
        CheckpointError: A file or tensor is missing, broken, foreign, or of the wrong shape.
        SteerGymError: Quantisation is not possible here.
    """
    if quantization is not None:
        check_quantization(quantization, device)
    files = TensorFiles(folder)
    model = _empty(files.shapes, config)
    filler = _Filler(model, device=device, dtype=dtype, quantization=quantization)
    if adapter:
        adapter.check_used(files.shapes)
    for name, tensor in files:
        filler.take(name, adapter.merged(name, tensor) if adapter else tensor)
    filler.finish(folder)
    return model.eval().requires_grad_(False)


def _empty(shapes: Shapes, config: Mapping[str, Any]) -> OpenVlaModel:
    """Return the network on the meta device."""
    towers = tower_sizes(shapes, config)
    layers = count(shapes, r"projector\.fc(\d+)\.")
    projector = [shape_of(shapes, f"projector.fc{n + 1}.weight") for n in range(layers)]
    text = config.get("text_config") or {}
    with torch.device("meta"):
        return OpenVlaModel(
            towers, [(outputs, inputs) for outputs, inputs in projector], llama_config(shapes, text)
        )


class _Filler:
    """Puts published tensors where they belong, and keeps the books."""

    def __init__(
        self,
        model: OpenVlaModel,
        *,
        device: torch.device,
        dtype: torch.dtype,
        quantization: str | None,
    ) -> None:
        self._model, self._device, self._dtype = model, device, dtype
        self._quantization = quantization
        self._open = {
            name: tuple(p.shape) for name, p in model.named_parameters(remove_duplicate=False)
        }
        self._known = frozenset(self._open)

    def take(self, name: str, tensor: Tensor) -> None:
        """Place one published tensor.

        Raises:
            CheckpointError: It has no place, or another shape.
        """
        places = targets(name, self._model.sizes)
        if places is None or any(place.name not in self._known for place in places):
            raise CheckpointError(
                f"The tensor {name} {tuple(tensor.shape)} has no place in OpenVLA's network "
                f"({len(self._model.sizes)} vision towers); the checkpoint is of another kind."
            )
        for place in places:
            self._put(name, place, tensor)

    def finish(self, folder: Path) -> None:
        """Settle what no tensor fills.

        Raises:
            CheckpointError: Tensors are missing.
        """
        unpublished = [
            n for n, shape in self._open.items() if n.endswith("mask_token") or 0 in shape
        ]
        for name in unpublished:  # of training only, or registers of a tower that has none
            self._set(name, torch.zeros(self._open.pop(name)))
        llama = self._model.llama
        if llama.config.tie_word_embeddings:
            self._open.pop("llama.lm_head.weight", None)
            llama.lm_head.weight = llama.model.embed_tokens.weight
        if self._open:
            name = next(iter(self._open))
            raise CheckpointError(
                f"{folder} has no tensor for {name} {self._open[name]} ({len(self._open)} such "
                "places); the checkpoint is incomplete."
            )
        _remake_buffers(self._model, self._device)

    def _put(self, name: str, place: Target, tensor: Tensor) -> None:
        part = tensor.chunk(place.parts)[place.part] if place.parts > 1 else tensor
        if place.leading_zeros:
            part = torch.cat([torch.zeros_like(part[:, : place.leading_zeros]), part], dim=1)
        shape = self._open.pop(place.name, None)
        # Position embeddings are (1, positions, channels) in timm, without the 1 in some modules.
        if shape in ((1, *part.shape), tuple(part.shape[1:])) and part.numel() == _size(shape):
            part = part.reshape(shape)
        if shape != tuple(part.shape):
            raise CheckpointError(
                f"The tensor {name} is {tuple(part.shape)}, but {place.name} "
                + (f"takes {shape}" if shape else "has been filled already")
                + "; config.json and the tensors belong to different models."
            )
        self._set(place.name, part)

    def _set(self, name: str, tensor: Tensor) -> None:
        owner, _, leaf = name.rpartition(".")
        module = self._model.get_submodule(owner)
        if self._quantization and _QUANTIZED.fullmatch(name):
            above, _, own = owner.rpartition(".")
            quantized = quantized_linear(
                tensor, self._quantization, device=self._device, dtype=self._dtype
            )
            setattr(self._model.get_submodule(above), own, quantized)
            return_freed_memory()
            return
        copy = tensor.to(self._device, self._dtype, copy=True).contiguous()
        setattr(module, leaf, nn.Parameter(copy, requires_grad=False))


def _remake_buffers(model: OpenVlaModel, device: torch.device) -> None:
    """Compute what the modules keep beside their parameters, which the meta device left empty."""
    llama = model.llama.model
    llama.rotary_emb = type(llama.rotary_emb)(config=model.llama.config).to(device)
    for tower in model.towers:
        embeddings: Any = tower.embeddings
        if hasattr(embeddings, "position_ids"):
            ids = torch.arange(embeddings.position_ids.shape[-1], device=device)
            embeddings.register_buffer("position_ids", ids[None], persistent=False)
    left = [name for name, buffer in model.named_buffers() if buffer.is_meta]
    if left:
        raise CheckpointError(
            f"transformers keeps {left} in its modules, which steer_gym does not know how to make; "
            "this version is newer than steer_gym."
        )


def _size(shape: tuple[int, ...]) -> int:
    return int(torch.Size(shape).numel())
