"""Choose tokens from logits, row by row, each under its own config."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.acting import ActConfig

from .tokenizer import CENTRES, PocketTokenizer


class TokenChooser:
    """Chooses one token a row and call, and remembers how sure the network was."""

    def __init__(self, configs: Sequence[ActConfig], tokenizer: PocketTokenizer) -> None:
        """Choose for rows with these configs."""
        self._configs = configs
        self._words = tokenizer.words
        self._masked = torch.tensor([config.invalid_tokens == "mask" for config in configs])
        self._generators = [_generator(config) for config in configs]
        self._logits: list[Tensor] = []

    def __call__(self, logits: Tensor) -> Tensor:
        """Return token ids (rows,) for logits (rows, vocabulary)."""
        self._logits.append(logits)
        masked = self._masked.to(logits.device)[:, None]
        words = torch.arange(logits.shape[1], device=logits.device) < self._words
        allowed = logits.masked_fill(masked & words, -torch.inf)
        chosen = allowed.argmax(-1)
        for row, config in enumerate(self._configs):
            if config.temperature > 0:
                probabilities = (allowed[row].float() / config.temperature).softmax(-1).cpu()
                chosen[row] = torch.multinomial(probabilities, 1, generator=self._generators[row])
        return chosen

    def beliefs(self) -> dict[str, NDArray[np.float32]]:
        """Return what the network held likely at each token, before any masking.

        ``expected_actions``, (rows, tokens): expectation over the action tokens;
        ``action_probability``, (rows, tokens): of being an action token at all.
        """
        probabilities = torch.stack(self._logits, dim=1).float().softmax(-1)[..., self._words :]
        mass = probabilities.sum(-1)
        values = torch.from_numpy(np.append(CENTRES, CENTRES[-1])).flip(0).to(mass.device)
        expected = (probabilities @ values) / mass.clamp(min=1e-9)
        return {
            "expected_actions": expected.cpu().numpy(),
            "action_probability": mass.cpu().numpy(),
        }


def _generator(config: ActConfig) -> torch.Generator:
    generator = torch.Generator()
    if config.seed is None:
        generator.seed()
    else:
        generator.manual_seed(config.seed)
    return generator
