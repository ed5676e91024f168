"""One arm's pick and place as a small state machine: reach, grasp, carry, release.

Within a phase the motion follows from where things are, not from time, so that an arm that is
pushed off its way comes back to it, and a policy that imitates the expert sees why it moves.
"""

from __future__ import annotations

from enum import Enum

import numpy as np

from .grasps import Grasp, ranked_grasps
from .motion import FINE, clearance, command, way_to
from .scene import Scene, Vector
from .style import Style

OPEN, CLOSE = -1.0, 1.0
EMPTY_M = 0.003
"""Fingers closer than this hold nothing."""
STALLED_M = 5e-4
"""Fingers, or a tool, that move less than this in a step stand still."""
LOST_M = 0.06
"""An object that has moved this far in the hand is not held any more."""
PATIENCE = 15
"""Steps to stand still short of a place before giving it up."""
LET_GO = 6
"""Steps until the open fingers are off the object."""
RETREAT = 20
"""Steps to go up from an object that was put down."""


class Phase(Enum):
    """What the arm is doing."""

    REACH = "reach"
    GRASP = "grasp"
    CARRY = "carry"
    RELEASE = "release"


class PickAndPlace:
    """The phases of one episode; feed it every scene once."""

    def __init__(self, style: Style) -> None:
        """Begin before the first scene of an episode."""
        self.style = style
        self.phase = Phase.REACH
        self._attempts = 0
        self._grasp: Grasp | None = None
        self._grip_at = np.zeros(3)
        self._held_at = np.zeros(3)
        self._opening = np.inf
        self._tool = np.full(3, np.inf)
        self._steps = 0
        self._still = 0

    def act(self, scene: Scene) -> Vector:
        """Return the next action, (7,), in LIBERO's convention."""
        self._notice(scene)
        phase = self._next_phase(scene)
        if phase is not self.phase:
            self._enter(phase, scene)
        if self._grasp is None:
            self._grasp = self._choose(scene)
        return {
            Phase.REACH: self._reach,
            Phase.GRASP: self._close,
            Phase.CARRY: self._carry,
            Phase.RELEASE: self._release,
        }[self.phase](scene, self._grasp)

    def _notice(self, scene: Scene) -> None:
        moved = float(np.linalg.norm(scene.tool - self._tool))
        self._still = self._still + 1 if moved < STALLED_M else 0
        self._tool = scene.tool
        self._steps += 1

    def _next_phase(self, scene: Scene) -> Phase:
        fingers_stopped = abs(self._opening - scene.opening) < STALLED_M
        self._opening = scene.opening
        if self.phase is Phase.REACH and self._grasp is not None:
            if _near(scene.tool, self._grasp.point(scene)):
                return Phase.GRASP
            if self._still > PATIENCE:
                self._give_up()
        elif self.phase is Phase.GRASP and self._steps > 3 and fingers_stopped:
            return Phase.CARRY if scene.opening > EMPTY_M else Phase.REACH
        elif self.phase is Phase.CARRY:
            if self._lost(scene):
                return Phase.REACH
            if self._arrived(scene) or self._still > PATIENCE:
                return Phase.RELEASE
        elif self.phase is Phase.RELEASE and self._steps > LET_GO + RETREAT:
            return Phase.REACH
        return self.phase

    def _enter(self, phase: Phase, scene: Scene) -> None:
        if phase is Phase.REACH:
            self._give_up()
        if phase is Phase.GRASP and self._grasp is not None:
            self._grip_at = self._grasp.point(scene)
        if phase is Phase.CARRY:
            self._held_at = scene.object.centre - scene.tool
        self.phase, self._steps, self._still = phase, 0, 0

    def _give_up(self) -> None:
        """Try the grasp next in rank."""
        self._grasp, self._still = None, 0
        self._attempts += 1

    def _choose(self, scene: Scene) -> Grasp:
        grasps = ranked_grasps(scene)
        return grasps[self._attempts % len(grasps)]

    def _reach(self, scene: Scene, grasp: Grasp) -> Vector:
        point = grasp.point(scene)
        top = clearance(scene, point, hangs=0.0)
        target = way_to(point, scene.tool, top=max(top, point[2] + 0.05))
        return command(scene, target, OPEN, speed=self.style.speed, quarter=grasp.quarter)

    def _close(self, scene: Scene, grasp: Grasp) -> Vector:
        return command(scene, self._grip_at, CLOSE, speed=self.style.speed, quarter=grasp.quarter)

    def _carry(self, scene: Scene, grasp: Grasp) -> Vector:
        place = self._place(scene)
        top = max(clearance(scene, place, hangs=_hangs(scene)), scene.table + self.style.height)
        target = way_to(place, scene.tool, top=top)
        return command(scene, target, CLOSE, speed=self.style.speed, quarter=grasp.quarter)

    def _release(self, scene: Scene, grasp: Grasp) -> Vector:
        rise = 0.0 if self._steps < LET_GO else 0.15
        target = scene.tool + np.array([0.0, 0.0, rise])
        return command(scene, target, OPEN, speed=self.style.speed, quarter=grasp.quarter)

    def _place(self, scene: Scene) -> Vector:
        """Return where the tool must be for the object to be let go."""
        place: Vector = scene.goal.centre + (scene.tool - scene.object.centre)
        deep = scene.goal.half[2] > 0.03  # the hand does not follow into a basket
        place[2] = (scene.goal.centre[2] if deep else scene.goal.bottom) + _hangs(scene) + 0.01
        return place

    def _arrived(self, scene: Scene) -> bool:
        return _near(scene.tool, self._place(scene))

    def _lost(self, scene: Scene) -> bool:
        slipped = np.linalg.norm(scene.object.centre - scene.tool - self._held_at)
        return bool(slipped > LOST_M or scene.opening < EMPTY_M)


def _hangs(scene: Scene) -> float:
    """Return how far the object's underside is below the tool [m]."""
    return float(scene.tool[2] - scene.object.bottom)


def _near(tool: Vector, place: Vector) -> bool:
    gap = tool - place
    return bool(np.linalg.norm(gap[:2]) < FINE and gap[2] < FINE)
