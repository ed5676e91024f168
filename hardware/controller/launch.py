"""Start a simulator in a process of its own, and talk to its admin channel."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from steer_gym.errors import SteerGymError

from . import admin_port
from .settings import SimulatorSettings
from .simulator import Simulator


class Admin:
    """A client of the admin channel."""

    def __init__(self, host: str, timeout_s: float = 30.0) -> None:
        self._socket = socket.create_connection((host, admin_port.PORT), timeout=timeout_s)
        self._lines = self._socket.makefile("r")

    def __call__(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Give an order and return its answer.

        Raises:
            SteerGymError: The simulator refused, or is gone.
        """
        try:
            self._socket.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise SteerGymError(f"The simulator does not answer: {error}.") from error
        if not line:
            raise SteerGymError("The simulator closed its admin channel.")
        answer: dict[str, Any] = json.loads(line)
        if not answer.pop("ok"):
            raise SteerGymError(f"The simulator refused {do!r}: {answer['error']}")
        return answer

    def close(self) -> None:
        """Close the connection."""
        self._lines.close()
        self._socket.close()


class SimulatorProcess:
    """A simulator that lives as long as this object, and dies with this process."""

    def __init__(self, settings: SimulatorSettings | None = None) -> None:
        """Start it and wait until its ports are open.

        Raises:
            SteerGymError: It did not start; the message holds what it said.
        """
        wanted = json.dumps(asdict(settings or SimulatorSettings()))
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "steer_gym.hardware.controller.launch", wanted],
            stdout=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise SteerGymError(f"The simulator ended with status {code} before it was ready.")
        self.host: str = json.loads(line)["host"]
        self.admin = Admin(self.host)

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self._process.pid

    def close(self) -> None:
        """End the simulator; safe to call twice, and in a forked child it does nothing."""
        if os.getpid() != self._owner:
            return
        self.admin.close()
        if self._process.stdout:
            self._process.stdout.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the simulator."""
        self.close()


def main(argument: str) -> None:
    """Serve the settings written as JSON until the process that asked for it is gone."""
    parent = os.getppid()
    try:
        simulator = Simulator(SimulatorSettings(**json.loads(argument)))
    except SteerGymError as error:
        sys.exit(f"ur-sim: {error}")
    with contextlib.suppress(OSError):
        os.nice(-10)
    print(json.dumps({"host": simulator.host}), flush=True)
    simulator.run(alive=lambda: os.getppid() == parent)


if __name__ == "__main__":
    main(sys.argv[1])
