"""The wall clock of the robot's PC may jump: only monotonic and controller time count."""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rtde_control", reason="needs ur_rtde")

SOURCE = Path(__file__).with_name("wall_clock.c")


class WallClock:
    """Steps the wall clock of every process that is started while this is set up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._file = folder / "off"
        library = folder / "wall_clock.so"
        command = ["cc", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"]
        subprocess.run(command, check=True)
        self.step(0)
        monkeypatch.setenv("LD_PRELOAD", str(library))
        monkeypatch.setenv("WALL_CLOCK_OFF", str(self._file))

    def step(self, seconds: int) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as file:
            file.write(struct.pack("q", seconds))


@pytest.fixture
def wall_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WallClock:
    if shutil.which("cc") is None or sys.platform != "linux":
        pytest.skip("needs a C compiler, and Linux")
    return WallClock(tmp_path, monkeypatch)


@pytest.mark.hardware
@pytest.mark.parametrize("seconds", [-3600, 3600])
def test_27_a_step_of_the_wall_clock_by_an_hour_changes_nothing(
    network: Any, wall_clock: WallClock, seconds: int
) -> None:
    net = network()
    net.connect()
    net.set_moving()
    began_s, began = net.now_s(), time.monotonic()
    wall_clock.step(seconds)
    told = [sys.executable, "-c", "import time; print(time.time())"]
    told_s = float(subprocess.run(told, capture_output=True, check=True).stdout)
    assert told_s - time.time() == pytest.approx(seconds, abs=30)
    for _ in range(10):
        net.go(0.2)
        net.go(0.2, 0.0 * net.robot.state().tcp_pose)
    assert net.robot.fault is None
    assert net.now_s() - began_s == pytest.approx(time.monotonic() - began, abs=0.3)
    assert not net.events("watchdog_tripped")
