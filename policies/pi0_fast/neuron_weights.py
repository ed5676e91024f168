"""The weights that say what neurons mean: value vectors, embedding, final norm; layer by layer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.safetensors_folder import SafetensorsFolder
from steer_gym.neurons.source import NeuronSource
from steer_gym.neurons.tokens import Vocabulary

from .lora import merge_lora
from .safetensors_file import LANGUAGE, plain_name
from .sizes import EMBEDDING, FINAL_NORM, LAYERS, CheckpointError

LINEAR = f"{LAYERS}/mlp/linear"
_SAMPLES = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class NeuronWeights:
    """Read when asked for, so that files need not be loaded."""

    layers: int
    layer: Callable[[int], Any]
    """From a layer to its value vectors, (neurons, width), low-rank weights merged."""
    embedding: Callable[[], Any]
    """(vocabulary, width); it is the unembedding too."""
    scale: Callable[[], Any]
    """Of the final norm, (width,): its gain less one."""

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, Any]) -> NeuronWeights:
        """Return the weights among openpi's parameters, which may be arrays still to be read.

        Raises:
            CheckpointError: One is missing.
        """
        lacking = sorted({LINEAR, EMBEDDING, FINAL_NORM} - set(arrays))
        if lacking:
            raise CheckpointError(f"The parameters have no {', '.join(lacking)}.")
        parts = [name for name in arrays if name == LINEAR or name.startswith(f"{LINEAR}_lora_")]

        def layer(number: int) -> Any:
            at = {name: arrays[name][number] for name in parts}
            return at[LINEAR] if len(at) == 1 else merge_lora(_read(at))[LINEAR]

        return cls(
            layers=arrays[LINEAR].shape[0],
            layer=layer,
            embedding=lambda: arrays[EMBEDDING],
            scale=lambda: arrays[FINAL_NORM],
        )

    @classmethod
    def of_safetensors(cls, path: Path) -> NeuronWeights:
        """Return the weights of a file in LeRobot's format.

        Raises:
            CheckpointError: One is missing.
        """
        files = SafetensorsFolder(path.parent, single=path.name)
        names = {plain_name(name): name for name in files.names}
        layer = f"{LANGUAGE}.layers.{{}}.mlp.down_proj.weight".format
        heads = [n for n in (f"{LANGUAGE}.embed_tokens.weight", "lm_head.weight") if n in names]
        if not heads or layer(0) not in names:
            raise CheckpointError(f"{path} has no embedding, or no {layer(0)}.")
        return cls(
            layers=sum(layer(number) in names for number in range(len(names))),
            layer=lambda number: files[names[layer(number)]].T,
            embedding=lambda: files[names[heads[0]]],
            scale=lambda: files[names[f"{LANGUAGE}.norm.weight"]],
        )

    def fingerprint(self) -> str:
        """Return 16 hexadecimal digits that name the weights of neurons and vocabulary.

        Of each layer and of the embedding its shape and 4,096 values spread evenly over it, as
        float16, so that every format of the same weights agrees.
        """
        digest = hashlib.sha256()
        for array in (*map(self.layer, range(self.layers)), self.embedding()):
            digest.update(str(tuple(array.shape)).encode())
            digest.update(_sample(array))
        return digest.hexdigest()[:16]

    def space(self) -> NeuronSpace:
        """Return the neurons, with the fingerprint of the weights."""
        width = self.layer(0).shape[0]
        return NeuronSpace(layers=self.layers, width=width, fingerprint=self.fingerprint())

    def source(
        self, name: str, space: NeuronSpace, vocabulary: Callable[[], Vocabulary]
    ) -> NeuronSource:
        """Return what ``steer_gym.neurons`` reads."""
        return NeuronSource(
            name=name,
            space=space,
            layer=self.layer,
            unembedding=self.embedding,
            gain=lambda: 1 + np.asarray(self.scale(), np.float32),
            vocabulary=vocabulary,
        )


def _read(arrays: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    return {name: np.asarray(array) for name, array in arrays.items()}


def _sample(array: Any) -> bytes:
    flat = (array if hasattr(array, "float") else np.asarray(array)).reshape(-1)
    at = np.linspace(0, len(flat) - 1, min(_SAMPLES, len(flat))).astype(np.int64)
    values = flat[at]  # of numpy, or of torch, whose bfloat16 numpy does not know
    plain = np.asarray(values.float() if hasattr(values, "float") else values)
    return plain.astype(np.float16).tobytes()
