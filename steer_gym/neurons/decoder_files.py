"""The neurons of a decoder in transformers' format, from its files alone.

Llama, Gemma, Mistral and Qwen name their tensors alike, whatever stands around the language model.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from steer_gym.extras import load
from steer_gym.neuron_set import NeuronSpace

from .fingerprint import tensors_fingerprint
from .safetensors_folder import SafetensorsFolder, read_object
from .source import NeuronSource, SourceError
from .tokens import Vocabulary
from .vocabularies import folder_vocabulary

if TYPE_CHECKING:
    from torch import Tensor

_DOWN = re.compile(r"(.*layers\.)(\d+)\.mlp\.down_proj\.weight")


class Adapter(Protocol):
    """Changes tensors by their published names."""

    def merged(self, name: str, tensor: Tensor) -> Tensor:
        """Return the tensor as the adapter has it."""
        ...


def decoder_source(
    folder: str | Path,
    *,
    adapter: Adapter | None = None,
    vocabulary: Callable[[int], Vocabulary] | None = None,
    name: str | None = None,
) -> NeuronSource:
    """Return the source of a checkpoint folder.

    Args:
        folder: Holds ``config.json``, safetensors and, unless ``vocabulary`` is given,
            ``tokenizer.json``.
        adapter: LoRA weights to merge.
        vocabulary: From the number of rows to the vocabulary; by default that of the tokenizer.
        name: Of the model; by default the folder's.

    Raises:
        SourceError: A file is missing or broken, or its tensors are named otherwise.
    """
    files = DecoderFiles(Path(folder), adapter)
    size = files.shape(files.head)[0]
    tell = vocabulary or (lambda rows: folder_vocabulary(Path(folder), rows))
    return NeuronSource(
        name=name or Path(folder).resolve().name,
        space=files.space,
        layer=lambda layer: files.down(layer).T,
        unembedding=lambda: files[files.head],
        gain=files.gain,
        vocabulary=lambda: tell(size),
    )


class DecoderFiles:
    """Down projections, unembedding and final norm of one folder."""

    def __init__(self, folder: Path, adapter: Adapter | None) -> None:
        """Find the tensors by their names."""
        self._files, self._adapter = SafetensorsFolder(folder), adapter
        self._prefix, layers = _layers(self._files)
        outer = self._prefix.removesuffix("layers.")
        heads = [name for name in self._files.names if name.endswith("lm_head.weight")]
        self.head = heads[0] if heads else f"{outer}embed_tokens.weight"
        self._norm, self._gemma = f"{outer}norm.weight", _is_gemma(folder)
        width = self.shape(self._down_name(0))[1]
        named = (("weight", tensor) for tensor in self._fingerprinted(layers))
        self.space = NeuronSpace(layers=layers, width=width, fingerprint=tensors_fingerprint(named))

    def __getitem__(self, name: str) -> Tensor:
        """Return one tensor, the adapter's change included."""
        tensor = self._files[name]
        return self._adapter.merged(name, tensor) if self._adapter else tensor

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of one tensor."""
        return self._files.shape(name)

    def down(self, layer: int) -> Tensor:
        """Return the down projection of one layer, (d, width)."""
        return self[self._down_name(layer)]

    def gain(self) -> Tensor:
        """Return the gain of the final norm; Gemma's stores it less one."""
        weight = self[self._norm].float()
        return weight + 1 if self._gemma else weight

    def _down_name(self, layer: int) -> str:
        return f"{self._prefix}{layer}.mlp.down_proj.weight"

    def _fingerprinted(self, layers: int) -> Iterator[Tensor]:
        yield from map(self.down, range(layers))
        yield self[self.head]


def _layers(files: SafetensorsFolder) -> tuple[str, int]:
    """Return what the names of layers begin with, and how many there are."""
    found: dict[str, int] = {}
    for match in filter(None, map(_DOWN.fullmatch, files.names)):
        found[match[1]] = max(found.get(match[1], 0), int(match[2]) + 1)
    if len(found) != 1:
        raise SourceError(
            f"{files.folder} has {len(found)} decoders with tensors named "
            f"...layers.N.mlp.down_proj.weight ({', '.join(found) or 'none'}); one is needed. "
            f"Its first tensors: {', '.join(files.names[:3])}."
        )
    return next(iter(found.items()))


def _is_gemma(folder: Path) -> bool:
    path = folder / "config.json"
    config = read_object(path) if path.is_file() else {}
    text = config.get("text_config") or {}
    return "gemma" in f"{config.get('model_type', '')} {text.get('model_type', '')}"


def folder_source(folder: str | Path, adapter: str | Path | None = None) -> NeuronSource:
    """Return the source of a causal language model's folder.

    Args:
        folder: As transformers' ``save_pretrained`` writes it, tokenizer included.
        adapter: A LoRA folder of peft.
    """
    merge = load("steer_gym.policies.openvla.adapters:load_adapter")(adapter) if adapter else None
    return decoder_source(folder, adapter=merge)
