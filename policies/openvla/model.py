"""OpenVLA's network, built from transformers' own modules.

One sequence a row: begin, the image's patches, the rest of the prompt; then the action tokens.
Rows of different length are padded on the left.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, linear
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    LlamaConfig,
    LlamaForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
    StaticCache,
)

from steer_gym.affine import KIND, PADDING

from .sizes import TowerSizes

CACHE_STEP = 64
"""Room in the cache comes in multiples of this, so that prompts of about one length share it."""
Choose = Callable[[Tensor], Tensor]
"""From logits (rows, tokens that compete) to ids (rows,)."""


class Projector(nn.Module):
    """Patch features to the language model's embeddings: linear layers with exact GELU between."""

    def __init__(self, layers: Sequence[tuple[int, int]]) -> None:
        """Create layers ``fc1``, ``fc2``, ... of these (outputs, inputs)."""
        super().__init__()
        self.count = len(layers)
        for number, (outputs, inputs) in enumerate(layers, 1):
            self.add_module(f"fc{number}", nn.Linear(inputs, outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Return (rows, patches, hidden size) from (rows, patches, channels)."""
        for number in range(1, self.count + 1):
            layer = self.get_submodule(f"fc{number}")
            features = layer(features if number == 1 else gelu(features))
        return features


@dataclass(frozen=True, kw_only=True, eq=False)
class Prompts:
    """Prompts of several rows, with the image's patches at their place."""

    ids: NDArray[np.int64]
    """(rows, longest), padded on the left with 0."""
    order: NDArray[np.int64]
    """(rows, positions): which of a row's words, then patches, stands at each position."""
    kinds: NDArray[np.int64]
    """(rows, positions): numbers of ``steer_gym.affine.KIND``, or ``PADDING``."""

    @classmethod
    def of(cls, prompts: Sequence[Sequence[int]], patches: int) -> Prompts:
        """Return the prompts with ``patches`` patches behind the first word of each."""
        longest = max(map(len, prompts))
        positions = longest + patches
        ids = np.zeros((len(prompts), longest), np.int64)
        order = np.zeros((len(prompts), positions), np.int64)
        kinds = np.full((len(prompts), positions), PADDING)
        for row, prompt in enumerate(prompts):
            pad = longest - len(prompt)
            ids[row, pad:] = prompt
            order[row, pad:] = [pad, *range(longest, positions), *range(pad + 1, longest)]
            words = len(prompt) - 1
            kinds[row, pad:] = [KIND["start"], *[KIND["image"]] * patches, *[KIND["text"]] * words]
        return cls(ids=ids, order=order, kinds=kinds)


class OpenVlaModel(nn.Module):
    """Vision towers, projector and a Llama; weights come from ``loading``."""

    def __init__(
        self,
        towers: Sequence[TowerSizes],
        projector: Sequence[tuple[int, int]],
        llama: LlamaConfig,
    ) -> None:
        super().__init__()
        self.sizes = tuple(towers)
        self.towers = nn.ModuleList(_tower(sizes.config()) for sizes in towers)
        self.projector = Projector(projector)
        self.llama = LlamaForCausalLM(llama)
        self.step: Callable[..., Tensor] = self.hidden
        """One decode step; ``torch.compile`` may replace it."""
        self._caches: dict[tuple[int, int], StaticCache] = {}

    @property
    def dtype(self) -> torch.dtype:
        """Return the type of the pixels and activations."""
        weight: Tensor = self.llama.model.embed_tokens.weight
        return weight.dtype

    @property
    def patches(self) -> int:
        """Return the number of image tokens."""
        return self.sizes[0].positions

    def embed_images(self, pixels: Tensor) -> Tensor:
        """Return the image tokens, (rows, patches, hidden size).

        Args:
            pixels: (rows, 3 per tower, size, size), normalised for each tower.
        """
        features = [
            tower(part).last_hidden_state[:, -sizes.positions :]  # class and registers go first
            for tower, sizes, part in zip(
                self.towers, self.sizes, torch.split(pixels, 3, dim=1), strict=True
            )
        ]
        embedded: Tensor = self.projector(torch.cat(features, dim=-1))
        return embedded

    def generate(
        self, pixels: Tensor, prompts: Prompts, choose: Choose, *, tokens: int, competing: slice
    ) -> Tensor:
        """Return generated tokens, (rows, tokens): one prefill, then a step for each but the last.

        Args:
            pixels: As ``embed_images`` takes them.
            prompts: As many rows.
            choose: Picks the next token; its ids count from the start of ``competing``.
            tokens: How many.
            competing: The tokens whose logits are computed.
        """
        real = torch.from_numpy(prompts.kinds != PADDING).to(pixels.device)
        rows, length = real.shape
        room = -(-(length + tokens - 1) // CACHE_STEP) * CACHE_STEP
        cache = self._cache(rows, room)
        position = (real.cumsum(1) - 1).clamp(min=0)
        hidden = self.hidden(
            self._embed(pixels, prompts), _prefill_mask(real, room), position, cache
        )
        seen = torch.zeros((rows, room), dtype=torch.bool, device=real.device)
        seen[:, :length] = real
        chosen: list[Tensor] = []
        while True:
            logits = linear(hidden[:, -1], self.llama.lm_head.weight[competing])
            chosen.append(choose(logits.float()) + (competing.start or 0))
            if len(chosen) == tokens:
                return torch.stack(chosen, dim=1)
            seen[:, length + len(chosen) - 1] = True
            words = self.llama.model.embed_tokens(chosen[-1][:, None])
            position = position[:, -1:] + 1
            hidden = self.step(words, seen[:, None, None], position, cache)

    def hidden(
        self, embedded: Tensor, mask: Tensor, position: Tensor, cache: StaticCache
    ) -> Tensor:
        """Return the last layer's hidden states, normalised, (rows, positions, hidden size).

        Args:
            embedded: (rows, positions, hidden size).
            mask: Which places of the cache each position sees, (rows, 1, positions, room).
            position: (rows, positions).
            cache: Written to.
        """
        states: Tensor = self.llama.model(
            inputs_embeds=embedded, attention_mask=mask, position_ids=position, cache=cache
        ).last_hidden_state
        return states

    def _embed(self, pixels: Tensor, prompts: Prompts) -> Tensor:
        ids = torch.from_numpy(prompts.ids).to(pixels.device)
        order = torch.from_numpy(prompts.order).to(pixels.device)[:, :, None]
        both = torch.cat([self.llama.model.embed_tokens(ids), self.embed_images(pixels)], dim=1)
        return both.gather(1, order.expand(-1, -1, both.shape[-1]))

    def _cache(self, rows: int, room: int) -> StaticCache:
        """Return an empty cache; the last one is used again where it fits."""
        if (rows, room) not in self._caches:
            # One at a time: at 7B a row of 320 positions takes 168 MB in bfloat16.
            self._caches = {(rows, room): StaticCache(self.llama.config, max_cache_len=room)}
        cache: Any = self._caches[rows, room]  # transformers leaves reset() untyped
        cache.reset()
        return self._caches[rows, room]


def _tower(config: Dinov2WithRegistersConfig | SiglipVisionConfig) -> nn.Module:
    """Return a tower that ends before its final norm."""
    if isinstance(config, SiglipVisionConfig):
        siglip: Any = SiglipVisionModel(config)
        siglip.post_layernorm = nn.Identity()
        return cast(nn.Module, siglip)
    dinov2: Any = Dinov2WithRegistersModel(config)
    dinov2.layernorm = nn.Identity()
    return cast(nn.Module, dinov2)


def _prefill_mask(real: Tensor, room: int) -> Tensor:
    """Return which places each position sees, (rows, 1, positions, room): itself and real ones.

    That padding sees itself keeps it finite; a row of attention without any place is NaN, and
    NaN times a weight of zero is still NaN.
    """
    rows, length = real.shape
    mask = torch.zeros((rows, 1, length, room), dtype=torch.bool, device=real.device)
    causal = torch.ones((length, length), dtype=torch.bool, device=real.device).tril()
    itself = torch.eye(length, dtype=torch.bool, device=real.device)
    mask[..., :length] = ((causal & real[:, None]) | itself)[:, None]
    return mask
