"""A Robotiq 2F-85 behind its URCap's socket, port 63352."""

from __future__ import annotations

import socket

from ..modes import RobotMode
from .controller import Controller
from .sockets import LineSession, Wire

PORT = 63352
STROKE_M = 0.085
SPEED_M_S = (0.02, 0.15)
"""Of the fingers, at SPE 0 and SPE 255 (2F-85 manual)."""
ACTIVATION_S = 1.5
_WRITABLE = ("ACT", "GTO", "ATR", "ARD", "FOR", "SPE", "POS")
_READABLE = (*_WRITABLE, "STA", "PRE", "OBJ", "FLT")
MOVING, STOPPED_CLOSING, AT_DESTINATION = 0, 2, 3
"""Of OBJ; 1, stopped while opening, does not happen here."""


class Gripper:
    """The gripper's registers and fingers; it moves the plant's through the controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self.registers = dict.fromkeys(_WRITABLE, 0) | {"SPE": 255, "FOR": 255}
        self.fault = 0
        self.silent = False
        """Answer nothing, as when the URCap is not running."""
        self._activated_s: float | None = None
        self._reference = controller.plant.opening

    @property
    def time_s(self) -> float:
        """Return the controller's clock [s]."""
        return self._controller.time_s

    @property
    def status(self) -> int:
        """Return STA: 0 reset, 1 activating, 3 active."""
        if self._activated_s is None:
            return 0
        return 3 if self._controller.time_s - self._activated_s >= ACTIVATION_S else 1

    @property
    def position(self) -> int:
        """Return POS: 0 open to 255 closed."""
        return round(min(1.0, max(0.0, self._controller.plant.opening)) * 255)

    @property
    def object_status(self) -> int:
        """Return OBJ."""
        wanted, position = self.registers["POS"], self.position
        if abs(wanted - position) <= 2:
            return AT_DESTINATION
        if self._controller.plant.gripping and wanted > position:
            return STOPPED_CLOSING
        return MOVING

    def activate(self) -> None:
        """Be active at once, as after a long warm-up."""
        self.registers.update(ACT=1, GTO=1)
        self._activated_s = self._controller.time_s - ACTIVATION_S

    def restart(self) -> None:
        """Take the fingers as the plant has them, open."""
        self.registers["POS"] = 0
        self._reference = self._controller.plant.opening

    def set(self, name: str, value: int) -> None:
        """Write a register.

        Raises:
            KeyError: No such register, or it is read-only.
        """
        if name not in _WRITABLE:
            raise KeyError(name)
        if name == "ACT" and value != self.registers["ACT"]:
            self._activated_s = self._controller.time_s if value else None
        self.registers[name] = min(255, max(0, value))

    def get(self, name: str) -> str:
        """Return the answer to a GET: ``?`` while the arm has no power."""
        if self._controller.mode is not RobotMode.RUNNING or name not in _READABLE:
            return "?"
        read = {
            "POS": self.position,
            "STA": self.status,
            "PRE": self.registers["POS"],
            "OBJ": self.object_status,
            "FLT": self.fault,
        }
        return str(read.get(name, self.registers.get(name, 0)))

    def tick(self) -> None:
        """Move the fingers towards POS."""
        active = self.status == 3 and self.registers["GTO"] and not self.fault
        if active:
            low, high = SPEED_M_S
            speed = low + (high - low) * self.registers["SPE"] / 255
            most = speed / STROKE_M * self._controller.dt_s
            error = self.registers["POS"] / 255 - self._reference
            self._reference += min(most, max(-most, error))
        self._controller.gripper_reference = self._reference


class GripperSession(LineSession):
    """One client of the gripper's socket."""

    def __init__(self, connection: socket.socket, wire: Wire, gripper: Gripper) -> None:
        super().__init__(connection, wire)
        self._gripper = gripper

    def line(self, text: str) -> None:
        """Answer ``GET X`` and ``SET X 1 [Y 2 ...]``."""
        if self._gripper.silent:
            return
        verb, *words = text.split()
        if verb == "GET":
            self._say(f"{words[0]} {self._gripper.get(words[0])}\n")
        elif verb == "SET":
            for name, value in zip(words[::2], words[1::2], strict=True):
                self._gripper.set(name, int(value))
            # The URCap's "ack" comes without a newline.
            self._say("ack")

    def _say(self, text: str) -> None:
        self.send(text.encode(), self._gripper.time_s)
