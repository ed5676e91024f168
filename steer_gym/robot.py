"""The contract of a robot arm: what ``hardware/`` implements and ``envs/ur5.py`` takes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError, UnknownNameError

ROBOTS: dict[str, str] = {
    "ur5": "steer_gym.hardware.connect:connect_ur5",
    "ur5-sim": "steer_gym.hardware.simulated:simulate_ur5",
}
"""Name -> ``module:callable``; it takes the keyword arguments of ``make_robot``."""


LONGEST_S = 1.0
"""No target may lie further ahead in time than this."""


class FaultCode(StrEnum):
    """Why a robot stopped; a fault stays until a person takes it back (``recover``)."""

    CONNECTION_LOST = "connection_lost"
    """The controller or the driver's own process is gone."""
    STALE_STATE = "stale_state"
    """What the controller says is old, or the driver does not report."""
    PROTECTIVE_STOP = "protective_stop"
    EMERGENCY_STOP = "emergency_stop"
    SAFEGUARD_STOP = "safeguard_stop"
    SAFETY_VIOLATION = "safety_violation"
    SAFETY_FAULT = "safety_fault"
    RECOVERY_MODE = "recovery_mode"
    THREE_POSITION_STOP = "three_position_stop"
    ROBOT_NOT_RUNNING = "robot_not_running"
    """Power or brakes went."""
    PROGRAM_STOPPED = "program_stopped"
    """The control program was stopped, paused or replaced."""
    REMOTE_CONTROL_LOST = "remote_control_lost"
    """Somebody switched the robot to local control, or its dashboard no longer says that nobody
    did."""
    COMMAND_REFUSED = "command_refused"
    """The controller did not take a command although nothing says why."""
    IK_FAILED = "ik_failed"
    """The target cannot be reached without leaving the limits, and stayed so."""
    FORCE_LIMIT = "force_limit"
    GRIPPER_FAULT = "gripper_fault"
    CAMERA_STALE = "camera_stale"
    """A camera is frozen, black, of another size, slow or gone."""
    TAKEN_OVER = "taken_over"
    """A person took over: by the free drive of the pendant, or by the hook of the robot."""
    HOMING_FAILED = "homing_failed"
    """The way home was not finished in its time."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A latched fault."""

    code: FaultCode
    detail: str
    """What was seen, in words."""
    time_s: float
    """On the controller's clock [s]."""

    def __str__(self) -> str:
        """Return code and detail."""
        return f"{self.code.upper()} at {self.time_s:.3f} s: {self.detail}"


class RobotError(SteerGymError, RuntimeError):
    """A robot cannot do what was asked; nothing was moved."""


class RobotFault(RobotError):  # noqa: N818, a fault is what people at robots call it
    """A robot has a latched fault; only ``recover(acknowledged_by=...)`` ends it."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(
            f"{fault}. Look at the robot, remove the cause, then call "
            'recover(acknowledged_by="your name") and arm().'
        )
        self.fault = fault


class TargetError(RobotError, ValueError):
    """A target has the wrong shape or type, or is not finite; nothing was sent."""


@dataclass(frozen=True, kw_only=True)
class RobotIdentity:
    """Which robot this is."""

    host: str
    model: str
    serial: str
    software: str
    simulated: bool


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What an arm can follow; targets that ask for more leave it behind."""

    tool_speed: float
    """[m/s]."""
    turn_speed: float
    """[rad/s]."""
    tool_acceleration: float
    """[m/s^2]."""
    turn_acceleration: float
    """[rad/s^2]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RobotState:
    """One measurement, with its age."""

    time_s: float
    """The controller's clock [s]."""
    age_s: float
    """How old this is [s]."""
    joints: NDArray[np.float64]
    """(6,) [rad]."""
    joint_speeds: NDArray[np.float64]
    """(6,) [rad/s]."""
    tcp_pose: NDArray[np.float64]
    """(6,) xyz [m] and rotation vector [rad], base frame."""
    tcp_speed: NDArray[np.float64]
    """(6,) [m/s] and [rad/s], base frame."""
    force: NDArray[np.float64]
    """(6,) force [N] and torque [Nm] that the world exerts at the tool, less the bias."""
    gripper: float
    """0 open to 1 closed."""
    gripper_age_s: float
    """How old that is [s]; 0 without a gripper."""
    speed_scaling: float
    """Share of the speed that the controller allows (slider, reduced mode)."""
    late: int
    """How often no command came in time and the arm had to hold, or its state came late."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Sight:
    """What the sensors saw at one moment, whenever they told."""

    state: RobotState
    """The robot at that moment; ``age_s`` is how long ago that was."""
    images: Mapping[str, NDArray[np.uint8]]
    """Each camera's image, (height, width, 3) RGB."""
    image_ages_s: Mapping[str, float]
    """How long ago each of them was taken [s]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """Where to go: a pose or joints, and the gripper."""

    pose: NDArray[np.float64] | None = None
    """(6,) xyz [m] and rotation vector [rad], base frame."""
    joints: NDArray[np.float64] | None = None
    """(6,) [rad]."""
    gripper: float | None = None
    """0 open to 1 closed; ``None`` leaves it."""
    in_s: float | None = None
    """When to be there [s from now], at an even pace; ``None``: as soon as the limits allow."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a target, before anything is sent."""
        if (self.pose is None) == (self.joints is None):
            raise TargetError("A target is a pose or joints: give one of them, not both.")
        name, values = ("pose", self.pose) if self.joints is None else ("joints", self.joints)
        array = np.asarray(values)
        if array.shape != (6,) or array.dtype.kind != "f":
            raise TargetError(
                f"{name} must be six floats, but has shape {array.shape} and dtype {array.dtype}."
            )
        if not np.isfinite(array).all():
            raise TargetError(f"{name} must be finite, but is {array}.")
        if self.gripper is not None and not 0.0 <= self.gripper <= 1.0:
            raise TargetError(f"gripper must be 0 (open) to 1 (closed), but is {self.gripper!r}.")
        if self.in_s is not None and not 0.0 < self.in_s <= LONGEST_S:
            raise TargetError(
                f"in_s must be above 0 and at most {LONGEST_S} s, but is {self.in_s!r}."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Accepted:
    """What became of a target."""

    target: Target
    """The target within the limits, which is where the robot goes."""
    clamps: tuple[str, ...] = ()
    """Which limits changed it, for example ``("workspace", "leash")``."""


class Scene(Protocol):
    """The things around a simulated robot, base frame."""

    def things(self) -> Mapping[str, NDArray[np.float64]]:
        """Return each thing's position [m] and quaternion (w first), (7,)."""

    def boxes(self) -> Mapping[str, NDArray[np.float64]]:
        """Return boxes around the parts of each thing, (parts, 6): centre, half extents [m]."""

    def move_thing(self, name: str, position: Sequence[float], yaw: float) -> None:
        """Put a thing somewhere, at rest; yaw [rad] about the vertical."""

    def restart(self) -> None:
        """Begin anew: the arm at home, open, without a program; everything else put away."""


class Robot(Protocol):
    """An arm with a gripper and cameras; not armed until ``arm`` is called."""

    @property
    def identity(self) -> RobotIdentity:
        """Return which robot this is."""

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault, if any."""

    @property
    def armed(self) -> bool:
        """Tell whether the robot will move when commanded."""

    @property
    def scene(self) -> Scene | None:
        """Return the simulated things; ``None`` for a real robot."""

    @property
    def home_joints(self) -> NDArray[np.float64]:
        """Return the joints (6,) [rad] that ``home`` goes to."""

    @property
    def envelope(self) -> Envelope:
        """Return what the arm can follow."""

    def arm(self) -> None:
        """Check everything and allow motion; raises ``RobotError`` with the reason otherwise."""

    def state(self) -> RobotState:
        """Return the newest measurement; works with a fault as long as there is a connection."""

    def observe(self, *, images: bool = True) -> Sight:
        """Return the last moment that all cameras have seen; raises ``RobotFault``.

        Without ``images`` there are none in it, and a simulation need not draw them.
        """

    def preview(self, target: Target) -> Accepted:
        """Return what ``command`` would make of ``target``; nothing is sent, nothing moves."""

    def command(self, target: Target) -> Accepted:
        """Go to ``target`` within the limits, without waiting; raises ``RobotFault``."""

    def wait(self, seconds: float) -> None:
        """Let time pass, at the pace of the robot's clock: until ``seconds`` after the last wait.

        For a caller who was slower than that, ``seconds`` pass from now, so that what is observed
        next has seen the last command at work.
        """

    def home(self) -> None:
        """Retract upwards, then go home, slowly and supervised; raises ``RobotFault``."""

    def stop(self, *, why: str = "") -> None:
        """Stop and disarm, and tell the journal why; never raises."""

    def recover(self, *, acknowledged_by: str) -> None:
        """Take back a fault on the word of a person; the robot stays disarmed."""

    def close(self) -> None:
        """Stop, disconnect and free everything, in bounded time; safe to call twice."""


def make_robot(name: str, **options: Any) -> Robot:
    """Return a connected robot, not armed.

    Args:
        name: One of ``ROBOTS``.
        **options: For the callable of that name, for example ``host=``.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if name not in ROBOTS:
        raise UnknownNameError("robot", name, ROBOTS)
    module, _, attribute = ROBOTS[name].partition(":")
    return cast(Robot, getattr(importlib.import_module(module), attribute)(**options))
