"""``steer-gym ur-check HOST``: look at a UR5 and its controller, before anything else does."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from steer_gym.errors import SteerGymError
from steer_gym.extras import load

READING = "steer_gym.hardware.check:reading_checks"
MOVING = "steer_gym.hardware.motion_check:motion_checks"
SETTINGS = "steer_gym.hardware.arm_settings:ArmSettings"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("host", help="address of the controller")
    parser.add_argument("--arm", default="UR5e", help="UR5e or UR5")
    parser.add_argument("--no-gripper", action="store_true", help="there is no Robotiq gripper")
    parser.add_argument(
        "--move",
        action="store_true",
        help="also move 2 cm up and back at a tenth of the speed, once you have typed that it may",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what each check found; 1 when one of them failed."""
    settings = load(SETTINGS)(host=options.host, arm=options.arm)
    print(f"ur-check {options.host}", flush=True)
    counts = _report(load(READING)(settings, gripper=not options.no_gripper))
    moved = "Nothing was moved."
    if options.move and counts["fail"] + counts["warn"] == 0:
        more = _report(load(MOVING)(settings, ask=_ask))
        counts = {verdict: counts[verdict] + more[verdict] for verdict in counts}
        if more["ok"]:  # the first that is, is the arming
            moved = "The arm was moved."
    elif options.move:
        moved += " It will be, once every check is ok."
    print(f"{counts['ok']} ok, {counts['warn']} to mind, {counts['fail']} failed. {moved}")
    return int(counts["fail"] > 0)


def _report(checks: Iterator[Any]) -> dict[str, int]:
    counts = {"ok": 0, "warn": 0, "fail": 0}
    for check in checks:
        counts[check.verdict] += 1
        print(f"  {check.verdict:<5} {check.name:<15} {check.detail}", flush=True)
    return counts


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise SteerGymError("Nobody sits at a terminal to confirm; nothing has moved.")
    return input(question)
