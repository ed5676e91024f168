"""Choosing the next token of every row, as each row's config says."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from steer_gym.acting import ActConfig


class TokenChoice:
    """From logits (rows, tokens) to ids (rows,): greedy or sampled, all tokens or actions alone.

    Sampling is on the CPU, from a generator per row: a row's tokens depend on its own seed only.
    """

    def __init__(self, configs: Sequence[ActConfig], actions: range) -> None:
        """Take one config per row, and the tokens that are actions."""
        self._configs, self._actions = configs, actions
        self._masked = torch.tensor([row.invalid_tokens == "mask" for row in configs])
        self._generators = [_generator(row) for row in configs]

    @property
    def competing(self) -> slice:
        """Return the tokens that can be chosen: nobody needs the logits of others."""
        alone = all(row.invalid_tokens == "mask" for row in self._configs)
        return slice(self._actions.start, self._actions.stop) if alone else slice(0, None)

    def __call__(self, logits: Tensor) -> Tensor:
        """Return the chosen ids, counted from the first of the logits.

        Args:
            logits: (rows, tokens), of the whole vocabulary or of ``competing`` alone.
        """
        if logits.shape[1] != len(self._actions):
            token = torch.arange(logits.shape[1], device=logits.device)
            words = (token < self._actions.start) | (token >= self._actions.stop)
            self._masked = self._masked.to(logits.device)
            logits = logits.masked_fill(self._masked[:, None] & words, -torch.inf)
        chosen = logits.argmax(-1)
        for row, (config, generator) in enumerate(
            zip(self._configs, self._generators, strict=True)
        ):
            if config.temperature > 0:
                probabilities = (logits[row].float() / config.temperature).softmax(-1).cpu()
                chosen[row] = torch.multinomial(probabilities, 1, generator=generator)[0]
        return chosen


def _generator(config: ActConfig) -> torch.Generator:
    generator = torch.Generator()
    if config.seed is None:
        generator.seed()
    else:
        generator.manual_seed(config.seed)
    return generator
