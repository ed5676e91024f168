"""Where a robot stands, as ``UR5`` uses it: gripper, cameras, and the way to the arm."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steer_gym.robot import RobotIdentity, Scene

from .arm_link import Arm
from .supervision import Finding

StillArmed = Callable[[], bool]
"""Tells whether the arm still is; asked by any thread."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """What a camera saw."""

    image: NDArray[np.uint8]
    """(height, width, 3) RGB."""
    age_s: float
    """How long ago it was taken [s]."""


class Hand(Protocol):
    """A gripper as ``UR5`` uses it."""

    def activate(self) -> None:
        """Make it ready; the fingers may move."""

    def aim(self, opening: float, in_s: float, still_armed: StillArmed) -> None:
        """Go to 0 (open) to 1 (closed), so that the fingers begin to move ``in_s`` from now.

        They are told as much sooner as they are late; if that has passed, at once. An order that
        is due when ``still_armed`` says no is forgotten.
        """

    def forget(self) -> None:
        """Take back what the fingers have not been told yet."""

    def opening(self, moment_s: float | None = None) -> float:
        """Return 0 (open) to 1 (closed), now or at a moment of the monotonic clock."""

    def age_s(self, moment_s: float | None = None) -> float:
        """Return how old the ``opening`` of that moment is [s]."""

    def finding(self) -> Finding | None:
        """Return what is wrong, if anything."""

    def close(self) -> None:
        """Disconnect."""


class Eyes(Protocol):
    """Cameras as ``UR5`` uses them."""

    def moment_s(self) -> float | None:
        """Return the last moment that all cameras have seen; ``None``: any, or no camera."""

    def pictures(self, moment_s: float | None = None) -> dict[str, Picture]:
        """Return each camera's picture that is nearest to a moment; the newest without one."""

    def finding(self) -> Finding | None:
        """Return what is wrong, if anything."""

    def close(self) -> None:
        """Free the cameras."""


class Cell(Protocol):
    """Where the robot stands: real, or simulated."""

    identity: RobotIdentity

    @property
    def hand(self) -> Hand:
        """Return the gripper."""

    @property
    def eyes(self) -> Eyes:
        """Return the cameras."""

    @property
    def scene(self) -> Scene | None:
        """Return the simulated things; ``None`` where they are real."""

    def connect_arm(self) -> Arm:
        """Return a new connection to the arm, not armed."""

    def reason_not_to_move(self) -> str:
        """Return why the robot cannot be armed, or an empty text."""

    def renew(self) -> None:
        """Connect to gripper and cameras afresh; raises ``RobotError`` with the reason."""

    def clear_stop(self) -> None:
        """End a protective stop; raises ``RobotError`` if a person has to do more first."""

    def close(self) -> None:
        """Free everything but the arm."""


class NoHand:
    """A robot without a gripper: nothing to close, nothing that can fail."""

    def activate(self) -> None:
        """Do nothing."""

    def aim(self, opening: float, in_s: float, still_armed: StillArmed) -> None:
        """Do nothing."""

    def forget(self) -> None:
        """Do nothing."""

    def opening(self, moment_s: float | None = None) -> float:
        """Return 0, open."""
        return 0.0

    def age_s(self, moment_s: float | None = None) -> float:
        """Return 0."""
        return 0.0

    def finding(self) -> Finding | None:
        """Return nothing."""
        return None

    def close(self) -> None:
        """Do nothing."""
