"""From the published names of tensors to those of transformers' modules."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .sizes import TOWERS, TowerSizes


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a published tensor, or a part of it, belongs."""

    name: str
    """Of the parameter in ``OpenVlaModel``."""
    part: int = 0
    """Which of ``parts`` equal parts along the first axis."""
    parts: int = 1
    leading_zeros: int = 0
    """Rows of zeros to put first: DINOv2's class token has a position in transformers only."""


_DINOV2 = {
    r"cls_token": "embeddings.cls_token",
    r"reg_token": "embeddings.register_tokens",
    r"pos_embed": "embeddings.position_embeddings",
    r"patch_embed\.proj\.(\w+)": r"embeddings.patch_embeddings.projection.\1",
    r"blocks\.(\d+)\.(norm[12]\.\w+|mlp\.fc[12]\.\w+)": r"encoder.layer.\1.\2",
    r"blocks\.(\d+)\.ls([12])\.(?:scale_factor|gamma)": r"encoder.layer.\1.layer_scale\2.lambda1",
    r"blocks\.(\d+)\.attn\.qkv\.(\w+)": r"encoder.layer.\1.attention.{}_proj.\2",
    r"blocks\.(\d+)\.attn\.proj\.(\w+)": r"encoder.layer.\1.attention.o_proj.\2",
}
_SIGLIP = {
    r"pos_embed": "embeddings.position_embedding.weight",
    r"patch_embed\.proj\.(\w+)": r"embeddings.patch_embedding.\1",
    r"blocks\.(\d+)\.norm([12])\.(\w+)": r"encoder.layers.\1.layer_norm\2.\3",
    r"blocks\.(\d+)\.mlp\.fc([12])\.(\w+)": r"encoder.layers.\1.mlp.fc\2.\3",
    r"blocks\.(\d+)\.attn\.qkv\.(\w+)": r"encoder.layers.\1.self_attn.{}_proj.\2",
    r"blocks\.(\d+)\.attn\.proj\.(\w+)": r"encoder.layers.\1.self_attn.out_proj.\2",
}
"""Published query, key and value are one tensor; ``{}`` stands for each of them."""
_RULES = {"dinov2": _DINOV2, "siglip": _SIGLIP}
_UNUSED = re.compile(r"norm\.|attn_pool\.|mask_token$")
"""Parts of a tower behind the features that are read."""


def targets(name: str, towers: tuple[TowerSizes, ...]) -> tuple[Target, ...] | None:
    """Return where a published tensor belongs: nowhere if unused, ``None`` if it is foreign."""
    if name.startswith("projector."):
        return (Target(name=name),)
    if name.startswith("language_model."):
        kept = not name.endswith("rotary_emb.inv_freq")  # old exports; computed from the config
        return (Target(name=name.replace("language_model.", "llama.", 1)),) if kept else ()
    for number, (prefix, sizes) in enumerate(zip(TOWERS, towers, strict=False)):
        if name.startswith(prefix):
            return _in_tower(name.removeprefix(prefix), f"towers.{number}.", sizes)
    return None


def _in_tower(name: str, tower: str, sizes: TowerSizes) -> tuple[Target, ...] | None:
    if _UNUSED.match(name) or name.startswith(f"blocks.{sizes.blocks - 1}."):
        return ()
    for pattern, replacement in _RULES[sizes.kind].items():
        if match := re.fullmatch(pattern, name):
            target = tower + match.expand(replacement)
            if "{}" in target:
                split = enumerate("qkv")
                return tuple(Target(name=target.format(c), part=i, parts=3) for i, c in split)
            zeros = int(name == "pos_embed" and sizes.kind == "dinov2")
            return (Target(name=target, leading_zeros=zeros),)
    return None
