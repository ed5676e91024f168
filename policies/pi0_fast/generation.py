"""How tokens are generated, what comes of it, and what a backend of the model must do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from steer_gym.neuron_set import NeuronSpace
from steer_gym.policy import SteeringReport
from steer_gym.steering import Steering

from ..engines.running_spread import RunningSpread
from .neuron_weights import NeuronWeights
from .prefix import DecodeWindow, ModelInputs
from .sizes import Sizes

END = 1
"""PaliGemma's end of sequence."""


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How a checkpoint's tokens are generated; part of its profile."""

    steps: int = 256
    """Tokens at most."""
    position_offset: int = 1
    """Added to the position of generated tokens: 1 in openpi as released (issue #705), while in
    training the tokens followed the prompt without a gap, which is 0."""
    window: DecodeWindow = "last"
    """Which positions of the prefix a decode step attends to."""
    end_tokens: tuple[int, ...] = (END,)
    """Ids that end a row."""
    stop: Literal["rows", "batch"] = "batch"
    """``batch``: go on until all rows end at the same step, as openpi does, so that a row's tokens
    after its end depend on the others. ``rows``: a row writes zeros after its end, and generation
    stops when all have ended."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampling:
    """How each row chooses its tokens; the two backends draw from different streams."""

    temperature: NDArray[np.float32]
    """(rows,); 0 is greedy."""
    seeds: NDArray[np.uint32]
    """(rows,)."""

    @classmethod
    def greedy(cls, rows: int) -> Sampling:
        """Return greedy choices."""
        return cls(temperature=np.zeros(rows, np.float32), seeds=np.zeros(rows, np.uint32))


@dataclass(frozen=True, kw_only=True, eq=False)
class Generated:
    """The tokens of a batch."""

    tokens: NDArray[np.int64]
    """(rows, steps), zero where generation had stopped."""
    prefill_logits: NDArray[np.float32]
    """(rows, vocabulary), which chose the first token."""
    reports: tuple[SteeringReport | None, ...]
    """What steering did, per row."""


class Backend(Protocol):
    """A loaded model."""

    sizes: Sizes
    space: NeuronSpace

    def neuron_weights(self) -> NeuronWeights:
        """Return the weights that say what neurons mean, as the model has them."""

    def generate(
        self,
        inputs: ModelInputs,
        *,
        decoding: Decoding,
        steerings: Sequence[Steering | None] | None = None,
        sampling: Sampling | None = None,
        spread: NDArray[np.float32] | None = None,
        measured: Sequence[bool] = (),
    ) -> Generated:
        """Read the inputs and write tokens.

        Args:
            inputs: The batch.
            decoding: How tokens are generated.
            steerings: One per row; ``None``: none.
            sampling: How rows choose; by default greedily.
            spread: Natural standard deviation of each neuron, for unit "spread".
            measured: Whether to measure how large each row's steering is; empty: of none.

        Raises:
            SteeringError: A steering does not fit the model.
        """

    def observe(self, inputs: ModelInputs, decoding: Decoding, spread: RunningSpread) -> None:
        """Read the inputs and take natural activations into ``spread``: those of seen positions."""
