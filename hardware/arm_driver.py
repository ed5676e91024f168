"""One arm, cycle by cycle: read, supervise, step the servo, send. Knows no sockets, no clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from steer_gym.robot import LONGEST_S, Fault, FaultCode, RobotError, Target

from .arm_settings import ArmSettings
from .force_guard import ForceGuard
from .freshness import Freshness
from .kinematics import arm_model, tool
from .limits import LARGEST_SLACK
from .poses import Array
from .sample import ArmSample
from .servo import Servo
from .supervision import Finding, program_finding, safety_finding

STOP_DECELERATIONS = (4.0, 40.0)
"""Least and most that ``servoStop`` brakes with [rad/s^2]."""
_YIELD_S = 0.5
"""For how long after a force limit the arm lets itself be pushed, before it stops."""
_REASON_CYCLES = 3
"""ur_rtde refuses by a stream of its own, which may be ahead of ours."""


class ArmPort(Protocol):
    """The way to a controller: genuine ur_rtde, or a simulator in the same process."""

    def read(self) -> ArmSample | None:
        """Return the newest sample; ``None`` when the connection is lost."""

    def start(self) -> None:
        """Start the control program, set tool and payload, arm the controller's watchdog.

        Raises:
            RobotError: It did not start, or does not show what was set; with the reason.
        """

    def finding(self) -> Finding | None:
        """Return what is wrong beside the readings since ``start``, without waiting."""

    def servo(self, q: Array) -> bool:
        """Send a setpoint (6,) [rad]; false when the controller did not take it."""

    def stop(self, deceleration: float) -> None:
        """Stop the arm and end the program; never raises."""


class ArmDriver:
    """Drives one arm through its port; ``cycle`` is called at the servo's rate."""

    def __init__(self, settings: ArmSettings, port: ArmPort) -> None:
        self.settings = settings
        self.armed = False
        self.fault: Fault | None = None
        self.sample: ArmSample | None = None
        self.age_s = 0.0
        """How old the newest reading is."""
        self.late = 0
        """How often the arm had to hold for want of a target, or a reading came late."""
        self._port = port
        dt_s = 1.0 / settings.rate_hz
        self.servo = Servo(
            arm_model(settings.arm), tool(settings.tcp), settings.limits, dt_s, settings.lag_s
        )
        self.forces = ForceGuard(settings.limits, dt_s)
        self._freshness = Freshness()
        self._next: tuple[Target, float] | None = None
        self._aimed_s: float | None = None
        self._pace = self._scaling = 1.0
        self._stop_in: int | None = None
        """Cycles until a fault stops the arm, in which it yields; ``None``: no stop is due."""
        self._refused = 0

    def arm(self, now_s: float) -> None:
        """Start to hold the present posture, and allow motion.

        Raises:
            RobotError: There is a fault, the arm is not in a state to move, or the tool feels a
                force while it rests; says why.
        """
        sample = self._require_ready(now_s)
        arm, tcp = arm_model(self.settings.arm), tool(self.settings.tcp)
        trouble = self.settings.limits.trouble(arm, sample.q, tcp, LARGEST_SLACK)
        if trouble:
            raise RobotError(
                f"The arm stands outside its limits ({trouble}): TCP at "
                f"{np.round(sample.tcp_pose[:3], 3).tolist()} m. Move it inside by hand, with "
                "free drive on the pendant, or give other limits."
            )
        self._port.start()
        fresh = self._port.read()
        if fresh is None:
            raise RobotError("The connection was lost while the control program started.")
        self.sample = fresh
        self._take_force_at_rest(fresh.force)
        self.servo.start(fresh.q)
        self._next, self._aimed_s, self._refused = None, None, 0
        self.armed = True

    def aim(self, target: Target, pace: float, now_s: float) -> None:
        """Go to ``target`` with this share of the speed limits."""
        if self.armed:
            self._next = target, now_s
            self._pace = pace
            self._aimed_s = now_s

    def disarm(self) -> None:
        """Stop and end the control program, at once."""
        if self.armed or self._stop_in is not None:
            self.armed, self._stop_in = False, None
            self._port.stop(self._deceleration)

    def cycle(self, now_s: float) -> None:
        """Read, supervise, and send one setpoint if armed."""
        sample = self._port.read()
        if sample is None:
            self._fail(FaultCode.CONNECTION_LOST, "the RTDE connection is lost")
            return
        before, self.age_s = self.age_s, self._freshness.age_s(sample.time_s, now_s)
        self.late += before <= 0.5 * self.settings.stale_s < self.age_s
        self.sample = sample
        if not self.armed:
            self._yield(sample)
            return
        finding = (
            safety_finding(sample)
            or program_finding(sample)
            or self._port.finding()
            or self.forces.see(sample.force)
        )
        if self.age_s > self.settings.stale_s:
            finding = FaultCode.STALE_STATE, f"the newest reading is {self.age_s:.3f} s old"
        if finding:
            self._fail(*finding)
            self._yield(sample)
        elif self._refused:
            self._await_reason()
        else:
            self._servo(now_s)

    def settle(self) -> None:
        """Do what takes time after a fault, once it has been reported: stop, end the program."""
        if self._stop_in == 0:
            self._stop_in = None
            self._port.stop(self._deceleration)

    @property
    def _deceleration(self) -> float:
        """Return what stops the arm in 0.7 of the watchdog's period.

        Nothing is sent while ``servoStop`` brakes: if that took longer, the watchdog would turn
        every stop from full speed into a protective stop.
        """
        least, most = STOP_DECELERATIONS
        if self.fault and self.fault.code is FaultCode.FORCE_LIMIT:
            return most
        speed = float(np.abs(self.servo.qd).max())
        return min(most, max(least, speed * self.settings.watchdog_hz / 0.7))

    def _take_force_at_rest(self, force: Array) -> None:
        """Count forces from here on; an arm that presses on something could press twice as hard."""
        push, most = float(np.linalg.norm(force[:3])), self.settings.limits.force_warning
        if push > most:
            self._port.stop(self._deceleration)
            raise RobotError(
                f"The tool feels {push:.0f} N at rest, more than force_warning = {most:g} N. Free "
                "it by hand if it presses on something; else tell the payload that it carries, or "
                "zero the sensor on the pendant."
            )
        self.forces.zero(force)

    def _yield(self, sample: ArmSample) -> None:
        """After a force limit, go where the arm is pushed, so that it presses no longer.

        An arm that stops where its setpoint is stays bent around what it met: a spring.
        """
        if not self._stop_in:
            return
        self._stop_in -= 1
        if self.age_s > self.settings.stale_s:
            self._stop_in = None  # as in ``_fail``
        elif (
            safety_finding(sample)
            or program_finding(sample)
            or not self.servo.allows(sample.q)
            or not self._port.servo(sample.q)
        ):
            self._stop_in = 0

    def _servo(self, now_s: float) -> None:
        if self._aimed_s is not None and now_s - self._aimed_s > self.settings.deadman_s:
            self.late += 1
            self._next, self._aimed_s = None, None
            self.servo.aim(None)
        self._turn_to_next(now_s)
        self._follow_speed_scaling()
        setpoint = self.servo.step()
        if self.servo.blocked_s > self.settings.limits.patience_s:
            waited = f"blocked by {self.servo.blocked} for {self.servo.blocked_s:.1f} s"
            self._fail(FaultCode.IK_FAILED, f"the target is out of reach, {waited}")
        elif not self._port.servo(setpoint):
            self._refused = 1

    def _turn_to_next(self, now_s: float) -> None:
        """Take the last target, less the time that it has waited for this cycle."""
        if self._next is None:
            return
        (target, since_s), self._next = self._next, None
        if target.in_s is not None:
            dt_s = 1.0 / self.settings.rate_hz
            # Rounded, so that an episode is the same whenever it begins.
            left_s = round(since_s + target.in_s - now_s + dt_s, 9)
            target = replace(target, in_s=min(LONGEST_S, max(dt_s, left_s)))
        self.servo.aim(target)

    def _follow_speed_scaling(self) -> None:
        """Go as slowly as the controller allows, and never catch up when it allows more.

        A controller that scales the speed lags behind the setpoints; when the scale rises, it would
        make up for that at more than the limits.
        """
        assert self.sample is not None
        scaling = min(1.0, max(0.0, self.sample.speed_scaling))
        if scaling != self._scaling:
            self._scaling = scaling
            self.servo.take(self.sample.q, self.sample.qd)
        self.servo.pace = min(self._pace, self.forces.pace, scaling)

    def _await_reason(self) -> None:
        """Send nothing more; the next readings may say why a setpoint was not taken."""
        self._refused += 1
        if self._refused > _REASON_CYCLES:
            self._fail(FaultCode.COMMAND_REFUSED, "servoJ was not taken")

    def _fail(self, code: FaultCode, detail: str) -> None:
        time_s = self.sample.time_s if self.sample else 0.0
        if self.armed and self.fault is None:
            self.fault = Fault(code=code, detail=detail, time_s=time_s)
        # A link that is stale or lost is left silent: the controller's watchdog stops the arm.
        silent = code in (FaultCode.STALE_STATE, FaultCode.CONNECTION_LOST)
        yields_s = _YIELD_S if code is FaultCode.FORCE_LIMIT else 0.0
        stops = self.armed and not silent
        self._stop_in = round(yields_s * self.settings.rate_hz) if stops else None
        if not self.armed and code is FaultCode.CONNECTION_LOST:
            self.fault = self.fault or Fault(code=code, detail=detail, time_s=time_s)
        self.armed = False

    def _require_ready(self, now_s: float) -> ArmSample:
        if self.fault:
            raise RobotError(f"There is a fault: {self.fault}.")
        self.sample = self._port.read()
        if self.sample is None:
            raise RobotError("There is no connection to the controller.")
        finding = safety_finding(self.sample)
        if finding:
            raise RobotError(f"The robot is not ready, {finding[0]}: {finding[1]}.")
        self.age_s = self._freshness.age_s(self.sample.time_s, now_s)
        if self.age_s > self.settings.stale_s:
            raise RobotError(
                f"The newest reading is {self.age_s:.3f} s old, more than stale_s = "
                f"{self.settings.stale_s:g} s: the link or this computer is behind. Mend that, or "
                "connect with stale_s above it, if a stop that comes so late may be borne."
            )
        return self.sample
