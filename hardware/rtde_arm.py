"""The port to a real controller: the genuine ur_rtde, driven so that its traps stay shut.

It belongs in a process of its own: ur_rtde ends the process by a segmentation fault when the
connection breaks, and its constructors hold Python's global lock.
"""

from __future__ import annotations

import contextlib
import threading
from typing import Any

import numpy as np

from steer_gym.extras import require
from steer_gym.robot import RobotError

from .arm_driver import ArmSettings
from .freshness import require_prompt
from .poses import Array
from .sample import ArmSample

_VARIABLES = [
    "timestamp",
    "actual_q",
    "actual_qd",
    "actual_TCP_pose",
    "actual_TCP_speed",
    "actual_TCP_force",
    "robot_mode",
    "robot_status_bits",
    "safety_mode",
    "safety_status_bits",
    "runtime_state",
    "speed_scaling",
]


class RtdeArm:
    """An ``ArmPort`` over RTDE; every call is made by one thread."""

    def __init__(self, settings: ArmSettings) -> None:
        """Connect for reading; moves nothing and starts nothing.

        Raises:
            RobotError: No controller answers.
        """
        self._settings = settings
        self._control: Any = None
        self._leaving: threading.Thread | None = None
        receive = require("rtde_receive", extra="ur5")
        try:
            self._receive = receive.RTDEReceiveInterface(
                settings.host, settings.rate_hz, _VARIABLES
            )
        except RuntimeError as error:
            raise RobotError(f"No RTDE at {settings.host}:30004: {error}") from error

    @property
    def connected(self) -> bool:
        """Tell whether the stream is connected; may be asked by any thread."""
        return bool(self._receive.isConnected())

    def read(self) -> ArmSample | None:
        """Return the newest sample; see ``ArmPort.read``."""
        if not self.connected:
            return None
        receive = self._receive
        return ArmSample(
            time_s=receive.getTimestamp(),
            q=np.array(receive.getActualQ()),
            qd=np.array(receive.getActualQd()),
            tcp_pose=np.array(receive.getActualTCPPose()),
            tcp_speed=np.array(receive.getActualTCPSpeed()),
            force=np.array(receive.getActualTCPForce()),
            robot_mode=receive.getRobotMode(),
            robot_bits=receive.getRobotStatus(),
            safety_mode=receive.getSafetyMode(),
            safety_bits=receive.getSafetyStatusBits(),
            runtime_state=int(receive.getRuntimeState()),
            speed_scaling=receive.getSpeedScaling(),
        )

    def start(self) -> None:
        """Upload the control program, set tool and payload, arm the watchdog.

        A new interface clears the command register before its script starts, so no old command
        runs again; ``reuploadScript`` would replay it, and is never used here.
        """
        settings = self._settings
        self._finish_leaving()
        control = require("rtde_control", extra="ur5")
        try:
            self._control = control.RTDEControlInterface(settings.host)
        except RuntimeError as error:
            raise RobotError(f"The control program did not start: {error}") from error
        done = (
            self._control.setTcp(list(settings.tcp))
            and self._control.setPayload(settings.payload_kg, list(settings.payload_cog))
            and np.allclose(self._control.getTCPOffset(), settings.tcp, atol=1e-6)
        )
        if done:
            self._require_prompt()
        if not (done and self._control.setWatchdog(settings.watchdog_hz)):
            self.stop(4.0)
            raise RobotError("The controller did not take tool, payload and watchdog.")

    def servo(self, q: Array) -> bool:
        """Send a setpoint; see ``ArmPort.servo``."""
        settings = self._settings
        return bool(
            self._control.servoJ(
                q.tolist(), 0.0, 0.0, 1.0 / settings.rate_hz, settings.lookahead_s, settings.gain
            )
        )

    def stop(self, deceleration: float) -> None:
        """Stop the arm and end the program; see ``ArmPort.stop``."""
        control, self._control = self._control, None
        if control is None:
            return
        with contextlib.suppress(RuntimeError):
            if control.isProgramRunning():
                control.servoStop(deceleration)
                control.stopScript()
        # ur_rtde takes half a second for it; the arm stands already.
        self._leaving = threading.Thread(target=_disconnect, args=(control,), daemon=True)
        self._leaving.start()

    def close(self) -> None:
        """Disconnect from reading."""
        self._receive.disconnect()
        self._finish_leaving()

    def _require_prompt(self) -> None:
        """Refuse a slow link; asked before the watchdog is armed, which would trip meanwhile."""
        try:
            require_prompt(self._control.getTCPOffset, self._settings.stale_s)
        except RobotError:
            self.stop(4.0)
            raise

    def _finish_leaving(self) -> None:
        if self._leaving:
            self._leaving.join()
            self._leaving = None


def _disconnect(control: Any) -> None:
    with contextlib.suppress(RuntimeError):
        control.disconnect()
