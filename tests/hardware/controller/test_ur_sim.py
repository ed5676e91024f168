"""``steer-gym ur-sim`` serves on loopback until it is interrupted, and on nothing else."""

from __future__ import annotations

import signal
import subprocess
import sys

from steer_gym.cli import main
from steer_gym.hardware.controller.launch import Admin

COMMAND = [sys.executable, "-m", "steer_gym", "ur-sim", "--plant", "kinematic"]


def test_it_answers_on_its_admin_port_and_ends_by_ctrl_c() -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        host = said.readline().partition(" on ")[2].partition(";")[0]
        admin = Admin(host)
        assert admin("state")["robot_mode"] == "RUNNING"
        admin.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 130


def test_an_address_that_others_reach_is_refused(capsys) -> None:  # type: ignore[no-untyped-def]
    assert main(["ur-sim", "--host", "0.0.0.0"]) == 2
    assert "--allow-remote" in capsys.readouterr().err
