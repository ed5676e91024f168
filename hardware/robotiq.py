"""The Robotiq gripper behind its URCap's socket; a limit on every wait, and a thread of its own."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass

import numpy as np

from steer_gym.errors import SteerGymError
from steer_gym.robot import FaultCode, RobotError

from .cell import StillArmed
from .orders import Orders
from .supervision import Finding

PORT = 63352
_ANSWER_S = 0.5
_ACTIVATION_S = 5.0
_POLL_S = 0.03
_KEPT = 32
_CLOSED = 255
_ACTIVE = 3
"""Of the register STA."""
_FAULTS = {
    5: "action delayed, activation must come first",
    7: "activation bit not set",
    8: "too hot",
    9: "no communication",
    10: "below minimum voltage",
    11: "automatic release in progress",
    12: "internal fault",
    13: "activation fault",
    14: "overcurrent",
    15: "automatic release completed",
}
"""Of the register FLT, from the 2F-85's manual."""


class RobotiqLine:
    """The protocol: ``GET`` and ``SET`` on one socket."""

    def __init__(self, host: str) -> None:
        """Connect.

        Raises:
            RobotError: Nothing answers.
        """
        try:
            self._socket = socket.create_connection((host, PORT), timeout=_ANSWER_S)
        except OSError as error:
            raise RobotError(
                f"No Robotiq gripper at {host}:{PORT}: {error}. Is its URCap installed and active?"
            ) from error

    def get(self, name: str) -> int:
        """Return a register.

        Raises:
            RobotError: No answer in time, or ``?``, which an arm without power gives.
        """
        words = self._ask(f"GET {name}\n").split()
        if len(words) != 2 or words[0] != name or not words[1].isdigit():
            raise RobotError(f"The gripper answered {' '.join(words)!r} to GET {name}.")
        return int(words[1])

    def set(self, **values: int) -> None:
        """Write registers; raises ``RobotError`` unless they are acknowledged."""
        text = " ".join(f"{name} {value}" for name, value in values.items())
        answer = self._ask(f"SET {text}\n")
        if answer != "ack":
            raise RobotError(f"The gripper answered {answer!r} to SET {text}.")

    def activate(self) -> None:
        """Activate, which opens and closes the fingers, unless it is active already."""
        if self.get("STA") == _ACTIVE:
            return
        self.set(ACT=0)
        self.set(ATR=0)
        self.set(ACT=1)
        end = time.monotonic() + _ACTIVATION_S
        while self.get("STA") != _ACTIVE:
            if time.monotonic() > end:
                raise RobotError(f"The gripper was not active after {_ACTIVATION_S:.0f} s.")
            time.sleep(0.02)

    def close(self) -> None:
        """Disconnect."""
        self._socket.close()

    def _ask(self, text: str) -> str:
        try:
            self._forget_late_answers()
            self._socket.sendall(text.encode("ascii"))
            return self._socket.recv(1024).decode("ascii", "replace").strip()
        except OSError as error:
            raise RobotError(f"The gripper did not answer {text.strip()!r}: {error}.") from error

    def _forget_late_answers(self) -> None:
        while select.select([self._socket], [], [], 0.0)[0]:
            if not self._socket.recv(1024):
                raise ConnectionError("it closed the connection")


@dataclass(frozen=True, kw_only=True)
class RobotiqSettings:
    """How a gripper is driven."""

    latency_s: float = 0.03
    """How long after an order the fingers begin to move [s]; ``benchmarks/ur5_latency.py`` measures
    it. An order that belongs to a target with a time is held back until so long before it, so that
    arm and fingers act at the same moment. 28 ms in the simulator; never measured on a gripper."""
    speed: int = 255
    """0 to 255, which is 20 to 150 mm/s."""
    force: int = 60
    """0 to 255, which is 20 to 235 N."""

    def __post_init__(self) -> None:
        """Refuse what no gripper takes."""
        if not 0.0 <= self.latency_s <= 1.0:
            raise SteerGymError(f"latency_s must be 0 to 1 s, not {self.latency_s!r}.")
        for name in ("speed", "force"):
            if not 0 <= getattr(self, name) <= 255:
                raise SteerGymError(f"{name} must be 0 to 255, not {getattr(self, name)!r}.")


class RobotiqHand:
    """Keeps the gripper's newest position and sends it what is due, in a thread."""

    def __init__(self, host: str, settings: RobotiqSettings | None = None) -> None:
        """Connect and read; the fingers do not move before ``activate``.

        Raises:
            RobotError: Nothing answers.
        """
        self._line = RobotiqLine(host)
        self._turn = threading.Lock()
        self._settings = settings or RobotiqSettings()
        self._active = False
        self._orders = Orders()
        self._still_armed: StillArmed = lambda: False
        self._ordered = threading.Event()
        self._sent: int | None = None
        self._read_before: deque[tuple[float, float]] = deque(maxlen=_KEPT)
        self._seen_s = time.monotonic()
        self._trouble = ""
        # An arm without power answers "?", and may be read all the same.
        with contextlib.suppress(RobotError):
            self._read()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gripper", daemon=True)
        self._thread.start()

    def activate(self) -> None:
        """Make it ready; the fingers may move."""
        with self._turn:
            self._line.activate()
            self._read()
            self._active = True

    def aim(self, opening: float, in_s: float, still_armed: StillArmed) -> None:
        """Go to ``opening``, 0 open to 1 closed, in time; see ``Hand.aim``."""
        self._still_armed = still_armed
        hold_s = max(0.0, in_s - self._settings.latency_s)
        self._orders.add(opening, time.monotonic() + hold_s)
        self._ordered.set()

    def forget(self) -> None:
        """Take back what is not due yet."""
        self._orders.forget()

    def opening(self, moment_s: float | None = None) -> float:
        """Return the newest opening, 0 open to 1 closed; or that of a moment."""
        read = list(self._read_before)
        if moment_s is None or not read:
            return read[-1][1] if read else 0.0
        times, openings = zip(*read, strict=True)
        return float(np.interp(moment_s, times, openings))

    def age_s(self, moment_s: float | None = None) -> float:
        """Return how old ``opening`` is [s]; before the first answer, how long there was none."""
        newest_s = self._read_before[-1][0] if self._read_before else self._seen_s
        return time.monotonic() - min(newest_s, newest_s if moment_s is None else moment_s)

    def finding(self) -> Finding | None:
        """Return what is wrong with the gripper, if anything."""
        if self._trouble:
            return FaultCode.GRIPPER_FAULT, self._trouble
        silent = time.monotonic() - self._seen_s
        if self._active and silent > 3 * _ANSWER_S:
            return FaultCode.GRIPPER_FAULT, f"no position for {silent:.1f} s"
        return None

    def close(self) -> None:
        """End the thread and disconnect; the fingers stay as they are."""
        self._ended.set()
        self._ordered.set()
        self._thread.join(timeout=2 * _ANSWER_S)
        self._line.close()

    def _run(self) -> None:
        while self._awaited():
            with self._turn:
                try:
                    self._exchange()
                except RobotError as error:
                    if self._active:
                        self._trouble = str(error)
                        return

    def _awaited(self) -> bool:
        """Wait until a reading or an order is due; false when the thread is to end."""
        poll_s = time.monotonic() + _POLL_S
        while not self._ended.is_set():
            due_s = self._orders.next_s() if self._active else None
            left_s = min(poll_s, due_s or poll_s) - time.monotonic()
            if left_s <= 0.0:
                return True
            self._ordered.wait(left_s)
            self._ordered.clear()
        return False

    def _exchange(self) -> None:
        opening = self._orders.take(time.monotonic()) if self._active else None
        wanted = None if opening is None else round(opening * _CLOSED)
        if wanted is not None and wanted != self._sent and self._may_move():
            settings = self._settings
            self._line.set(POS=wanted, SPE=settings.speed, FOR=settings.force, GTO=1)
            self._sent = wanted
        self._read()
        if self._active:
            self._check()

    def _may_move(self) -> bool:
        """Tell whether the arm is armed; nothing is left to be done later if not."""
        armed = self._still_armed()
        if not armed:
            self._orders.forget()
        return armed

    def _read(self) -> None:
        asked_s = time.monotonic()
        opening = self._line.get("POS") / _CLOSED
        self._seen_s = time.monotonic()
        self._read_before.append(((asked_s + self._seen_s) / 2, opening))

    def _check(self) -> None:
        fault, status = self._line.get("FLT"), self._line.get("STA")
        if fault:
            raise RobotError(f"The gripper reports fault {fault}: {_FAULTS.get(fault, 'unknown')}.")
        if status != _ACTIVE:
            raise RobotError(f"The gripper is no longer active: its status is {status}.")
