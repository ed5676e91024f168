"""Whether the robot is still in remote control: asked of the dashboard while the arm is armed."""

from __future__ import annotations

import threading
import time

from steer_gym.robot import FaultCode, RobotError

from .dashboard import REMOTE_QUESTION, Dashboard
from .supervision import Finding

_PAUSE_S = 0.1
"""Between an answer and the next question."""
_ANSWER_S = 0.8
"""How long one answer is waited for."""
SILENT_S = 2.0
"""A dashboard that has not said "true" for so long no longer supervises anything."""


class RemoteWatch:
    """Asks a few times a second, in a thread of its own; ``finding`` never waits.

    A CB3, and an e-Series before PolyScope 5.6, has no remote control that could be lost, and is
    not asked again.
    """

    def __init__(self, host: str) -> None:
        """Ask for the first time.

        Raises:
            RobotError: The dashboard does not answer, or the robot is in local control.
        """
        self._host = host
        self._local = False
        self._ended = threading.Event()
        self._heard_s = float("inf")
        with Dashboard(host, _ANSWER_S) as dashboard:
            answer = dashboard.ask(REMOTE_QUESTION)
        if answer == "false":
            raise RobotError(
                "The robot is in local control; switch it to remote control on the pendant."
            )
        if answer == "true":
            self._heard_s = time.monotonic()
            threading.Thread(target=self._run, name="remote", daemon=True).start()

    def finding(self) -> Finding | None:
        """Return that remote control is lost, or that nobody says so any more."""
        if self._local:
            return FaultCode.REMOTE_CONTROL_LOST, "the robot was switched to local control"
        silent_s = time.monotonic() - self._heard_s
        if silent_s > SILENT_S:
            detail = f"the dashboard has not said for {silent_s:.1f} s that it is in remote control"
            return FaultCode.REMOTE_CONTROL_LOST, detail
        return None

    def close(self) -> None:
        """Ask no more; the thread ends by itself."""
        self._ended.set()

    def _run(self) -> None:
        dashboard: Dashboard | None = None
        while not self._ended.wait(_PAUSE_S):
            try:
                dashboard = dashboard or Dashboard(self._host, _ANSWER_S)
                self._hear(dashboard.ask(REMOTE_QUESTION))
            except RobotError:
                if dashboard:
                    dashboard.close()
                dashboard = None
        if dashboard:
            dashboard.close()

    def _hear(self, answer: str) -> None:
        if answer == "true":
            self._heard_s = time.monotonic()
        elif answer == "false":
            self._local = True
