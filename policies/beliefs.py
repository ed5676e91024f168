"""What a network held likely while it chose action tokens, for those who screen neurons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.acting import ActConfig

from .action_bins import ActionBins
from .token_choice import TokenChoice


class BelievingChoice(TokenChoice):
    """Chooses one token a row and call, and remembers how sure the network was."""

    def __init__(self, configs: Sequence[ActConfig], bins: ActionBins) -> None:
        """Choose for rows with these configs."""
        super().__init__(configs, bins.ids)
        self._bins = bins
        self._values = torch.from_numpy(bins.decode(np.array(bins.ids))[0]).float()
        self._expected: list[Tensor] = []
        self._mass: list[Tensor] = []

    def __call__(self, logits: Tensor) -> Tensor:
        """Return token ids (rows,); see the base class."""
        probabilities = logits.float().softmax(-1)
        if whole := logits.shape[1] != len(self._values):
            probabilities = probabilities[:, self._bins.ids.start : self._bins.end]
        mass = probabilities.sum(-1)
        self._values = self._values.to(probabilities.device)
        expected = probabilities @ self._values
        self._expected.append(expected / mass.clamp(min=1e-9))
        self._mass += [mass] if whole else []
        return super().__call__(logits)

    @property
    def expected(self) -> NDArray[np.float32]:
        """Return the expectation over the action tokens, (rows, tokens), before any masking."""
        return torch.stack(self._expected, dim=1).cpu().numpy()

    @property
    def action_probability(self) -> NDArray[np.float32] | None:
        """Return the probability of being an action token at all, (rows, tokens).

        ``None`` where only action tokens competed, so that nobody knows.
        """
        return torch.stack(self._mass, dim=1).cpu().numpy() if self._mass else None

    def told(self, expected_actions: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Return what goes into ``Plan.extra``.

        Args:
            expected_actions: ``expected``, in the convention of the plan's actions.
        """
        known = self.action_probability
        return {"expected_actions": expected_actions} | (
            {} if known is None else {"action_probability": known}
        )
