"""Pocket's network: two small vision encoders, a state token, and a Llama decoder.

One sequence: begin, 16 tokens of the base camera, 16 of the wrist camera, 1 of the robot's state,
the instruction (padded to the longest of the batch), and ``act``; then 7 action tokens.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import pixel_unshuffle
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.cache_utils import DynamicCache

from steer_gym.affine import KIND, PADDING

from .tokenizer import ACT, BEGIN, PAD

ACTION_TOKENS = 7
STATE_SIZE = 8
"""tcp pose (6) and finger positions (2)."""


@dataclass(frozen=True, kw_only=True)
class PocketSizes:
    """Sizes of the network."""

    vocabulary: int
    """Words and action bins."""
    dimension: int = 256
    layers: int = 6
    width: int = 1024
    """Neurons a layer."""
    head_size: int = 64
    image_size: int = 128
    channels: tuple[int, int, int] = (64, 128, 192)
    """Of the vision encoder at a quarter, an eighth and a sixteenth of the image's side."""
    prompt_length: int = 32
    """Most tokens of an instruction."""

    def llama(self) -> LlamaConfig:
        """Return the decoder's config."""
        return LlamaConfig(
            vocab_size=self.vocabulary,
            hidden_size=self.dimension,
            intermediate_size=self.width,
            num_hidden_layers=self.layers,
            num_attention_heads=self.dimension // self.head_size,
            num_key_value_heads=self.dimension // self.head_size,
            head_dim=self.head_size,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            pad_token_id=PAD,
            bos_token_id=BEGIN,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON data; ``PocketSizes(**data)`` reads it back."""
        return asdict(self)


class Residual(nn.Module):
    """Two 3 x 3 convolutions around a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.GroupNorm(8, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return features of the same shape."""
        refined: Tensor = x + self.second(torch.relu(self.first(self.norm(x))))
        return refined


class VisionEncoder(nn.Module):
    """Images (rows, 3, size, size) in [-1, 1] to tokens (rows, (size / 32) ** 2, dimension)."""

    def __init__(self, channels: tuple[int, int, int], dimension: int) -> None:
        super().__init__()
        first, second, third = channels
        self.features = nn.Sequential(
            nn.Conv2d(3, first, 4, stride=4),
            nn.ReLU(),
            nn.Conv2d(first, second, 4, stride=2, padding=1),
            nn.ReLU(),
            Residual(second),
            nn.Conv2d(second, third, 4, stride=2, padding=1),
            nn.ReLU(),
            Residual(third),
        )
        self.project = nn.Sequential(nn.LayerNorm(4 * third), nn.Linear(4 * third, dimension))

    def forward(self, images: Tensor) -> Tensor:
        """Return one token per 2 x 2 cells of the last feature map, row by row."""
        patches = pixel_unshuffle(self.features(images), 2).flatten(2).transpose(1, 2)
        tokens: Tensor = self.project(patches)
        return tokens


class PocketModel(nn.Module):
    """The whole network."""

    def __init__(self, sizes: PocketSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.base = VisionEncoder(sizes.channels, sizes.dimension)
        self.wrist = VisionEncoder(sizes.channels, sizes.dimension)
        self.state = nn.Sequential(
            nn.Linear(STATE_SIZE, sizes.dimension),
            nn.SiLU(),
            nn.Linear(sizes.dimension, sizes.dimension),
        )
        self.image_position = nn.Parameter(torch.zeros(self.image_tokens, sizes.dimension))
        self.llama = LlamaForCausalLM(sizes.llama())

    @property
    def image_tokens(self) -> int:
        """Return the number of image tokens, both cameras together."""
        return 2 * (self.sizes.image_size // 32) ** 2

    def embed_observation(self, base: Tensor, wrist: Tensor, state: Tensor) -> Tensor:
        """Return the tokens of image and state, (rows, image tokens + 1, dimension).

        Args:
            base: (rows, 3, size, size) in [-1, 1].
            wrist: The same.
            state: (rows, 8), normalised.
        """
        images = torch.cat([self.base(base), self.wrist(wrist)], dim=1) + self.image_position
        return torch.cat([images, self.state(state)[:, None]], dim=1)

    def embed_words(self, ids: Tensor) -> Tensor:
        """Return the embeddings of tokens, (rows, tokens, dimension)."""
        embedded: Tensor = self.llama.model.embed_tokens(ids)
        return embedded

    def embed_prefill(self, observation: Tensor, prompt: Tensor) -> Tensor:
        """Return the whole prefill: begin, observation, prompt (rows, tokens), act."""
        rows = len(prompt)
        begin = self.embed_words(prompt.new_full((rows, 1), BEGIN))
        act = self.embed_words(prompt.new_full((rows, 1), ACT))
        return torch.cat([begin, observation, self.embed_words(prompt), act], dim=1)

    def prefill_kinds(self, prompts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the kind of each position of the prefill, (rows, positions)."""
        rows = len(prompts)
        observation = [KIND["start"], *[KIND["image"]] * self.image_tokens, KIND["state"]]
        words = np.where(prompts == PAD, PADDING, KIND["text"])
        fixed = np.tile(np.array(observation), (rows, 1))
        return np.concatenate([fixed, words, np.full((rows, 1), KIND["text"])], axis=1)

    def prefill_mask(self, prompt: Tensor) -> Tensor:
        """Return which positions of the prefill hold tokens, (rows, positions)."""
        rows = len(prompt)
        before = prompt.new_ones((rows, self.image_tokens + 2))
        return torch.cat([before, (prompt != PAD).long(), prompt.new_ones((rows, 1))], dim=1).bool()

    def generate(
        self, observation: Tensor, prompt: Tensor, choose: Any, *, tokens: int = ACTION_TOKENS
    ) -> Tensor:
        """Return generated tokens, (rows, tokens): one prefill, then one step a token.

        Args:
            observation: From ``embed_observation``.
            prompt: Token ids, (rows, tokens), padded on the right.
            choose: Takes logits (rows, vocabulary), returns ids (rows,).
            tokens: How many.
        """
        mask = self.prefill_mask(prompt)
        cache = DynamicCache(config=self.llama.config)
        embeddings = self.embed_prefill(observation, prompt)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        chosen: list[Tensor] = []
        while True:
            hidden = self.llama.model(
                inputs_embeds=embeddings,
                attention_mask=mask,
                position_ids=positions,
                cache=cache,
                use_cache=True,
            ).last_hidden_state
            chosen.append(choose(self.llama.lm_head(hidden[:, -1])))
            if len(chosen) == tokens:
                return torch.stack(chosen, dim=1)
            embeddings = self.embed_words(chosen[-1][:, None])
            mask = torch.cat([mask, mask.new_ones((len(mask), 1))], dim=1)
            positions = positions[:, -1:] + 1
