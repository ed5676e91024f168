"""What a UR5 environment is made and reset with, checked before anything is connected."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

from steer_gym.errors import EnvironmentOptionError, UnknownNameError
from steer_gym.observation import CAMERAS, IMAGE_BASE, Observation
from steer_gym.robot import ROBOTS

from .actions import STEERSMEN, Actions
from .watching import Allowance

Judge = Callable[[Observation], bool]
Ask = Callable[[str], bool]


@dataclass(frozen=True, kw_only=True)
class UR5Options:
    """What is to be done, and how the robot is reached, seen and judged."""

    robot: str = "ur5-sim"
    """``ur5`` or ``ur5-sim``; set by the id."""
    host: str | None = None
    """Address of the controller (UR5 only)."""
    task: int | str = 0
    """Index, name or instruction of one of ``tasks.TASKS``."""
    instruction: str | None = None
    """Other words for it."""
    actions: Actions = "libero_delta"
    """See Action Space."""
    cameras: str | Sequence[str] = CAMERAS
    """Image keys wanted in the observation."""
    image_size: Any = 256
    """Pixels of a side, or (height, width); a camera's middle is scaled to it."""
    sources: Mapping[str, Any] = field(default_factory=dict)
    """Image key -> device, address or ``hardware.cameras.CameraSettings`` (UR5 only)."""
    shadow: bool | None = None
    """Dry run: never armed, nothing moves, ``info`` tells what would have. By default true for UR5
    and false for UR5Sim: a robot moves only when you write ``shadow=False``."""
    privileged: bool = False
    """Also observe the keys of ``steer_gym.privileged`` (UR5Sim only)."""
    judge: Judge | None = None
    """From an observation to whether the task is done; replaces the simulation's own."""
    verdict: Ask | None = None
    """From a question to yes or no: asked whether the task is done, when the episode is over and
    nothing else said so. The robot is stopped and disarmed before. ``ask_person`` is one."""
    confirm: Ask | None = None
    """The same, asked before a reset moves, while things are placed: the arm is disarmed before."""
    max_steps: int = 300
    """Of an episode."""
    max_clamped: float | None = None
    """Share of the last ``clamp_window`` targets that limits may change (``info["clamps"]``) before
    the episode is stopped, because a policy that asks for more acts wildly. By default 0.5 for UR5,
    and 1, never, for UR5Sim; in simulation the expert's share is 0."""
    clamp_window: int = 40
    """Steps; 40 are 2 s."""
    max_seconds: float | None = None
    """Of an episode, by the controller's clock, before it is stopped. By default 120 for UR5, and
    infinite for UR5Sim."""
    render_mode: str | None = None
    """``"rgb_array"``: the base camera."""
    robot_options: Mapping[str, Any] = field(default_factory=dict)
    """For ``steer_gym.robot.make_robot``, for example ``{"clock": "real"}`` or
    ``{"journal": "run.jsonl", "limits": ...}``."""

    def __post_init__(self) -> None:
        """Normalise, and refuse what is not allowed."""
        if self.robot not in ROBOTS:
            raise UnknownNameError("robot", self.robot, ROBOTS)
        if self.actions not in STEERSMEN:
            raise UnknownNameError("kind of actions", self.actions, STEERSMEN)
        if isinstance(self.cameras, str):
            object.__setattr__(self, "cameras", (self.cameras,))
        if self.shadow is None:
            object.__setattr__(self, "shadow", not self.simulated)
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
        _ = self.allowance  # refuses what is not allowed
        self._check_reach()

    @property
    def simulated(self) -> bool:
        """Tell whether the robot is the simulator that the environment starts itself."""
        return self.robot == "ur5-sim"

    @property
    def allowance(self) -> Allowance:
        """Return what may happen in an episode before it is stopped."""
        share, seconds = (1.0, math.inf) if self.simulated else (0.5, 120.0)
        return Allowance(
            max_clamped=share if self.max_clamped is None else self.max_clamped,
            clamp_window=self.clamp_window,
            max_seconds=seconds if self.max_seconds is None else self.max_seconds,
        )

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
        if self.privileged and not self.simulated:
            raise EnvironmentOptionError("A robot has no privileged knowledge; UR5Sim has.")
        for key, source in self.sources.items():
            if isinstance(source, Integral):
                raise EnvironmentOptionError(
                    f"The source of {key!r} is text, not {source!r}; give {str(source)!r}."
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
