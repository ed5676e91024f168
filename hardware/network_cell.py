"""A controller on the network, real or simulated: dashboard, gripper, cameras."""

from __future__ import annotations

import time
from collections.abc import Mapping

from steer_gym.robot import RobotError, RobotIdentity, Scene

from .arm_link import Arm, ArmProcess
from .arm_settings import ArmSettings
from .cameras import CameraSet, CameraSettings
from .cell import Eyes, Hand, NoHand
from .dashboard import Dashboard
from .host_lock import HostLock
from .robotiq import RobotiqHand, RobotiqSettings

CONTROL_PROGRAM = "rtde_control"
"""The name of ur_rtde's script, as the dashboard has it."""
_UNLOCK_LIMIT_S = 15.0


class NetworkCell:
    """A controller on the network, real or simulated: dashboard, gripper and cameras."""

    def __init__(
        self,
        settings: ArmSettings,
        *,
        cameras: Mapping[str, CameraSettings],
        gripper: RobotiqSettings | None,
        simulated: bool,
        scene: Scene | None = None,
    ) -> None:
        """Connect to everything but the arm; raises ``RobotError`` with the reason."""
        self._settings = settings
        self._cameras = dict(cameras)
        self._gripper = gripper
        self.scene = scene
        with Dashboard(settings.host) as dashboard:
            report = dashboard.report()
        self.identity = RobotIdentity(
            host=settings.host,
            model=report.model,
            serial=report.serial,
            software=report.software,
            simulated=simulated,
        )
        self._lock = HostLock(settings.host)
        self.hand: Hand = NoHand()
        self.eyes: Eyes = CameraSet({})
        try:
            self._connect()
        except BaseException:
            self.close()
            raise

    def connect_arm(self) -> Arm:
        """Start a new process for the arm; see ``Cell.connect_arm``."""
        return ArmProcess(self._settings)

    def reason_not_to_move(self) -> str:
        """Ask the dashboard; see ``Cell.reason_not_to_move``."""
        with Dashboard(self._settings.host) as dashboard:
            return dashboard.report().reason_not_to_move()

    def clear_stop(self) -> None:
        """Unlock a protective stop, not sooner than the controller allows it.

        Ends the control program that a dead client may have left behind, and no other.
        """
        with Dashboard(self._settings.host) as dashboard:
            if CONTROL_PROGRAM in dashboard.ask("programState"):
                dashboard.ask("stop")
            report = dashboard.report()
            if report.safety_status == "PROTECTIVE_STOP":
                self._unlock(dashboard)
                report = dashboard.report()
        if report.safety_status not in ("NORMAL", "REDUCED") or report.robot_mode != "RUNNING":
            raise RobotError(
                f"Safety status is {report.safety_status} and robot mode {report.robot_mode}. "
                "A person has to end this at the robot: release the stop, power the robot on and "
                "release its brakes on the pendant; then call recover again."
            )

    def renew(self) -> None:
        """Connect to gripper and cameras afresh; see ``Cell.renew``."""
        self.hand.close()
        self.eyes.close()
        self._connect()

    def close(self) -> None:
        """Free everything but the arm."""
        self.hand.close()
        self.eyes.close()
        self._lock.close()

    def _connect(self) -> None:
        if self._gripper:
            self.hand = RobotiqHand(self._settings.host, self._gripper)
        self.eyes = CameraSet(self._cameras)

    def _unlock(self, dashboard: Dashboard) -> None:
        end = time.monotonic() + _UNLOCK_LIMIT_S
        dashboard.ask("close safety popup")
        while "releasing" not in (answer := dashboard.ask("unlock protective stop")):
            if time.monotonic() > end:
                raise RobotError(f"The controller does not unlock: {answer}")
            time.sleep(0.25)
        while dashboard.report().safety_status == "PROTECTIVE_STOP":
            if time.monotonic() > end:
                raise RobotError("The protective stop stays although it was unlocked.")
            time.sleep(0.1)
