"""What a LIBERO environment is made and reset with, checked before anything heavy runs."""

from __future__ import annotations

import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import ActionError, EnvironmentOptionError, UnknownNameError
from steer_gym.observation import CAMERAS

from .rendering import Rendering
from .seeding import Seeding

RENDER_MODES = ("rgb_array", "human")
MAX_PIXELS = 4096
SAMPLED = "sampled"
"""As ``init_state``: place the objects anew, as LIBERO's authors did to make the stored states."""


@dataclass(frozen=True, kw_only=True)
class LiberoOptions:
    """How a task is shown and seeded; ``LiberoEnv`` documents each field."""

    cameras: Sequence[str]
    image_size: Any
    render_size: Any
    rendering: Rendering
    seeding: Seeding
    max_steps: int
    render_mode: str | None

    def __post_init__(self) -> None:
        """Normalise sizes to (height, width), and refuse what is not allowed."""
        _require_choice("rendering", self.rendering, get_args(Rendering))
        _require_choice("seeding", self.seeding, get_args(Seeding))
        _require_choice("render_mode", self.render_mode, (None, *RENDER_MODES))
        object.__setattr__(self, "cameras", _cameras(self.cameras))
        for field in ("image_size", "render_size"):
            object.__setattr__(self, field, _size(field, getattr(self, field)))
        if not _is_integer(self.max_steps) or self.max_steps < 1:
            raise EnvironmentOptionError(
                f"max_steps must be a positive number of steps, but is {self.max_steps!r}."
            )


@dataclass(frozen=True, kw_only=True)
class Episode:
    """Which scene and which initial state a reset leads to."""

    episode: int
    """Number from 0 that the scene depends on."""
    init_state: int | None
    """Index of the stored initial state; ``None``: sampled anew."""


def episode_of(
    options: Mapping[str, Any] | None,
    *,
    following: int,
    fixed: int | str | None,
    states: int,
) -> Episode:
    """Return what a reset with ``options`` asks for.

    Args:
        options: May hold ``init_state`` and ``episode``.
        following: The episode that comes next when nothing is asked for.
        fixed: The constructor's ``init_state``.
        states: Number of the task's initial states.
    """
    given = dict(options or {})
    episode, init_state = given.pop("episode", None), given.pop("init_state", None)
    if given:
        raise UnknownNameError("reset option", next(iter(given)), ("init_state", "episode"))
    if episode is None:
        episode = init_state if _is_integer(init_state) else following
    if init_state is None:
        init_state = fixed if fixed is not None or not _is_integer(episode) else episode % states
    if not _is_integer(episode) or episode < 0:
        raise EnvironmentOptionError(f"episode must be a number from 0, but is {episode!r}.")
    check_init_state(init_state, states)
    stored = None if init_state == SAMPLED else int(init_state)
    return Episode(episode=int(episode), init_state=stored)


def check_init_state(init_state: Any, states: int) -> None:
    """Raise ``EnvironmentOptionError`` unless it is ``SAMPLED`` or a stored state's index."""
    if init_state == SAMPLED:
        return
    if not _is_integer(init_state) or not 0 <= init_state < states:
        raise EnvironmentOptionError(
            f"init_state must be a number from 0 to {states - 1}, or {SAMPLED!r}, "
            f"but is {init_state!r}."
        )


def checked_action(action: Any) -> NDArray[np.float64]:
    """Return ``action`` as float64.

    Raises:
        ActionError: It is not seven finite numbers.
    """
    try:
        numbers_given = np.asarray(action, np.float64)
    except (TypeError, ValueError):
        raise ActionError(f"An action is seven numbers, but is {action!r}.") from None
    if numbers_given.shape != (7,):
        raise ActionError(f"An action has shape (7,), but this has {numbers_given.shape}.")
    if not np.isfinite(numbers_given).all():
        raise ActionError(f"An action must be finite, but is {numbers_given.tolist()}.")
    return numbers_given


def _cameras(given: Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in CAMERAS:
            raise UnknownNameError("camera", name, CAMERAS)
    return tuple(name for name in CAMERAS if name in names)


def _size(field: str, given: Any) -> tuple[int, int]:
    pair = (given, given) if _is_integer(given) else given
    if (
        not isinstance(pair, Sequence)
        or len(pair) != 2
        or not all(_is_integer(side) and 1 <= side <= MAX_PIXELS for side in pair)
    ):
        raise EnvironmentOptionError(
            f"{field} must be pixels or (height, width), from 1 to {MAX_PIXELS}, but is {given!r}."
        )
    return int(pair[0]), int(pair[1])


def _is_integer(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _require_choice(field: str, given: Any, allowed: tuple[Any, ...]) -> None:
    if given not in allowed:
        choices = ", ".join(map(repr, allowed))
        raise EnvironmentOptionError(f"{field} must be one of {choices}, but is {given!r}.")
