"""From targets to joint setpoints at the servo's rate, never beyond the limits.

Every setpoint is one from which the arm can brake along its present direction and stay inside
the limits; a step for which that does not hold is not taken, the arm brakes instead. By
induction the setpoints never leave the limits, whatever the targets are.
"""

from __future__ import annotations

import math

import numpy as np

from steer_gym.robot import Target

from .course import Course
from .kinematics import ArmModel, manipulability
from .limits import LARGEST_SLACK, Limits
from .poses import Array, matrix_pose, pose_error

_REACHED = np.array([0.004, 0.004, 0.004, 0.02, 0.02, 0.02])
"""Error that still counts as reached [m], [rad]."""
_DAMPED_BELOW = 0.02
"""Manipulability under which the inverse is damped."""
_SLACKS = (3e-4, 5e-4, 7e-4, LARGEST_SLACK)
"""How far setpoints may be outside [m]: the first; the others where an arm begins further out."""


class Servo:
    """The setpoint (posture and speed) and where it is going."""

    def __init__(
        self, arm: ArmModel, tcp: Array, limits: Limits, dt_s: float, lag_s: float = 0.0
    ) -> None:
        """Begin at the zero posture; ``start`` says where the arm is.

        Args:
            arm: Kinematics.
            tcp: (4, 4) of the tool centre point to the flange.
            limits: That no setpoint leaves.
            dt_s: Period.
            lag_s: By which the arm follows its setpoints late; they lead it by that much.
        """
        self.limits = limits
        self.pace = 1.0
        """Share of the speed limits that is used, in (0, 1]."""
        self.blocked = ""
        """The limit that the last step would have broken."""
        self.blocked_s = 0.0
        """For how long the target has been out of reach."""
        self._arm = arm
        self._tcp = tcp
        self._dt_s = dt_s
        self._lag_s = lag_s
        self._ripple = ripple(dt_s, lag_s)
        self._course: Course | None = None
        self.start(np.zeros(6))

    def start(self, q: Array) -> None:
        """Begin at rest at ``q``, without a target."""
        self.q, self.qd = q.copy(), np.zeros(6)
        self._course, self.blocked, self.blocked_s = None, "", 0.0
        self._place(q)

    def take(self, q: Array, qd: Array) -> None:
        """Go on from where the arm is, towards the same target."""
        self.q, self.qd = q.copy(), qd.copy()
        self._place(q)

    def aim(self, target: Target | None) -> None:
        """Go to ``target``; ``None`` brakes and holds.

        One with a time continues the way to the last one with a time, so that targets which come
        at an even pace are passed without a stop.
        """
        if target is not None:
            last = self._course
            even = last and last.timed and (last.target.pose is None) == (target.pose is None)
            here = self.q if target.pose is None else matrix_pose(self._tool)
            self._course = Course(target, last.point if last and even else here)
        else:
            self._course = None

    def allows(self, q: Array) -> bool:
        """Tell whether the posture ``q`` (6,) lies within the limits."""
        return self._inside(q, self._slack)

    @property
    def reached(self) -> bool:
        """Tell whether the setpoint rests at its target; false without one."""
        if self._course is None or self._moving:
            return False
        target = self._course.target
        if target.joints is not None:
            return float(np.abs(target.joints - self.q).max()) < 1e-3
        assert target.pose is not None
        return bool((np.abs(pose_error(target.pose, matrix_pose(self._tool))) < _REACHED).all())

    def _place(self, q: Array) -> None:
        """Take note of where the arm is, with as much slack as it needs there."""
        self._followed = q.copy()
        self._tool = self._arm.forward(q, self._tcp)
        self._slack = next((slack for slack in _SLACKS if self._inside(q, slack)), _SLACKS[0])

    def step(self) -> Array:
        """Advance by one period and return the setpoint (6,) [rad], which leads by the lag.

        A first-order follower whose setpoint leads by its time constant does not lag at all.
        """
        limits, dt = self.limits, self._dt_s
        jacobian, self._tool = self._arm.jacobian(self.q, self._tcp)
        wanted = self._limited(self._wanted(jacobian), jacobian)
        speed = _towards(self.qd, wanted, limits.joint_acceleration * dt)
        self.blocked = self._trouble_ahead(speed)
        if self.blocked:
            speed = _towards(self.qd, np.zeros(6), limits.joint_acceleration * dt)
        self.qd = speed
        self.q = self.q + speed * dt
        if self._slack > _SLACKS[0] and self._inside(self.q, _SLACKS[0]):
            self._slack = _SLACKS[0]
        stuck = bool(self.blocked) and not self._moving
        self.blocked_s = self.blocked_s + dt if stuck else 0.0
        return self._leading(jacobian)

    @property
    def _moving(self) -> bool:
        return float(np.abs(self.qd).max()) > 1e-3

    def _wanted(self, jacobian: Array) -> Array:
        """Return the joint speeds that lead to the target."""
        course, limits = self._course, self.limits
        if course is None:
            return np.zeros(6)
        course.advance(self._dt_s)
        if course.target.joints is not None:
            error = course.point - self.q
            largest = float(np.abs(error).max())
            rate = self._approach(largest, 0.5 * limits.joint_acceleration)
            wanted = course.speed + error * (rate / max(largest, 1e-12))
            return _shortened(wanted, limits.joint_speed * self.pace, float(np.abs(wanted).max()))
        error = pose_error(course.point, matrix_pose(self._tool))
        now, pass_by = jacobian @ self.qd, course.speed
        twist = np.concatenate(
            [
                self._part(
                    error[:3], now[:3], pass_by[:3], limits.tool_speed, limits.tool_acceleration
                ),
                self._part(
                    error[3:], now[3:], pass_by[3:], limits.turn_speed, limits.turn_acceleration
                ),
            ]
        )
        room = manipulability(jacobian)
        damping = 1e-10 if room > _DAMPED_BELOW else 1e-3 * (1.0 - room / _DAMPED_BELOW) ** 2
        return np.asarray(
            jacobian.T @ np.linalg.solve(jacobian @ jacobian.T + damping * np.eye(6), twist)
        )

    def _part(
        self, error: Array, now: Array, pass_by: Array, fastest: float, acceleration: float
    ) -> Array:
        """Return the next speed (3,) of the tool's position, or of its turning."""
        distance = float(np.linalg.norm(error))
        rate = self._approach(distance, 0.8 * acceleration)
        wanted = pass_by + error * (rate / max(distance, 1e-12))
        wanted = _shortened(wanted, fastest * self.pace, float(np.linalg.norm(wanted)))
        change = wanted - now
        return now + _shortened(change, acceleration * self._dt_s, float(np.linalg.norm(change)))

    def _approach(self, distance: float, braking: float) -> float:
        """Return the speed from which ``braking`` stops within ``distance``."""
        return min(math.sqrt(2.0 * braking * distance), distance / (4.0 * self._dt_s))

    def _limited(self, speed: Array, jacobian: Array) -> Array:
        """Slow down as a whole until no joint and neither part of the tool is too fast."""
        return speed / max(1.0, self._share(speed, jacobian) * self._ripple)

    def _share(self, speed: Array, jacobian: Array) -> float:
        """Return how much of the speed limits ``speed`` (6,) takes, 1 for all of the nearest."""
        limits = self.limits
        twist = jacobian @ speed
        return max(
            float(np.abs(speed).max()) / limits.joint_speed,
            float(np.linalg.norm(twist[:3])) / limits.tool_speed,
            float(np.linalg.norm(twist[3:])) / limits.turn_speed,
        )

    def _trouble_ahead(self, speed: Array) -> str:
        """Return which limit braking from the next setpoint would break."""
        ahead = self.q + speed * self._dt_s
        time_s = float(np.abs(speed).max()) / self.limits.joint_acceleration + self._dt_s
        for share in (0.375, 0.5):
            q = ahead + speed * (share * time_s)
            trouble = self.limits.trouble(self._arm, q, self._tcp, self._slack)
            if trouble:
                return trouble
        return ""

    def _leading(self, jacobian: Array) -> Array:
        """Return the setpoint with as much of the lead as stays within the limits.

        An arm that had less of it, at a wall or for want of speed, is behind and would make up for
        that at once, above its speed. So the arm is followed as well: it takes the way to its
        setpoint in the time of the lag, and is shown no setpoint that is further than its speed
        allows.
        """
        if self._lag_s == 0.0:
            return self.q
        lead = self.qd * self._lag_s
        share = 1.0
        if lead.any() and not self.allows(self.q + lead):
            share = 0.0
            for more in (1 / 2, 1 / 4, 1 / 8, 1 / 16):
                share += more * self.allows(self.q + lead * (share + more))
        way = self.q + lead * share - self._followed
        way = way / max(1.0, self._share(way / self._lag_s, jacobian))
        setpoint = self._followed + way
        self._followed = self._followed + way * min(1.0, self._dt_s / self._lag_s)
        return np.asarray(setpoint)

    def _inside(self, q: Array, slack: float) -> bool:
        return not self.limits.trouble(self._arm, q, self._tcp, slack)


def ripple(dt_s: float, lag_s: float) -> float:
    """Return how much faster than its setpoints an arm is at first in each period.

    That is so where the setpoint leads by a lag and is held for the period.
    """
    return 1.0 + dt_s / lag_s if lag_s > 0 else 1.0


def _towards(now: Array, wanted: Array, most: float) -> Array:
    change = wanted - now
    return now + _shortened(change, most, float(np.abs(change).max()))


def _shortened(vector: Array, most: float, size: float) -> Array:
    return vector if size <= most else np.asarray(vector * (most / size))
