"""The whole controller on its ports, in one thread: real time, or step-locked."""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from steer_gym.errors import SteerGymError

from ..kinematics import arm_model
from ..modes import RobotMode
from . import (
    admin_port,
    cameras,
    dashboard_port,
    gripper,
    primary_port,
    rtde_port,
    script_port,
)
from .cameras import Artist, CameraRig, TestCard
from .controller import Controller
from .dashboard import Dashboard
from .loaded import Programs
from .outputs import Outputs
from .plant import KinematicPlant, Plant, home_for
from .polyscope import PolyScope
from .settings import SimulatorSettings
from .sockets import Listener, Session, Wire

STREAMS = (
    *("rtde", "script", "primary", "secondary", "cameras"),
    *("script_read_only", "primary_read_only", "secondary_read_only"),
)
"""Ports whose sessions send by themselves."""
_CATCH_UP_S = 0.1
"""A simulator that is later than this leaves out the lost time instead of racing after it."""
_LONGEST_S = 3600.0
"""That one order lets pass: meanwhile nobody is served."""


class Simulator:
    """A controller with its ports; ``run`` serves until ``stop``."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Build the plant, open the ports, and let the cameras draw once.

        Raises:
            SteerGymError: A port is taken.
        """
        self.settings = settings
        plant, artist, orders = build_plant(settings)
        self.controller = build_controller(settings, plant)
        self.orders = {**admin_port.ORDERS, **orders}
        self.gripper = gripper.Gripper(self.controller)
        if settings.gripper_active:
            self.gripper.activate()
        card = TestCard(self.controller.tool_pose)
        self.rig = CameraRig(
            artist or card, height=settings.height, width=settings.width, fps=settings.fps
        )
        programs = Programs(Path(settings.programs) if settings.programs else None)
        self._dashboard = Dashboard(self.controller, programs)
        self._rtde = rtde_port.RtdePort(self.controller, Outputs(self.controller))
        self.host, self.listeners = self._listen(settings.host)
        self.rig.start()
        self._stopped = False

    def run(self, *, alive: Callable[[], bool] = lambda: True) -> None:
        """Serve until ``stop`` is called or ``alive`` says no; closes everything."""
        try:
            if self.settings.clock == "locked":
                self._run_locked(alive)
            else:
                self._run_real(alive)
        finally:
            self.rig.close()
            for listener in self.listeners.values():
                listener.close()

    def stop(self) -> None:
        """End ``run`` after the present tick."""
        self._stopped = True

    @property
    def _ended(self) -> bool:
        return self._stopped or self.controller.shut

    def advance(self, seconds: float) -> None:
        """Let time pass; only with the locked clock.

        Raises:
            ValueError: The clock is real, or the time is not in (0, 3600] s.
        """
        if self.settings.clock != "locked":
            raise ValueError("advance needs the locked clock; start with --clock locked")
        if not 0 < seconds <= _LONGEST_S:
            raise ValueError(f"advance takes above 0 to {_LONGEST_S:g} s, not {seconds!r}")
        for _ in range(max(1, round(seconds / self.controller.dt_s))):
            self._tick()

    def _run_real(self, alive: Callable[[], bool]) -> None:
        dt = self.controller.dt_s
        due = time.perf_counter() + dt
        while not self._ended:
            self._serve(max(0.0, due - time.perf_counter()))
            late = time.perf_counter() - due
            if late < 0:
                continue
            self.controller.extremes.late_s = max(self.controller.extremes.late_s, late)
            if late > _CATCH_UP_S:
                self.controller.note("late", lost_s=round(late, 4))
                lost = round(late / dt)
                self.controller.skip(lost)
                due += lost * dt
            self._tick()
            due += dt
            if self.controller.ticks % 64 == 0 and not alive():
                return

    def _run_locked(self, alive: Callable[[], bool]) -> None:
        while not self._ended and alive():
            self._serve(0.05)

    def _tick(self) -> None:
        self.gripper.tick()
        self.controller.tick()
        watching = self.listeners["cameras"].sessions
        self.rig.tick(frozenset(session.camera for session in watching if session.camera))  # type: ignore[attr-defined]
        for name in STREAMS:
            for session in self.listeners[name].sessions:
                session.publish()  # type: ignore[attr-defined]

    def _serve(self, timeout_s: float) -> None:
        """Accept, read and write whatever is ready, once."""
        ports = list(self.listeners.values())
        reading: dict[Any, Callable[[], None]] = {port.socket: port.accept for port in ports}
        for port in ports:
            if not port.wire.blackhole:
                reading.update({s.connection: s.pump for s in port.sessions if not s.closed})
        for ready in select.select(list(reading), [], [], timeout_s)[0]:
            reading[ready]()
        for name, port in self.listeners.items():
            for error in port.sweep(self.controller.time_s):
                reason = f"{type(error).__name__}: {error}"
                self.controller.note("connection_closed", port=name, reason=reason)

    def _listen(self, host: str) -> tuple[str, dict[str, Listener]]:
        if host != "auto":
            return host, self._open(host)
        for _ in range(100):
            candidate = ".".join(["127", *(str(random.randint(1, 254)) for _ in range(3))])
            try:
                return candidate, self._open(candidate)
            except SteerGymError:
                continue
        raise SteerGymError("No free loopback address was found in 100 tries.")

    def _open(self, host: str) -> dict[str, Listener]:
        c = self.controller
        script = partial(script_port.ScriptSession, controller=c)
        client = partial(primary_port.PrimarySession, controller=c)
        primary, secondary = partial(client, events=True), partial(client, events=False)
        dashboard = partial(dashboard_port.DashboardSession, dashboard=self._dashboard)
        ports: dict[str, tuple[int, Callable[[socket.socket, Wire], Session]]] = {
            "rtde": (rtde_port.PORT, self._rtde.connect),
            "script": (script_port.PORT, script),
            "script_read_only": (script_port.READ_ONLY_PORT, partial(script, scripts=False)),
            "primary": (primary_port.PRIMARY, primary),
            "secondary": (primary_port.SECONDARY, secondary),
            "primary_read_only": (primary_port.PRIMARY_READ_ONLY, partial(primary, scripts=False)),
            "secondary_read_only": (
                primary_port.SECONDARY_READ_ONLY,
                partial(secondary, scripts=False),
            ),
            "dashboard": (dashboard_port.PORT, dashboard),
            "gripper": (gripper.PORT, partial(gripper.GripperSession, gripper=self.gripper)),
            "cameras": (cameras.PORT, partial(cameras.CameraSession, rig=self.rig)),
            "admin": (admin_port.PORT, partial(admin_port.AdminSession, sim=self)),
        }
        opened: dict[str, Listener] = {}
        for name, (port, create) in ports.items():
            try:
                opened[name] = Listener(host, port, create)
            except OSError as error:
                for listener in opened.values():
                    listener.close()
                raise SteerGymError(
                    f"Cannot listen on {host}:{port} ({name}): {error}. "
                    "Is another simulator there? Take another loopback address, or 'auto'."
                ) from error
        return opened


def build_controller(settings: SimulatorSettings, plant: Plant) -> Controller:
    """Return the controller of ``settings`` over ``plant``."""
    return Controller(
        plant,
        arm=arm_model(settings.arm),
        polyscope=PolyScope.parse(settings.polyscope),
        mode=RobotMode[settings.start],
        remote=not settings.local,
        watchdog_trip=settings.watchdog_trip,
    )


def build_plant(
    settings: SimulatorSettings,
) -> tuple[Plant, Artist | None, dict[str, Callable[..., dict[str, Any]]]]:
    """Return the plant, who draws it (``None``: a test card), and the admin orders it adds.

    Raises:
        SteerGymError: The plant and the controller do not fit.
    """
    if settings.plant == "kinematic":
        return KinematicPlant(home_for(arm_model(settings.arm))), None, {}
    if settings.arm != "UR5e" or settings.polyscope.startswith("3"):
        raise SteerGymError(
            f"The MuJoCo plant is a UR5e at 500 Hz, not a {settings.arm} with PolyScope "
            f"{settings.polyscope}. Choose the kinematic plant for those."
        )
    from .mujoco_plant import MujocoPlant, Painter, scene_orders

    plant = MujocoPlant()
    return plant, Painter(plant), scene_orders(plant)
