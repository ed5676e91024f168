"""One owner per robot: a lock file on this machine."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from pathlib import Path

from steer_gym.robot import RobotError


class HostLock:
    """Held as long as the object lives and is not closed; the kernel frees it if we die."""

    def __init__(self, host: str) -> None:
        """Take the lock; raises ``RobotError`` when another process has it."""
        name = re.sub(r"[^A-Za-z0-9.]", "_", host)
        path = Path(tempfile.gettempdir()) / f"steer-gym-ur5-{name}.lock"
        self._descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
            self._descriptor = None
            raise RobotError(
                f"Another process of this machine drives {host}; end it first."
            ) from None

    def close(self) -> None:
        """Free the lock; safe to call twice."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
