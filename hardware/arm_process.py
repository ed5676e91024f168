"""The process that owns ur_rtde: orders in as JSON lines, status out through shared memory.

It ends when its parent does, and stops the arm first.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
from dataclasses import asdict
from typing import Any

import numpy as np

from steer_gym.robot import RobotError, Target

from .arm_driver import ArmDriver
from .arm_settings import ArmSettings
from .rhythm import Rhythm
from .rtde_arm import RtdeArm
from .status import ArmStatus, StatusBoard

_LINK_POLL_S = 0.002


class ArmServer:
    """Runs the driver's cycles and answers the parent."""

    def __init__(
        self, settings: ArmSettings, channel: socket.socket, board: StatusBoard, parent: int
    ) -> None:
        self._channel = channel
        self._board = board
        self._parent = parent
        self._in = bytearray()
        self._ended = False
        self._told = False
        self._number = 0
        self._rhythm = Rhythm(1.0 / settings.rate_hz)
        self._listen_s = min(_LINK_POLL_S, 0.25 / settings.rate_hz)
        self._port = RtdeArm(settings)
        self._driver = ArmDriver(settings, self._port)
        channel.setblocking(False)
        threading.Thread(target=self._watch_link, name="link", daemon=True).start()

    def run(self) -> None:
        """Cycle until the parent says so or is gone; stops the arm on every way out."""
        try:
            self._cycle()
            self._say({"event": "connected"})
            self._rhythm.restart()
            while not self._ended:
                self._rhythm.wait()
                self._orders()
                self._cycle()
        finally:
            self._ended = True
            self._driver.disarm()
            self._port.close()

    def _watch_link(self) -> None:
        """Listen to the stream, and end the process at once when the connection is lost.

        ur_rtde would connect again, upload its script and go on, or crash in the attempt. Left
        alone, the controller's watchdog stops the arm.
        """
        while self._port.listen():
            time.sleep(self._listen_s)
        if not self._ended:
            self._board.lost = True
            os._exit(1)

    def _cycle(self) -> None:
        now = time.monotonic()
        self._driver.cycle(now)
        if self._driver.fault and not self._told:
            self._told = True
            fault = self._driver.fault
            self._say({"event": "fault", "detail": fault.detail, "time_s": fault.time_s})
        if self._driver.sample is not None:
            self._board.write(ArmStatus.of(self._driver, now))
        self._driver.settle()
        if os.getppid() != self._parent:
            self._ended = True

    def _orders(self) -> None:
        try:
            while data := self._channel.recv(65536):
                self._in += data
            self._ended = True
        except BlockingIOError:
            pass
        except OSError:
            self._ended = True
        while b"\n" in self._in:
            line, _, rest = bytes(self._in).partition(b"\n")
            self._in = bytearray(rest)
            self._order(json.loads(line))

    def _order(self, order: dict[str, Any]) -> None:
        self._number = order.pop("number")
        match order.pop("do"):
            case "aim":
                pace = order.pop("pace")
                self._driver.aim(_target(order), pace, order.pop("since_s"))
            case "arm":
                self._arm()
            case "disarm":
                self._driver.disarm()
                self._answer("disarmed")
            case "periods":
                self._answer("periods", seconds=list(self._rhythm.periods))
            case "stream":
                self._answer("stream", **asdict(self._port.stream()))
            case "close":
                self._ended = True

    def _arm(self) -> None:
        try:
            self._port.require_stream()
            self._driver.arm(time.monotonic())
        except RobotError as error:
            self._answer("refused", detail=str(error))
        else:
            # The status must say so before the word does.
            self._cycle()
            self._answer("armed")
        self._rhythm.restart()

    def _answer(self, event: str, **facts: Any) -> None:
        """Answer the present order, by its number: who asks may have given up on another one."""
        self._say({"event": event, "number": self._number, **facts})

    def _say(self, message: dict[str, Any]) -> None:
        # A parent that does not read loses messages, never the arm its pace.
        with contextlib.suppress(OSError):
            self._channel.send(json.dumps(message).encode() + b"\n")


def _target(order: dict[str, Any]) -> Target:
    in_s = order.pop("in_s")
    arrays = {name: np.array(values, dtype=np.float64) for name, values in order.items()}
    return Target(pose=arrays.get("pose"), joints=arrays.get("joints"), in_s=in_s)


def main(arguments: list[str]) -> None:
    """Serve the arm of the settings in ``arguments``: channel, board, parent, JSON."""
    channel = socket.socket(fileno=int(arguments[0]))
    board = StatusBoard(int(arguments[1]))
    settings = ArmSettings.from_json(json.loads(arguments[3]))
    # Ctrl-C reaches the whole group; the parent decides, and its end is noticed here.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with contextlib.suppress(OSError):
        os.nice(-10)
    try:
        server = ArmServer(settings, channel, board, int(arguments[2]))
    except RobotError as error:
        channel.send(json.dumps({"event": "refused", "detail": str(error)}).encode() + b"\n")
        sys.exit(1)
    server.run()


if __name__ == "__main__":
    main(sys.argv[1:])
