"""LoRA adapters in peft's folder format, merged into the tensors while those are read.

Merged by their published names, before anything is renamed or split: what the network computes,
what neuron extraction reads, and what ``merge_and_unload`` of peft would give are the same.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from steer_gym.neurons.safetensors_folder import SafetensorsFolder

from .tensors import CheckpointError, read_json

CONFIG, TENSORS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."
_REFUSED = ("use_dora", "fan_in_fan_out", "lora_bias")


@dataclass(frozen=True, kw_only=True, eq=False)
class Adapter:
    """Low-rank changes of some tensors, ``W + scale * B A``, and whole replacements of others."""

    folder: Path
    low_rank: Mapping[str, tuple[Tensor, Tensor, float]]
    """Published name of a weight -> A (rank, inputs), B (outputs, rank), scale. Of patch
    embeddings, which "all-linear" adapters hold too, A and B are convolutions."""
    replaced: Mapping[str, Tensor]
    """Published name -> the tensor instead: peft's ``modules_to_save``, and the output head, which
    peft saves whole beside its low-rank change where "all-linear" layers were trained."""

    def merged(self, name: str, tensor: Tensor) -> Tensor:
        """Return ``tensor`` with the adapter's change, summed in float32.

        Raises:
            CheckpointError: The shapes do not fit.
        """
        if name in self.replaced:
            tensor = self._checked(name, self.replaced[name], tensor)
        if name not in self.low_rank:
            return tensor
        a, b, scale = self.low_rank[name]
        # A convolution's halves are (rank, channels, height, width) and (outputs, rank, 1, 1).
        change = scale * (b.float().flatten(1) @ a.float().flatten(1))
        change = self._checked(name, change.reshape(len(b), *a.shape[1:]), tensor)
        return (tensor.float() + change).to(tensor.dtype)

    def check_used(self, names: Any) -> None:
        """Raise unless every tensor of the adapter belongs to one of ``names``."""
        strays = sorted({*self.low_rank, *self.replaced} - set(names))
        if strays:
            raise CheckpointError(
                f"The adapter {self.folder} changes {strays[0]} ({len(strays)} such tensors), "
                "which the checkpoint has not. Give the checkpoint that the adapter was trained on."
            )

    def _checked(self, name: str, new: Tensor, old: Tensor) -> Tensor:
        if new.shape != old.shape:
            raise CheckpointError(
                f"The adapter {self.folder} makes {name} {tuple(new.shape)}, but the checkpoint's "
                f"is {tuple(old.shape)}. Give the checkpoint that the adapter was trained on."
            )
        return new


def load_adapter(folder: str | Path) -> Adapter:
    """Read a folder that peft's ``save_pretrained`` wrote.

    Raises:
        CheckpointError: A file is missing or broken, or the adapter is of another kind.
    """
    folder = Path(folder)
    config = read_json(folder / CONFIG, "what a peft adapter is made of")
    asked = [name for name in _REFUSED if config.get(name)]
    if config.get("peft_type") != "LORA" or asked:
        raise CheckpointError(
            f"{folder / CONFIG} describes {config.get('peft_type')} {asked}; steer_gym merges "
            "plain LoRA. Merge it with peft (merge_and_unload) and load the result."
        )
    if not (folder / TENSORS).is_file():
        raise CheckpointError(f"{folder / TENSORS} is missing; the adapter is incomplete.")
    files = _AdapterFile(folder, TENSORS)
    return _sorted(folder, config, {name: files[name] for name in files.names})


class _AdapterFile(SafetensorsFolder):
    error = CheckpointError


def _sorted(folder: Path, config: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Adapter:
    halves: dict[str, dict[str, Tensor]] = defaultdict(dict)
    replaced: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        plain = name.removeprefix(_PREFIX)
        if match := re.fullmatch(r"(.+)\.lora_([AB])\.weight", plain):
            halves[match[1]][match[2]] = tensor
        elif re.search(r"\.lora_|lora_embedding", plain):
            raise CheckpointError(
                f"{folder / TENSORS} holds {name}, which is no LoRA of a linear layer or "
                "convolution. Merge it with peft (merge_and_unload) and load the result."
            )
        else:
            replaced[plain.replace(".base_layer.", ".")] = tensor
    whole = {module: pair for module, pair in halves.items() if len(pair) == 2}
    if len(whole) < len(halves):
        module = next(iter(halves.keys() - whole.keys()))
        raise CheckpointError(f"{folder / TENSORS} holds only half of the LoRA of {module}.")
    low_rank = {
        f"{module}.weight": (pair["A"], pair["B"], _scale(config, module, len(pair["A"])))
        for module, pair in whole.items()
    }
    return Adapter(folder=folder, low_rank=low_rank, replaced=replaced)


def _scale(config: Mapping[str, Any], module: str, rank: int) -> float:
    alphas: Mapping[str, float] = config.get("alpha_pattern") or {}
    named = (a for key, a in alphas.items() if re.fullmatch(rf"(.*\.)?({key})", module))
    alpha = float(next(named, config["lora_alpha"]))
    return alpha / (math.sqrt(rank) if config.get("use_rslora") else rank)
