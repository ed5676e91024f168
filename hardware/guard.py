"""One latch for whatever stops a robot: its arm, its gripper, its cameras, and people."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

from steer_gym.robot import Fault, FaultCode, RobotError, RobotFault

from .arm_link import Arm
from .cell import Cell
from .journal import Journal
from .status import ArmStatus
from .supervision import Finding, safety_finding

TakeOver = Callable[[], bool]
"""Asked at every look while the robot is armed; once it says yes, a person has the robot."""


class Guard:
    """The arm in its cell, and the fault that stays until a person takes it back."""

    def __init__(self, cell: Cell, journal: str | Path | None, take_over: TakeOver | None) -> None:
        """Open the journal and connect the arm; if that fails, ``cell`` is closed as well."""
        self.cell = cell
        self.fault: Fault | None = None
        self._take_over = take_over
        with contextlib.ExitStack() as undo:
            undo.callback(cell.close)
            self.journal = Journal(journal)
            undo.callback(self.journal.close)
            self.arm: Arm = cell.connect_arm()
            undo.pop_all()

    def look(self) -> ArmStatus:
        """Return the newest status, after latching what is wrong."""
        status = self.arm.status()
        if self.fault is None and self.arm.fault:
            self._latch(self.arm.fault)
        elif self.fault is None and status.armed:
            finding = self.finding() or self._taken_over()
            if finding:
                self.fail(*finding, time_s=status.sample.time_s)
        return status

    def finding(self) -> Finding | None:
        """Return what is wrong with gripper or cameras, if anything."""
        return self.cell.hand.finding() or self.cell.eyes.finding()

    def fail(self, code: FaultCode, detail: str, *, time_s: float) -> None:
        """Stop and disarm, and latch a fault."""
        self.cell.hand.forget()
        # First: once a fault is latched, nobody looks whether the arm has to be disarmed.
        self.arm.disarm()
        self._latch(Fault(code=code, detail=detail, time_s=time_s))

    def require_no_fault(self) -> ArmStatus:
        """Return the newest status; raises ``RobotFault``."""
        status = self.look()
        if self.fault:
            raise RobotFault(self.fault)
        return status

    def require_armed(self) -> ArmStatus:
        """Return the newest status; raises ``RobotFault``, or ``RobotError`` if not armed."""
        status = self.require_no_fault()
        if not status.armed:
            raise RobotError("The robot is not armed; call arm() when the space around it is free.")
        return status

    def require_ready(self) -> None:
        """Raise ``RobotError`` with the reason, unless arm, gripper, cameras and people agree."""
        # Activating moves the fingers: before it everybody agrees, and after it once more.
        self._require_agreement(safety_finding(self.arm.status().sample))
        self.cell.hand.activate()
        self._require_agreement(self.finding())

    def renew(self) -> None:
        """Take back the fault: nothing of the old connections is used again."""
        self.cell.hand.forget()
        self.arm.close()
        self.cell.clear_stop()
        self.cell.renew()
        self.arm = self.cell.connect_arm()
        self.fault = None

    def close(self) -> None:
        """Close everything, backwards, each whatever became of the others."""
        with contextlib.ExitStack() as closing:
            closing.callback(self.journal.close)
            closing.callback(self.cell.close)
            closing.callback(self.arm.close)
            closing.callback(self.cell.hand.forget)

    def _require_agreement(self, finding: Finding | None) -> None:
        finding = finding or self._taken_over()
        reason = finding[1] if finding else self.cell.reason_not_to_move()
        if reason:
            raise RobotError(f"{self.cell.identity.host} cannot be armed: {reason}.")

    def _latch(self, fault: Fault) -> None:
        self.fault = fault
        self.cell.hand.forget()
        self.journal.write("fault", fault.time_s, code=fault.code, detail=fault.detail)

    def _taken_over(self) -> Finding | None:
        if self._take_over is None:
            return None
        try:
            taken = self._take_over()
        except Exception as error:
            # A hook that cannot tell is not a reason to go on.
            return FaultCode.TAKEN_OVER, f"the take-over hook failed: {error!r}"
        return (FaultCode.TAKEN_OVER, "a person has taken over, by the hook") if taken else None
