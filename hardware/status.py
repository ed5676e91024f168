"""What the arm's process tells the rest, in shared memory: always the newest, never blocking."""

from __future__ import annotations

import mmap
import tempfile
from dataclasses import dataclass
from typing import Self

import numpy as np

from steer_gym.robot import FaultCode

from .arm_driver import ArmDriver
from .poses import Array
from .sample import ROW, ArmSample

_CODES = (None, *FaultCode)
_TAIL = 12
_KEPT = 256
"""Statuses that are remembered: half a second at 500 Hz."""
_AGE, _REPORTED = ROW, ROW + 5
"""Their places in a row."""
_SIZE = 8 * (2 + _KEPT * (ROW + _TAIL))


@dataclass(frozen=True, kw_only=True, eq=False)
class ArmStatus:
    """The driver's view after its last cycle."""

    sample: ArmSample
    """The newest reading."""
    age_s: float
    """How old the newest reading is [s]."""
    late: int
    """How often the arm held for want of a target, or a reading came late."""
    armed: bool
    """Whether it moves when told."""
    reached: bool
    """Whether the setpoint rests at its target."""
    code: FaultCode | None
    """The latched fault."""
    reported_s: float
    """When this was written, on the monotonic clock [s]."""
    force: Array
    """(6,) smoothed, less the bias [N], [Nm]."""

    @property
    def seen_s(self) -> float:
        """Return when the controller said so, on the monotonic clock [s]."""
        return self.reported_s - self.age_s

    @classmethod
    def of(cls, driver: ArmDriver, now_s: float) -> Self:
        """Return the status of ``driver``, which has read a sample."""
        assert driver.sample is not None
        return cls(
            sample=driver.sample,
            age_s=driver.age_s,
            late=driver.late,
            armed=driver.armed,
            reached=driver.servo.reached,
            code=driver.fault.code if driver.fault else None,
            reported_s=now_s,
            force=driver.forces.force,
        )


class StatusBoard:
    """One writer, any number of readers: a sequence lock over shared memory."""

    def __init__(self, descriptor: int) -> None:
        """Map the memory behind ``descriptor``, made by ``create_board_file``."""
        self._map = mmap.mmap(descriptor, _SIZE)
        numbers = np.frombuffer(self._map, dtype=np.float64)
        self._count, self._lost = numbers[:1], numbers[1:2]
        self._rows = numbers[2:].reshape(_KEPT, -1)

    def write(self, status: ArmStatus) -> None:
        """Publish ``status``."""
        written = int(self._count[0]) // 2
        self._count[0] += 1
        self._rows[written % _KEPT] = [
            *status.sample.to_row(),
            status.age_s,
            status.late,
            status.armed,
            status.reached,
            _CODES.index(status.code),
            status.reported_s,
            *status.force,
        ]
        self._count[0] += 1

    def read(self) -> ArmStatus | None:
        """Return the newest whole status; ``None`` before the first."""
        rows = self._newest(1)
        return _status(rows[0]) if len(rows) else None

    def around(self, moment_s: float) -> list[ArmStatus]:
        """Return the remembered statuses just before and after a moment of the monotonic clock.

        Only one where there is none before or after it, none before the first reading.
        """
        rows = self._newest(_KEPT - 1)
        seen_s = rows[:, _REPORTED] - rows[:, _AGE]
        later = np.flatnonzero(seen_s > moment_s)
        after = int(later[0]) if len(later) else len(rows)
        return [_status(row) for row in rows[max(0, after - 1) : after + 1]]

    @property
    def lost(self) -> bool:
        """Tell whether the connection to the controller has been lost at any time."""
        return bool(self._lost[0])

    @lost.setter
    def lost(self, value: bool) -> None:
        self._lost[0] = value

    def close(self) -> None:
        """Unmap."""
        del self._count, self._lost, self._rows
        self._map.close()

    def _newest(self, most: int) -> Array:
        """Return the last rows, the oldest first, at most so many."""
        for _ in range(1000):
            before = int(self._count[0])
            written = before // 2
            rows = self._rows[np.arange(max(0, written - most), written) % _KEPT]
            if before == self._count[0] and before % 2 == 0:
                return rows
        return self._rows[:0]


def _status(row: Array) -> ArmStatus:
    age, late, armed, reached, code, reported, *force = row[ROW:].tolist()
    return ArmStatus(
        sample=ArmSample.from_row(row[:ROW]),
        age_s=age,
        late=int(late),
        armed=bool(armed),
        reached=bool(reached),
        code=_CODES[int(code)],
        reported_s=reported,
        force=np.array(force),
    )


def create_board_file() -> tempfile._TemporaryFileWrapper[bytes]:
    """Return an unnamed file that holds one board."""
    file = tempfile.TemporaryFile(prefix="steer-gym-arm-")  # noqa: SIM115, its owner closes it
    file.truncate(_SIZE)
    return file  # type: ignore[return-value]
