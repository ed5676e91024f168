"""Sizes of a checkpoint's network, read from its tensors; the config fills in what they hide."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from typing import Any

from transformers import Dinov2WithRegistersConfig, LlamaConfig, SiglipVisionConfig

from .tensors import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]
TOWERS = ("vision_backbone.featurizer.", "vision_backbone.fused_featurizer.")
"""Prefixes of the vision towers' tensors; the second one is there in fused backbones only."""
HEAD_WIDTH = {"dinov2": 64, "siglip": 72}
"""Channels an attention head: DINOv2-L has 1024 / 16, SigLIP-So400m 1152 / 16. No tensor tells."""
ACTIVATIONS = {
    None: "gelu",  # exact, as in timm; transformers' SigLIP has the tanh one
    "gelu": "gelu",
    "gelu_tanh": "gelu_pytorch_tanh",
    "quick_gelu": "quick_gelu",
}
"""What ``timm_override_act_layers`` may say, and transformers' name for it."""


@dataclass(frozen=True, kw_only=True)
class TowerSizes:
    """Sizes of a vision tower."""

    kind: str
    """``dinov2`` (with class and register tokens, layer scale) or ``siglip``."""
    channels: int
    blocks: int
    """All of them, the unused last one included."""
    width: int
    """Of the feed-forward layers."""
    patch: int
    """Pixels of a patch's side."""
    positions: int
    """Patches of an image."""
    registers: int
    image_size: int
    """Pixels of an image's side; the last ones fill no patch where it is no multiple of one."""
    activation: str = "gelu"
    """Transformers' name."""

    def config(self) -> Dinov2WithRegistersConfig | SiglipVisionConfig:
        """Return the config of all blocks but the last, whose output nobody reads."""
        shared: dict[str, Any] = {
            "hidden_size": self.channels,
            "num_hidden_layers": self.blocks - 1,
            "num_attention_heads": self.channels // HEAD_WIDTH[self.kind],
            "image_size": self.image_size,
            "patch_size": self.patch,
            "layer_norm_eps": 1e-6,
            "hidden_act": self.activation,
        }
        if self.kind == "siglip":
            return SiglipVisionConfig(**shared, intermediate_size=self.width, vision_use_head=False)
        ratio = self.width // self.channels
        return Dinov2WithRegistersConfig(
            **shared, mlp_ratio=ratio, num_register_tokens=self.registers
        )


def tower_sizes(shapes: Shapes, config: Mapping[str, Any]) -> tuple[TowerSizes, ...]:
    """Return the sizes of one or two vision towers.

    Args:
        shapes: Of the checkpoint's tensors.
        config: The content of ``config.json``, which tells images' sizes and activations.

    Raises:
        CheckpointError: The tensors are not those of such towers.
    """
    towers = tuple(
        _tower(shapes, prefix, _listed(config, "image_sizes", n), _activation(config, n))
        for n, prefix in enumerate(TOWERS)
        if f"{prefix}pos_embed" in shapes
    )
    if not towers or len({(tower.positions, tower.image_size) for tower in towers}) > 1:
        raise CheckpointError(
            f"The checkpoint's vision towers are {towers}; one is needed, or two for images of "
            "one size. This is no OpenVLA checkpoint that steer_gym knows."
        )
    return towers


def _listed(config: Mapping[str, Any], key: str, number: int) -> Any:
    """Return what a list of the config says of a tower, else ``None``."""
    told = config.get(key) or ()
    return told[number] if number < len(told) else None


def _activation(config: Mapping[str, Any], number: int) -> str:
    key = "timm_override_act_layers"
    told = _listed(config, key, number)
    if told not in ACTIVATIONS:
        known = ", ".join(str(name) for name in ACTIVATIONS)
        raise CheckpointError(
            f"config.json has {told!r} in {key}; steer_gym knows {known}. No published OpenVLA "
            "checkpoint has another."
        )
    return ACTIVATIONS[told]


def _tower(shapes: Shapes, prefix: str, image_size: int | None, activation: str) -> TowerSizes:
    def shape(name: str) -> tuple[int, ...]:
        return shape_of(shapes, prefix + name)

    registers = shapes.get(f"{prefix}reg_token", (1, 0, 0))[1]
    kind = "dinov2" if f"{prefix}cls_token" in shapes else "siglip"
    _, positions, channels = shape("pos_embed")
    width = shape("blocks.0.mlp.fc1.weight")[0]
    patch = shape("patch_embed.proj.weight")[-1]
    sizes = TowerSizes(
        kind=kind,
        channels=channels,
        blocks=count(shapes, rf"{re.escape(prefix)}blocks\.(\d+)\."),
        width=width,
        patch=patch,
        positions=positions,
        registers=registers,
        image_size=image_size or isqrt(positions) * patch,
        activation=activation,
    )
    whole_heads = channels % HEAD_WIDTH[kind] == 0
    if (
        not whole_heads
        or (kind == "dinov2" and width % channels)
        or isqrt(positions) ** 2 != positions
    ):
        raise CheckpointError(
            f"The tower {prefix}* has {channels} channels, feed-forward width {width} and "
            f"{positions} positions; {kind} needs heads of {HEAD_WIDTH[kind]} channels"
            + (", a width that is a multiple of the channels" if kind == "dinov2" else "")
            + " and a square grid of patches."
        )
    if (sizes.image_size // patch) ** 2 != positions:
        raise CheckpointError(
            f"config.json says that images have {sizes.image_size} pixels a side, but the tower "
            f"{prefix}* has {positions} positions for patches of {patch} pixels; config.json and "
            "the tensors belong to different models."
        )
    return sizes


def llama_config(shapes: Shapes, text_config: Mapping[str, Any]) -> LlamaConfig:
    """Return the language model's config: sizes from the tensors, the rest from ``config.json``.

    What neither tells is transformers' default, as it is for the released code (the published
    files leave out even the number of heads: 32).
    """
    if text_config.get("model_type", "llama") != "llama":
        raise CheckpointError(
            f"The language model is a {text_config['model_type']}; steer_gym knows llama."
        )
    for key in ("rope_scaling", "rope_parameters"):  # the latter since transformers 5
        scaling = text_config.get(key) or {}
        if scaling.get("rope_type", scaling.get("type", "default")) not in ("default", "linear"):
            raise CheckpointError(
                f"The language model's {key} is {scaling}; steer_gym knows 'linear', or none. "
                "Others are computed differently by the released code's version of transformers."
            )
    layer = "language_model.model.layers.0."
    vocabulary, hidden = shape_of(shapes, "language_model.model.embed_tokens.weight")
    queries = shape_of(shapes, f"{layer}self_attn.q_proj.weight")[0]
    heads = int(text_config.get("num_attention_heads", LlamaConfig().num_attention_heads))
    head = queries // heads
    keys = shape_of(shapes, f"{layer}self_attn.k_proj.weight")[0]
    if queries % heads or keys % head:
        raise CheckpointError(
            f"{queries} query and {keys} key channels do not divide into {heads} heads; "
            "config.json and the tensors belong to different models."
        )
    measured = {
        "vocab_size": vocabulary,
        "hidden_size": hidden,
        "head_dim": head,
        "num_key_value_heads": keys // head,
        "intermediate_size": shape_of(shapes, f"{layer}mlp.down_proj.weight")[1],
        "num_hidden_layers": count(shapes, r"language_model\.model\.layers\.(\d+)\."),
    }
    told = {"vocab_size": vocabulary_size(text_config)}
    told |= {name: text_config[name] for name in measured if text_config.get(name) is not None}
    differing = {n: (value, measured[n]) for n, value in told.items() if value != measured[n]}
    if differing:
        raise CheckpointError(
            f"config.json and the tensors differ in {differing} (config, tensors); the checkpoint "
            "is incomplete, or mixed from two."
        )
    kept = {k: v for k, v in text_config.items() if k not in ("model_type", "torch_dtype", "dtype")}
    fields: dict[str, Any] = {**kept, **measured, "attn_implementation": "sdpa"}
    return LlamaConfig(**fields)


def vocabulary_size(text_config: Mapping[str, Any]) -> int:
    """Return the rows of embeddings, padding included, which the config leaves out if Llama's."""
    return int(text_config.get("vocab_size") or LlamaConfig().vocab_size)


def count(shapes: Shapes, pattern: str) -> int:
    """Return how many numbers the group of ``pattern`` takes in the tensors' names."""
    found = (re.match(pattern, name) for name in shapes)
    return len({match[1] for match in found if match})


def shape_of(shapes: Shapes, name: str) -> tuple[int, ...]:
    """Return a tensor's shape.

    Raises:
        CheckpointError: There is no such tensor.
    """
    if name not in shapes:
        raise CheckpointError(
            f"The checkpoint has no tensor {name}; it is incomplete, or no OpenVLA checkpoint."
        )
    return shapes[name]
