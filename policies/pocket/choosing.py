"""Choose tokens from logits, row by row, each under its own config."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.acting import ActConfig

from ..token_choice import TokenChoice
from .tokenizer import CENTRES, PocketTokenizer


class TokenChooser(TokenChoice):
    """Chooses one token a row and call, and remembers how sure the network was."""

    def __init__(self, configs: Sequence[ActConfig], tokenizer: PocketTokenizer) -> None:
        """Choose for rows with these configs."""
        super().__init__(configs, tokenizer.bins.ids)
        self._words = tokenizer.words
        self._logits: list[Tensor] = []

    def __call__(self, logits: Tensor) -> Tensor:
        """Return token ids (rows,) for logits (rows, vocabulary)."""
        self._logits.append(logits)
        return super().__call__(logits)

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
