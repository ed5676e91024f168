"""The port to a real controller: the genuine ur_rtde, driven so that its traps stay shut.

It belongs in a process of its own: ur_rtde ends the process by a segmentation fault when the
connection breaks, and its constructors hold Python's global lock.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from steer_gym.extras import require
from steer_gym.robot import RobotError

from .arm_settings import ArmSettings
from .freshness import require_prompt
from .poses import Array
from .read_back import payload_taken, require_payload, require_tool
from .remote_watch import RemoteWatch
from .sample import ArmSample
from .stream import Stream, StreamReport
from .supervision import Finding

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
_PAYLOAD = ["payload", "payload_cog"]
"""Announced from PolyScope 3.11 and 5.5.1 on."""
_EVEN_WITHIN_S = 2.0
"""How long a disturbed stream may take to bring an even half second."""
_SHOWN_WITHIN_S = 0.5
"""How long the stream may take to show a payload."""


class RtdeArm:
    """An ``ArmPort`` over RTDE; every call but ``listen`` is made by one thread."""

    def __init__(self, settings: ArmSettings) -> None:
        """Connect for reading; moves nothing and starts nothing.

        Raises:
            RobotError: No controller answers.
        """
        self._settings = settings
        self._control: Any = None
        self._remote: RemoteWatch | None = None
        self._leaving: threading.Thread | None = None
        self._stream = Stream()
        self._shows_payload = True
        try:
            self._receive = self._subscribe()
        except RuntimeError as error:
            raise RobotError(f"No RTDE at {settings.host}:30004: {error}") from error

    def listen(self) -> bool:
        """Take note of when the newest reading was; false when the connection is lost.

        For another thread, several times a reading: cycles as fast as the stream would see some
        readings twice and miss others.
        """
        connected = bool(self._receive.isConnected())
        if connected:
            self._stream.hear(self._receive.getTimestamp())
        return connected

    def stream(self) -> StreamReport:
        """Return how evenly the last half second of readings came."""
        return self._stream.report()

    def require_stream(self) -> None:
        """Return once the last half second brought readings at nearly the rate.

        At once on a link that is well; one that was disturbed, or connected just now, has two
        seconds.

        Raises:
            RobotError: It did not; says what came instead.
        """
        rate_hz = self._settings.rate_hz
        _wait_until(lambda: not self.stream().trouble(rate_hz), _EVEN_WITHIN_S)
        trouble = self.stream().trouble(rate_hz)
        if trouble:
            raise RobotError(f"The robot is not ready, {trouble}.")

    def read(self) -> ArmSample | None:
        """Return the newest sample; see ``ArmPort.read``."""
        if not self._receive.isConnected():
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
        self._finish_leaving()
        control = require("rtde_control", extra="ur5")
        try:
            self._control = control.RTDEControlInterface(self._settings.host)
        except RuntimeError as error:
            raise RobotError(f"The control program did not start: {error}") from error
        try:
            self._set_up()
        except BaseException as error:
            self.stop(4.0)
            if isinstance(error, RuntimeError) and not isinstance(error, RobotError):
                raise RobotError(f"The control program stopped while arming: {error}") from error
            raise

    def finding(self) -> Finding | None:
        """Return that remote control was lost; see ``ArmPort.finding``."""
        return self._remote.finding() if self._remote else None

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
        remote, self._remote = self._remote, None
        if remote:
            remote.close()
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

    def _subscribe(self) -> Any:
        """Return the connection for reading, with the payload where the controller tells it."""
        receive = require("rtde_receive", extra="ur5").RTDEReceiveInterface
        host, rate_hz = self._settings.host, self._settings.rate_hz
        try:
            return receive(host, rate_hz, _VARIABLES + _PAYLOAD)
        except RuntimeError as error:
            if _PAYLOAD[0] not in str(error):
                raise
        self._shows_payload = False
        return receive(host, rate_hz, _VARIABLES)

    def _set_up(self) -> None:
        """Set tool and payload and read them back, then the watchdogs on both sides."""
        settings, control = self._settings, self._control
        kg, cog = settings.payload_kg, list(settings.payload_cog)
        if not (control.setTcp(list(settings.tcp)) and control.setPayload(kg, cog)):
            raise RobotError("The control program did not take tool and payload.")
        require_tool(settings, control.getTCPOffset())
        if self._shows_payload:
            _wait_until(lambda: payload_taken(settings, *self._payload()), _SHOWN_WITHIN_S)
            require_payload(settings, *self._payload())
        # Before the watchdog, which a slow link would trip meanwhile.
        require_prompt(control.getTCPOffset, settings.stale_s, settings.watchdog_hz)
        self._remote = RemoteWatch(settings.host)
        # Last: from here on it has to be kicked, which the first setpoint does.
        if not control.setWatchdog(settings.watchdog_hz):
            raise RobotError("The control program did not take the watchdog.")

    def _payload(self) -> tuple[float, list[float]]:
        return self._receive.getPayload(), self._receive.getPayloadCog()

    def _finish_leaving(self) -> None:
        if self._leaving:
            self._leaving.join()
            self._leaving = None


def _wait_until(condition: Callable[[], bool], within_s: float) -> None:
    end = time.monotonic() + within_s
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)


def _disconnect(control: Any) -> None:
    with contextlib.suppress(RuntimeError):
        control.disconnect()
