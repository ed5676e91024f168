"""The natural spread of a policy's neurons: measured by its user, or kept beside the weights."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteeringError
from steer_gym.observation import Observation
from steer_gym.policy import Policy

from .engines.running_spread import RunningSpread

FILE = "spread.npy"


class SpreadMeasuring(Policy):
    """A policy that takes alpha in units of each neuron's spread once that has been measured."""

    _spread: NDArray[np.float32] | None = None

    def spread(self) -> NDArray[np.float32] | None:
        """Return the measured spread, or that of ``spread.npy`` in the checkpoint's folder."""
        return self._spread

    def measure_spread(self, observations: Iterable[Observation]) -> NDArray[np.float32]:
        """Measure, return and from now on use each neuron's natural spread, (layers, width).

        Save it as ``spread.npy`` in the checkpoint's folder for the next time.

        Args:
            observations: Single ones or batches, such as the robot will see.
        """
        assert self.spec.neurons is not None
        spread = RunningSpread(self.spec.neurons)
        for observation in observations:
            self._watch(observation, spread)
        self._spread = spread.std
        return self._spread

    def _watch(self, observation: Observation, spread: RunningSpread) -> None:
        """Show ``spread`` the natural activations of one observation or a batch."""
        with self.observed(spread):
            self.plan(observation)

    def _read_spread(self, folder: Path) -> None:
        """Take the spread that lies in a checkpoint's folder, if there is one.

        Raises:
            SteeringError: It is of another model.
        """
        if not (folder / FILE).is_file():
            return
        space, found = self.spec.neurons, np.load(folder / FILE).astype(np.float32)
        assert space is not None
        if found.shape != (space.layers, space.width):
            raise SteeringError(
                f"{folder / FILE} has shape {found.shape}, but the model has {space.layers} layers "
                f"of {space.width} neurons. Remove it, or measure it anew with measure_spread()."
            )
        self._spread = found
