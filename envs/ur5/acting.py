"""Carries actions out on a robot, or shows what they would do."""

from __future__ import annotations

from copy import copy

from steer_gym.robot import Accepted, Robot, RobotFault, RobotState, Sight, Target

from .actions import STEERSMEN, Actions
from .rotation import Array


class Actor:
    """Turns actions into targets, and gives each of them its time."""

    def __init__(self, actions: Actions, *, shadow: bool) -> None:
        """Act by one kind of actions; ``shadow``: nothing is sent."""
        self._steersman = STEERSMEN[actions]()
        self._shadow = shadow
        self.convention = self._steersman.convention
        self.space = self._steersman.space

    def start(self, robot: Robot, state: RobotState) -> None:
        """Begin at rest where the arm is."""
        self._steersman.start(state, robot.envelope)

    def act(self, robot: Robot, action: Array, *, look: bool) -> tuple[Accepted | None, Sight]:
        """Act for a step; return what became of it, and what was seen then, if ``look``.

        After a fault nothing new is seen, and there is nothing to return if it came before.
        """
        accepted: Accepted | None = None
        try:
            accepted = self._send(robot, self._steersman.target(action))
            robot.wait(1.0 / self.convention.rate_hz)
            sight = robot.observe(images=look)
        except RobotFault:
            sight = Sight(state=robot.state(), images={}, image_ages_s={})
        except BaseException:
            # Whoever is interrupted here has lost control of the arm.
            robot.stop()
            raise
        return accepted, sight

    def preview(self, robot: Robot, action: Array) -> Accepted:
        """Return what would become of an action now; nothing is sent or remembered."""
        return robot.preview(copy(self._steersman).target(action))

    def late(self, seconds: float) -> int:
        """Return how many targets of a plan are past after so long; deltas are never past."""
        absolute = self.convention.control == "joint_position"
        return int(seconds * self.convention.rate_hz) if absolute else 0

    def _send(self, robot: Robot, target: Target) -> Accepted:
        if self._shadow:
            accepted = robot.preview(target)
            self.start(robot, robot.state())
        else:
            accepted = robot.command(target)
            self._steersman.accept(accepted)
        return accepted
