"""The sizes of a model, read from its parameters, and the parameters that such a model has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

from numpy.typing import NDArray

from steer_gym.errors import SteerGymError

LLM, IMG = "PaliGemma/llm", "PaliGemma/img"
LAYERS, BLOCK = f"{LLM}/layers", f"{IMG}/Transformer/encoderblock"
ATTENTION = f"{BLOCK}/MultiHeadDotProductAttention_0"
EMBEDDING, FINAL_NORM = f"{LLM}/embedder/input_embedding", f"{LLM}/final_norm/scale"

Parameters = dict[str, NDArray[Any]]
"""openpi's parameters, names joined by ``/``, the language model's stacked over its layers."""


class CheckpointError(SteerGymError, ValueError):
    """A checkpoint cannot be read, or is not the model that it is said to be."""


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """Sizes of SigLIP and Gemma."""

    vocabulary: int
    width: int
    """Of the residual stream of the language model."""
    depth: int
    """Layers of the language model."""
    neurons: int
    """Feed-forward neurons a layer."""
    heads: int
    kv_heads: int
    head_dim: int
    vision_width: int
    vision_depth: int
    vision_neurons: int
    vision_heads: int
    patch: int
    """Side of a patch in pixels."""
    grid: int
    """Patches a side; an image is ``grid * patch`` pixels wide and high."""

    @property
    def image_size(self) -> int:
        """Return the side of an image in pixels."""
        return self.grid * self.patch

    @property
    def image_tokens(self) -> int:
        """Return the tokens of one image."""
        return self.grid**2

    @classmethod
    def of(cls, parameters: Mapping[str, NDArray[Any]]) -> Sizes:
        """Read the sizes of merged parameters, and require that nothing lacks and nothing is over.

        Raises:
            CheckpointError: Names what is missing, unexpected or of another shape.
        """
        try:
            sizes = cls._read(parameters)
        except KeyError as error:
            raise CheckpointError(
                f"The parameters have no {error.args[0]!r}, so they are not pi0-FAST's. They hold "
                f"{', '.join(sorted(parameters)[:6]) or 'nothing'}, ..."
            ) from error
        except (IndexError, ValueError) as error:
            raise CheckpointError(
                f"The parameters have weights of other dimensions than pi0-FAST's ({error})."
            ) from error
        sizes.require(parameters)
        return sizes

    @classmethod
    def _read(cls, parameters: Mapping[str, NDArray[Any]]) -> Sizes:
        joint = f"{LAYERS}/attn/qkv_einsum/w"
        if joint in parameters:  # as many heads of keys as of queries
            heads, _, head_dim = parameters[joint].shape[2:]
            kv_heads = heads
        else:
            heads, _, head_dim = parameters[f"{LAYERS}/attn/q_einsum/w"].shape[1:]
            kv_heads = parameters[f"{LAYERS}/attn/kv_einsum/w"].shape[2]
        vocabulary, width = parameters[EMBEDDING].shape
        depth, neurons, _ = parameters[f"{LAYERS}/mlp/linear"].shape
        patch, _, _, vision_width = parameters[f"{IMG}/embedding/kernel"].shape
        vision_depth, _, vision_neurons = parameters[f"{BLOCK}/MlpBlock_0/Dense_0/kernel"].shape
        return cls(
            vocabulary=vocabulary,
            width=width,
            depth=depth,
            neurons=neurons,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            vision_width=vision_width,
            vision_depth=vision_depth,
            vision_neurons=vision_neurons,
            vision_heads=parameters[f"{ATTENTION}/query/bias"].shape[1],
            patch=patch,
            grid=isqrt(parameters[f"{IMG}/pos_embedding"].shape[1]),
        )

    def require(self, parameters: Mapping[str, NDArray[Any]]) -> None:
        """Raise unless ``parameters`` are exactly those of a model of these sizes.

        Raises:
            CheckpointError: Names what is missing, unexpected or of another shape.
        """
        expected = self.shapes()
        missing = sorted(expected.keys() - parameters.keys())
        unexpected = sorted(parameters.keys() - expected.keys())
        other = [
            f"{name} is {parameters[name].shape}, not {shape}"
            for name, shape in expected.items()
            if name in parameters and parameters[name].shape != shape
        ]
        if missing or unexpected or other:
            raise CheckpointError(
                f"The checkpoint is not a pi0-FAST model: missing {missing or 'nothing'}; "
                f"unexpected {unexpected or 'nothing'}; of another shape {other or 'nothing'}."
            )

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return name and shape of every parameter."""
        return {**self._language_shapes(), **self._vision_shapes()}

    def _language_shapes(self) -> dict[str, tuple[int, ...]]:
        depth, width, head_dim = self.depth, self.width, self.head_dim
        attention = (
            {"qkv_einsum/w": (depth, 3, self.heads, width, head_dim)}
            if self.heads == self.kv_heads
            else {
                "q_einsum/w": (depth, self.heads, width, head_dim),
                "kv_einsum/w": (depth, 2, self.kv_heads, width, head_dim),
            }
        )
        return {
            EMBEDDING: (self.vocabulary, width),
            FINAL_NORM: (width,),
            f"{LAYERS}/pre_attention_norm/scale": (depth, width),
            f"{LAYERS}/pre_ffw_norm/scale": (depth, width),
            f"{LAYERS}/attn/attn_vec_einsum/w": (depth, self.heads, head_dim, width),
            f"{LAYERS}/mlp/gating_einsum": (depth, 2, width, self.neurons),
            f"{LAYERS}/mlp/linear": (depth, self.neurons, width),
            **{f"{LAYERS}/attn/{name}": shape for name, shape in attention.items()},
        }

    def _vision_shapes(self) -> dict[str, tuple[int, ...]]:
        depth, width, heads = self.vision_depth, self.vision_width, self.vision_heads
        head = (heads, width // heads)
        stacked: dict[str, tuple[int, ...]] = {
            "MlpBlock_0/Dense_0/kernel": (width, self.vision_neurons),
            "MlpBlock_0/Dense_0/bias": (self.vision_neurons,),
            "MlpBlock_0/Dense_1/kernel": (self.vision_neurons, width),
            "MlpBlock_0/Dense_1/bias": (width,),
            "MultiHeadDotProductAttention_0/out/kernel": (*head, width),
            "MultiHeadDotProductAttention_0/out/bias": (width,),
        }
        for name in ("query", "key", "value"):
            stacked[f"MultiHeadDotProductAttention_0/{name}/kernel"] = (width, *head)
            stacked[f"MultiHeadDotProductAttention_0/{name}/bias"] = head
        for name in ("LayerNorm_0", "LayerNorm_1"):
            stacked |= {f"{name}/scale": (width,), f"{name}/bias": (width,)}
        return {
            f"{IMG}/embedding/kernel": (self.patch, self.patch, 3, width),
            f"{IMG}/embedding/bias": (width,),
            f"{IMG}/pos_embedding": (1, self.grid**2, width),
            f"{IMG}/Transformer/encoder_norm/scale": (width,),
            f"{IMG}/Transformer/encoder_norm/bias": (width,),
            f"{IMG}/head/kernel": (width, self.width),
            f"{IMG}/head/bias": (self.width,),
            **{f"{BLOCK}/{name}": (depth, *shape) for name, shape in stacked.items()},
        }
