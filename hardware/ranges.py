"""What a setting may be: finite numbers, so many of them, between two ends."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np

from steer_gym.errors import SteerGymError


def require_number(name: str, value: Any, low: float, high: float) -> None:
    """Refuse a ``value`` that is no number between ``low`` and ``high``, ends included.

    Not-a-number is between no two ends: a limit that is compared with it would be switched off.
    """
    if not _is_between(value, low, high):
        raise SteerGymError(f"{name} must be between {low:g} and {high:g}, not {value!r}.")


def require_numbers(name: str, values: Any, count: int, low: float, high: float) -> None:
    """Refuse ``values`` that are not so many numbers between ``low`` and ``high``."""
    sequence = isinstance(values, Sequence | np.ndarray) and not isinstance(values, str)
    good = sequence and len(values) == count
    if not good or not all(_is_between(value, low, high) for value in values):
        raise SteerGymError(
            f"{name} must be {count} numbers between {low:g} and {high:g}, not {values!r}."
        )


def _is_between(value: Any, low: float, high: float) -> bool:
    return isinstance(value, Real) and low <= float(value) <= high
