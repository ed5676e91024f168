"""The near end of the arm's process: start it, order it, watch it, end it in bounded time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any, Protocol

from steer_gym.robot import Fault, FaultCode, RobotError, Target

from .arm_settings import ArmSettings
from .moments import age_at, status_at
from .status import ArmStatus, StatusBoard, create_board_file
from .stream import StreamReport

_START_S = 15.0
_ARM_S = 15.0
_CLOSE_S = 2.5
_JITTER_S = 0.015


class Arm(Protocol):
    """An arm as ``UR5`` uses it: in a process of its own, or stepped in this one."""

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault."""

    def status(self) -> ArmStatus:
        """Return the newest status, after noticing faults."""

    def status_at(self, moment_s: float) -> ArmStatus:
        """Return the status at a moment of the monotonic clock."""

    def still_armed(self) -> bool:
        """Tell whether the arm is armed, as it says itself; never waits, and any thread may ask."""

    def arm(self) -> None:
        """Allow motion; raises ``RobotError``."""

    def aim(self, target: Target, pace: float) -> None:
        """Go there, without waiting."""

    def wait(self, seconds: float) -> None:
        """Let time pass until ``seconds`` after the last wait; if that is past, ``seconds``."""

    def disarm(self) -> None:
        """Stop and disarm; never raises."""

    def close(self) -> None:
        """Free everything; safe to call twice."""


class ArmProcess:
    """The arm in a process of its own; see ``Arm``."""

    def __init__(self, settings: ArmSettings) -> None:
        """Start the process and wait until it reads the controller.

        Raises:
            RobotError: It did not connect, with its reason.
        """
        self.settings = settings
        self._fault: Fault | None = None
        self._last: ArmStatus | None = None
        self._fault_words: dict[str, Any] | None = None
        self._owner = os.getpid()
        self._in = bytearray()
        self._ordered = 0
        self._due_s = time.monotonic()
        self._thought_s = 0.0
        self._closed = False
        near, far = socket.socketpair()
        self._channel = near
        self._file = create_board_file()
        self._board = StatusBoard(self._file.fileno())
        with far:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "steer_gym.hardware.arm_process"),
                    *(str(far.fileno()), str(self._file.fileno()), str(os.getpid())),
                    json.dumps(settings.to_json()),
                ],
                pass_fds=(far.fileno(), self._file.fileno()),
                stdin=subprocess.DEVNULL,
            )
        try:
            self._await("connected", _START_S)
            self._last = self._board.read()
        except RobotError:
            self.kill()
            self.close()
            raise

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault; ``status`` looks for new ones."""
        return self._fault

    @property
    def pid(self) -> int:
        """Return the process id of the arm's process."""
        return self._process.pid

    def status(self) -> ArmStatus:
        """Return the newest status; see ``Arm.status``.

        Raises:
            RobotError: There has been no reading at all.
        """
        if not self._closed:
            self._last = self._board.read() or self._last
        status = self._last
        if status is None:
            raise RobotError("The arm's process has read nothing yet.")
        silent_s = time.monotonic() - status.reported_s
        if self._fault is None and not self._closed:
            self._notice(status, silent_s)
        armed = status.armed and self._fault is None and not self._closed
        return replace(status, age_s=max(status.age_s, silent_s), armed=armed)

    def status_at(self, moment_s: float) -> ArmStatus:
        """Return the status at a moment; see ``Arm.status_at``."""
        latency_s = self.settings.latency_s
        seen_s = moment_s + latency_s
        status = status_at(self._board.around(seen_s), seen_s)
        now_s = time.monotonic()
        return replace(status, age_s=age_at(status, moment_s, now_s=now_s, latency_s=latency_s))

    def still_armed(self) -> bool:
        """Tell whether the arm is armed; see ``Arm.still_armed``."""
        status = None if self._closed or self._board.lost else self._board.read()
        if status is None or not status.armed:
            return False
        return time.monotonic() - status.reported_s <= self.settings.stale_s

    def arm(self) -> None:
        """Allow motion; see ``Arm.arm``."""
        try:
            self._ask("arm", "armed", _ARM_S)
        except RobotError:
            # It may still arm itself, later, when nobody waits for it.
            self.disarm()
            raise
        self._due_s = time.monotonic()

    def aim(self, target: Target, pace: float) -> None:
        """Go there; see ``Arm.aim``."""
        name = "pose" if target.joints is None else "joints"
        values = getattr(target, name)
        order = {"do": "aim", "pace": pace, "in_s": target.in_s, name: values.tolist()}
        self._order({**order, "since_s": time.monotonic() - self._jitter_s()})

    def wait(self, seconds: float) -> None:
        """Sleep; see ``Arm.wait``."""
        now = time.monotonic()
        self._due_s += seconds
        if self._due_s < now:
            self._due_s = now + seconds
        time.sleep(self._due_s - now)

    def _jitter_s(self) -> float:
        """Return by how much the caller thought longer than usual, where that is but a little.

        So targets are evenly spaced although their commands are not.
        """
        jitter = time.monotonic() - self._due_s - self._thought_s
        if abs(jitter) > _JITTER_S:
            self._thought_s += jitter
            return 0.0
        self._thought_s += 0.2 * jitter
        return jitter

    def periods(self) -> list[float]:
        """Return the servo's last periods [s], at most 5000."""
        seconds: list[float] = self._ask("periods", "periods", 5.0)["seconds"]
        return seconds

    def stream(self) -> StreamReport:
        """Return how evenly the last half second of readings came."""
        told = self._ask("stream", "stream", 5.0)
        return StreamReport(**{name: told[name] for name in ("rate_hz", "gap_s", "span_s")})

    def disarm(self) -> None:
        """Stop and disarm; see ``Arm.disarm``."""
        with contextlib.suppress(RobotError):
            self._ask("disarm", "disarmed", _CLOSE_S)

    def kill(self) -> None:
        """End the process at once; the controller's watchdog stops the arm."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Stop the arm and end the process in bounded time; nothing happens in a forked child."""
        if self._closed or os.getpid() != self._owner:
            return
        self._closed = True
        with contextlib.suppress(RobotError):
            self._order({"do": "close"})
        try:
            self._process.wait(timeout=_CLOSE_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._channel.close()
        self._board.close()
        self._file.close()

    def _notice(self, status: ArmStatus, silent_s: float) -> None:
        """Latch what went wrong, and leave no half-dead process behind."""
        code = self._process.poll()
        if status.code is not None:
            detail, time_s = self._words(status)
            self._fault = Fault(code=status.code, detail=detail, time_s=time_s)
        elif self._board.lost:
            self._latch(FaultCode.CONNECTION_LOST, "the RTDE connection was lost", status)
        elif code is not None:
            self._latch(FaultCode.CONNECTION_LOST, f"the arm's process ended ({code})", status)
        elif status.armed and silent_s > self.settings.stale_s:
            self._latch(FaultCode.STALE_STATE, f"no report for {silent_s:.3f} s", status)
            self.kill()

    def _latch(self, code: FaultCode, detail: str, status: ArmStatus) -> None:
        self._fault = Fault(code=code, detail=detail, time_s=status.sample.time_s)

    def _words(self, status: ArmStatus) -> tuple[str, float]:
        if self._fault_words is None:
            with contextlib.suppress(RobotError):
                self._await("fault", 0.5)
        words = self._fault_words or {"detail": "", "time_s": status.sample.time_s}
        return words["detail"], words["time_s"]

    def _ask(self, do: str, event: str, timeout_s: float) -> dict[str, Any]:
        """Give an order and return its answer; those to earlier orders come too late."""
        self._order({"do": do})
        return self._await(event, timeout_s, self._ordered)

    def _order(self, order: dict[str, Any]) -> None:
        self._ordered += 1
        try:
            line = json.dumps({**order, "number": self._ordered})
            self._channel.sendall(line.encode() + b"\n")
        except OSError as error:
            raise RobotError(f"The arm's process is gone: {error}.") from error

    def _await(self, event: str, timeout_s: float, number: int | None = None) -> dict[str, Any]:
        """Return the next message of this kind, in answer to the order of a number if one is given.

        Others are dropped.
        """
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            message = self._message(left)
            if message is None:
                raise RobotError(f"The arm's process {self._ended()}.")
            if message["event"] == "fault":
                self._fault_words = message
            if message.get("number") != number:
                continue
            if message["event"] == event:
                return message
            if message["event"] == "refused":
                raise RobotError(message["detail"])
        raise RobotError(f"The arm's process did not say {event!r} within {timeout_s:.1f} s.")

    def _ended(self) -> str:
        """Return how the process ended that closed its channel, after ending it if it did not."""
        try:
            return f"ended with status {self._process.wait(timeout=1.0)}"
        except subprocess.TimeoutExpired:
            self.kill()
            return "closed its channel and went on, so that it was killed"

    def _message(self, timeout_s: float) -> dict[str, Any] | None:
        """Return the next message; ``None`` when the process closed its end."""
        end = time.monotonic() + timeout_s
        while b"\n" not in self._in:
            self._channel.settimeout(max(0.001, end - time.monotonic()))
            try:
                data = self._channel.recv(65536)
            except TimeoutError:
                return {"event": "nothing"}
            except OSError:
                return None
            if not data:
                return None
            self._in += data
        line, _, rest = bytes(self._in).partition(b"\n")
        self._in = bytearray(rest)
        message: dict[str, Any] = json.loads(line)
        return message
