"""Checks of a UR5 on the network that read and move nothing: ``steer-gym ur-check``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

from steer_gym.robot import RobotError, RobotState

from .arm_link import ArmProcess
from .arm_settings import ArmSettings
from .dashboard import Dashboard, DashboardReport
from .host_lock import HostLock
from .kinematics import arm_model, tool
from .poses import pose_error
from .robotiq import RobotiqLine
from .sample import ArmSample
from .stream import WINDOW_S, StreamReport
from .supervision import safety_finding

Timed = TypeVar("Timed", ArmSample, RobotState)
Verdict = Literal["ok", "warn", "fail"]
_WINDOWS = 4
"""Half seconds for which the stream is watched; the worst one after the first counts."""
_TCP_M = 0.005
_REST_N = 20.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at."""

    name: str
    verdict: Verdict
    """``warn``: it works, but not yet for motion; ``fail``: something has to be mended."""
    detail: str
    """What was seen, with numbers and units, and what to do."""


def check(name: str, good: bool, detail: str, *, otherwise: Verdict = "fail") -> Check:
    """Return what came of a comparison."""
    return Check(name=name, verdict="ok" if good else otherwise, detail=detail)


def reading_checks(settings: ArmSettings, *, gripper: bool) -> Iterator[Check]:
    """Check everything that can be checked by reading; stops where nothing further can be."""
    try:
        with Dashboard(settings.host) as dashboard:
            report = dashboard.report()
    except RobotError as error:
        yield Check(name="dashboard", verdict="fail", detail=str(error))
        return
    yield from _dashboard_checks(report)
    if gripper:
        yield _gripper_check(settings.host)
    yield from _stream_checks(settings)


def _dashboard_checks(report: DashboardReport) -> Iterator[Check]:
    who = f"{report.model}, serial {report.serial or 'not told'}, {report.software}"
    yield Check(name="dashboard", verdict="ok", detail=who)
    remote = {None: "has no such mode", True: "on", False: "off; switch it on at the pendant"}
    yield check(
        "remote control", report.remote is not False, remote[report.remote], otherwise="warn"
    )
    reason = report.reason_not_to_move()
    state = f"{report.robot_mode}, safety {report.safety_status}"
    yield check("ready to move", not reason, reason or state, otherwise="warn")


def _gripper_check(host: str) -> Check:
    try:
        line = RobotiqLine(host)
        try:
            position, status, fault = (line.get(name) for name in ("POS", "STA", "FLT"))
        finally:
            line.close()
    except RobotError as error:
        return Check(name="gripper", verdict="fail", detail=str(error))
    active = "active" if status == 3 else "not active; arming activates it, and the fingers move"
    detail = f"position {position} of 255, {active}, fault {fault}"
    return check("gripper", status == 3 and not fault, detail, otherwise="warn")


def _stream_checks(settings: ArmSettings) -> Iterator[Check]:
    samples: list[ArmSample] = []
    reports: list[StreamReport] = []
    try:
        with closing(HostLock(settings.host)), closing(ArmProcess(settings)) as arm:
            for _ in range(_WINDOWS):
                samples += watch(lambda: arm.status().sample, WINDOW_S)
                reports.append(arm.stream())
    except RobotError as error:
        yield Check(name="stream", verdict="fail", detail=str(error))
        return
    # The first ends before half a second has been heard.
    worst = min(reports[1:], key=lambda report: report.rate_hz)
    yield _rate_check(worst, settings.rate_hz)
    yield from _posture_checks(samples, settings)


def watch(
    read: Callable[[], Timed], seconds: float, until: Callable[[Timed], bool] = lambda _: False
) -> list[Timed]:
    """Return every new reading of so many seconds, or up to the one that is waited for."""
    readings = [read()]
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until(readings[-1]):
        time.sleep(0.001)
        reading = read()
        if reading.time_s != readings[-1].time_s:
            readings.append(reading)
    return readings


def _rate_check(report: StreamReport, wanted_hz: float) -> Check:
    trouble = report.trouble(wanted_hz)
    gap_ms = report.gap_s * 1e3
    detail = f"{report.rate_hz:.1f} Hz of {wanted_hz:.0f}, longest gap {gap_ms:.0f} ms"
    return check("stream", not trouble, trouble or detail)


def _posture_checks(samples: list[ArmSample], settings: ArmSettings) -> Iterator[Check]:
    last, arm, tcp = samples[-1], arm_model(settings.arm), tool(settings.tcp)
    finding = safety_finding(last)
    detail = f"{finding[0]}: {finding[1]}" if finding else f"bits {last.bits.name}"
    yield check("safety", finding is None, detail, otherwise="warn")
    away = pose_error(arm.pose(last.q, tcp), last.tcp_pose)
    off_m = float(np.linalg.norm(away[:3]))
    detail = (
        f"{off_m * 1e3:.1f} mm between the controller's tool and that of a {arm.name} with tcp "
        f"{list(settings.tcp)}; arming sets the tool"
    )
    yield check("tool", off_m < _TCP_M, detail, otherwise="warn")
    trouble = settings.limits.trouble(arm, last.q, tcp)
    where = f"tool at {np.round(last.tcp_pose[:3], 3).tolist()} m"
    detail = f"{where}, outside by {trouble}; move it in by hand" if trouble else where
    yield check("posture", not trouble, detail, otherwise="warn")
    forces = np.array([sample.force[:3] for sample in samples])
    size = float(np.linalg.norm(forces.mean(axis=0)))
    noise = float(forces.std(axis=0).max())
    detail = f"{size:.1f} N at rest, noise {noise:.2f} N"
    yield check("force", size < _REST_N, detail, otherwise="warn")
