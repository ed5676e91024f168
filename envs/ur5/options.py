"""What a UR5 environment is made and reset with, checked before anything is connected."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from steer_gym.errors import EnvironmentOptionError, UnknownNameError
from steer_gym.observation import CAMERAS, IMAGE_BASE, Observation
from steer_gym.robot import ROBOTS

from .actions import STEERSMEN, Actions

Judge = Callable[[Observation], bool]
Ask = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class UR5Options:
    """How the robot is reached, seen and judged; ``UR5Env`` documents each field."""

    robot: str
    host: str | None
    actions: Actions
    cameras: Sequence[str]
    image_size: Any
    sources: Mapping[str, Any]
    judge: Judge | None
    confirm: Ask | None
    max_steps: int
    render_mode: str | None
    robot_options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Normalise, and refuse what is not allowed."""
        if self.robot not in ROBOTS:
            raise UnknownNameError("robot", self.robot, ROBOTS)
        if self.actions not in STEERSMEN:
            raise UnknownNameError("kind of actions", self.actions, STEERSMEN)
        for name in (*self.cameras, *self.sources):
            if name not in CAMERAS:
                raise UnknownNameError("camera", name, CAMERAS)
        if self.render_mode not in (None, "rgb_array"):
            raise EnvironmentOptionError(
                f"render_mode must be None or 'rgb_array', but is {self.render_mode!r}."
            )
        if not _is_count(self.max_steps):
            raise EnvironmentOptionError(
                f"max_steps must be a positive number of steps, but is {self.max_steps!r}."
            )
        object.__setattr__(self, "image_size", _size(self.image_size))
        self._check_reach()

    @property
    def simulated(self) -> bool:
        """Tell whether the robot is the simulator that the environment starts itself."""
        return self.robot == "ur5-sim"

    @property
    def watched(self) -> tuple[str, ...]:
        """Return the image keys of every camera that is needed, for observations or rendering."""
        rendered = {IMAGE_BASE} if self.render_mode else set()
        return tuple(name for name in CAMERAS if name in {*self.cameras, *rendered})

    def for_robot(self) -> dict[str, Any]:
        """Return the options of ``make_robot``."""
        names = {key: key.removeprefix("image.") for key in self.watched}
        if self.simulated:
            sizes = dict.fromkeys(names.values(), self.image_size)
            return {"cameras": sizes, **self.robot_options}
        sources = {name: self.sources[key] for key, name in names.items()}
        return {"host": self.host, "cameras": sources, **self.robot_options}

    def _check_reach(self) -> None:
        if self.simulated and (self.host is not None or self.sources):
            raise EnvironmentOptionError(
                "UR5Sim starts a simulator of its own and takes neither host nor sources. "
                "Use steer_gym/UR5-v0 for a controller on the network."
            )
        missing = [key for key in self.watched if key not in self.sources]
        if not self.simulated and (self.host is None or missing):
            raise EnvironmentOptionError(
                f"UR5 needs host= (it is {self.host!r}) and a source for each camera (missing: "
                f"{', '.join(missing) or 'none'}), for example host='10.0.0.2', "
                "sources={'image.base': '/dev/video0'}, cameras=('image.base',)."
            )


def episode_of(options: Mapping[str, Any] | None, *, following: int) -> int:
    """Return the episode that a reset with ``options`` asks for."""
    given = dict(options or {})
    asked = [given.pop(name) for name in ("episode", "init_state") if name in given]
    if given:
        raise UnknownNameError("reset option", next(iter(given)), ("init_state", "episode"))
    episode = asked[0] if asked else following
    if len(asked) > 1 or not (_is_count(episode) or episode == 0):
        raise EnvironmentOptionError(
            f"A reset takes one number from 0, as episode or init_state, but was given {asked}."
        )
    return int(episode)


def ask_person(question: str) -> bool:
    """Ask whoever sits at the terminal; only ``y`` or ``yes`` means yes.

    Raises:
        EnvironmentOptionError: Nobody sits there.
    """
    if not sys.stdin.isatty():
        raise EnvironmentOptionError(
            f"Nobody can be asked {question!r}: there is no terminal. Give a function instead."
        )
    return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def _size(given: Any) -> tuple[int, int]:
    pair = (given, given) if _is_count(given) else given
    if not isinstance(pair, Sequence) or len(pair) != 2 or not all(map(_is_count, pair)):
        raise EnvironmentOptionError(
            f"image_size must be pixels or (height, width), but is {given!r}."
        )
    return int(pair[0]), int(pair[1])


def _is_count(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) > 0
