"""The statistics of a checkpoint's data, and the way to normalised numbers and back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .profiles import Normalisation
from .sizes import CheckpointError

_EPSILON = 1e-6
_FIELDS: dict[Normalisation, tuple[str, str]] = {
    "quantile": ("q01", "q99"),
    "zscore": ("mean", "std"),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Range:
    """An affine map to normalised numbers: ``(x - centre) / scale``."""

    centre: NDArray[np.float64]
    """(size,)."""
    scale: NDArray[np.float64]
    """(size,)."""

    def normalise(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return normalised numbers of (..., size)."""
        normalised: NDArray[np.float64] = (values - self.centre) / self.scale
        return normalised

    def restore(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """Return the numbers that ``normalise`` takes to ``values``."""
        restored: NDArray[np.float64] = values * self.scale + self.centre
        return restored


@dataclass(frozen=True, kw_only=True)
class Length:
    """How many numbers a state or an action has."""

    robot: int
    """Those of the robot, all of which the statistics must hold."""
    model: int
    """Those that the model takes or gives; statistics that stop earlier are those of a constant
    zero from there on."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """The ranges of state and actions."""

    state: Range
    actions: Range

    @classmethod
    def load(
        cls, path: Path, normalisation: Normalisation, *, state: Length, actions: Length
    ) -> Statistics:
        """Read openpi's ``norm_stats.json``.

        Args:
            path: The file.
            normalisation: Which of its numbers to use.
            state: Numbers of the state.
            actions: Numbers of an action.

        Raises:
            CheckpointError: The file is not there, or lacks numbers of the robot.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{path} is no file of statistics: {error}") from error
        stats = content.get("norm_stats", content)
        try:
            return cls(
                state=_range(f"the state in {path}", stats["state"], normalisation, state),
                actions=_range(f"actions in {path}", stats["actions"], normalisation, actions),
            )
        except (KeyError, TypeError) as error:
            raise CheckpointError(
                f"{path} lacks {error} for normalisation by {normalisation}; it must hold state "
                f"and actions, each with {' and '.join(_FIELDS[normalisation])}."
            ) from error


def _range(name: str, stats: dict[str, Any], normalisation: Normalisation, length: Length) -> Range:
    told = [np.asarray(stats[field], np.float64) for field in _FIELDS[normalisation]]
    if not told[0].shape == told[1].shape or told[0].ndim != 1 or len(told[0]) < length.robot:
        raise CheckpointError(
            f"The statistics of {name} have shapes {told[0].shape} and {told[1].shape} for "
            f"{' and '.join(_FIELDS[normalisation])}, but the robot has {length.robot} numbers; "
            "they are of another robot. Give norm_stats= of the data that it was trained on."
        )
    first, second = (_padded(numbers, length.model) for numbers in told)
    if normalisation == "zscore":
        return Range(centre=first, scale=second + _EPSILON)
    half = (second - first + _EPSILON) / 2
    return Range(centre=first + half, scale=half)


def _padded(numbers: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    array = numbers[:size]
    return np.pad(array, (0, size - len(array)))


def find_statistics(given: str | Path | None, checkpoint: Path, asset: str) -> Path:
    """Return the file of statistics: the given one, the asset's, or the only one there is.

    Raises:
        CheckpointError: There is none, or several.
    """
    if given is not None:
        return Path(given)
    named = checkpoint / "assets" / asset / "norm_stats.json"
    found = [named] if asset and named.is_file() else sorted(checkpoint.rglob("norm_stats.json"))
    if len(found) != 1:
        raise CheckpointError(
            f"{checkpoint} holds {len(found)} files norm_stats.json, none of them at "
            f"assets/{asset}; give norm_stats=."
        )
    return found[0]
