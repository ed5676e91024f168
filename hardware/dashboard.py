"""A client of the dashboard server, with a limit on every wait."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from steer_gym.robot import RobotError

PORT = 29999
REMOTE_QUESTION = "is in remote control"
"""Answered by ``true`` or ``false`` from PolyScope 5.6 on; not understood before, and on a CB3."""


@dataclass(frozen=True, kw_only=True)
class DashboardReport:
    """What a controller says about itself."""

    model: str
    serial: str
    software: str
    version: tuple[int, int]
    """PolyScope's major and minor version."""
    robot_mode: str
    safety_status: str
    program_runs: bool
    remote: bool | None
    """Whether it is in remote control; ``None``: this version has no such mode."""

    def reason_not_to_move(self) -> str:
        """Return why this robot cannot be armed, or an empty text."""
        major, minor = self.version
        if not ((major == 3 and minor >= 15) or (major == 5 and minor >= 4)):
            return f"PolyScope {self.software} is not supported; 3.15 and 5.4 or newer are"
        if self.remote is False:
            return "it is in local control; switch it to remote control on the pendant"
        if self.robot_mode != "RUNNING":
            return f"robot mode is {self.robot_mode}; power it on and release the brakes"
        if self.safety_status not in ("NORMAL", "REDUCED"):
            return f"safety status is {self.safety_status}"
        if self.program_runs:
            return "another program is running; stop it on the pendant"
        return ""


class Dashboard:
    """One connection; ask and read one line at a time."""

    def __init__(self, host: str, timeout_s: float = 2.0) -> None:
        """Connect and read the banner.

        Raises:
            RobotError: Nothing answers.
        """
        self._host = host
        try:
            self._socket = socket.create_connection((host, PORT), timeout=timeout_s)
            self._lines = self._socket.makefile("r", newline="\n")
            self._lines.readline()
        except OSError as error:
            raise RobotError(
                f"No dashboard server at {host}:{PORT}: {error}. Is the robot on, is the address "
                "right, and is the dashboard enabled in its settings?"
            ) from error

    def ask(self, request: str) -> str:
        """Return the answer to ``request``.

        Raises:
            RobotError: No answer came.
        """
        try:
            self._socket.sendall(f"{request}\n".encode("latin-1"))
            answer = self._lines.readline()
        except OSError as error:
            raise RobotError(f"The dashboard did not answer {request!r}: {error}.") from error
        if not answer:
            raise RobotError(f"The dashboard closed the connection at {request!r}.")
        return answer.strip()

    def report(self) -> DashboardReport:
        """Return what the controller says about itself."""
        software = self.ask("PolyscopeVersion")
        found = re.search(r"(\d+)\.(\d+)", software)
        if found is None:
            raise RobotError(f"The dashboard gave no version, but {software!r}.")
        version = int(found.group(1)), int(found.group(2))
        e_series = version >= (5, 6)
        return DashboardReport(
            model=self.ask("get robot model"),
            serial=self.ask("get serial number") if e_series else "",
            software=software,
            version=version,
            robot_mode=self.ask("robotmode").rpartition(": ")[2],
            safety_status=self.ask("safetystatus").rpartition(": ")[2],
            program_runs="true" in self.ask("running"),
            remote="true" in self.ask(REMOTE_QUESTION) if e_series else None,
        )

    def close(self) -> None:
        """Disconnect."""
        self._lines.close()
        self._socket.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self.close()
