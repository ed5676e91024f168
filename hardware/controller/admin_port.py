"""The admin channel: JSON lines that break things on purpose and tell what was seen.

A request is ``{"do": "protective_stop"}`` with the arguments beside it; the answer is
``{"ok": true, "time_s": 12.5, ...}`` or ``{"ok": false, "error": "..."}``.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from steer_gym.errors import UnknownNameError

from ..modes import RobotMode, SafetyMode
from ..poses import Array
from .cameras import CAMERA_MODES, CameraRig
from .controller import Controller
from .gripper import Gripper
from .machine import OVERRULED
from .sockets import LineSession, Listener, Wire

PORT = 30099
Answer = dict[str, Any]


class Simulator(Protocol):
    """What the orders act on."""

    controller: Controller
    gripper: Gripper
    rig: CameraRig
    listeners: dict[str, Listener]
    orders: dict[str, Callable[..., Answer]]

    def advance(self, seconds: float) -> None:
        """Let time pass; only with the locked clock."""

    def stop(self) -> None:
        """End after the present tick."""


def _numbers(given: list[float], count: int) -> Array:
    """Return finite numbers as an array (count,); what is no such list is a ``ValueError``."""
    values = np.array(given, dtype=np.float64)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{count} finite numbers are needed, not {given!r}.")
    return values


def _state(sim: Simulator) -> Answer:
    c = sim.controller
    return {
        "robot_mode": c.mode.name,
        "safety_mode": c.safety.mode.name,
        "safety_reason": c.safety.reason,
        "runtime_state": c.runtime.name,
        "program": c.program.name if c.program else None,
        "remote": c.remote,
        "tcp": c.tcp_pose.tolist(),
        "payload": c.payload,
        "payload_cog": list(c.payload_cog),
        "q": c.plant.q.tolist(),
        "qd": c.plant.qd.tolist(),
        "tcp_pose": c.tool_pose.tolist(),
        "tcp_speed": c.tool_twist.tolist(),
        "gripper": c.plant.opening,
        "clients": {name: len(port.sessions) for name, port in sim.listeners.items()},
    }


def _events(sim: Simulator, since_s: float = 0.0) -> Answer:
    events = sim.controller.events
    return {"events": events.since(since_s), "commands": events.commands}


def _extremes(sim: Simulator, *, clear: bool = False) -> Answer:
    seen = sim.controller.extremes.to_json()
    if clear:
        sim.controller.extremes.clear()
    return seen


def _safety(sim: Simulator, mode: str = "NORMAL", reason: str = "admin") -> Answer:
    if mode not in SafetyMode.__members__:
        raise UnknownNameError("safety mode", mode, SafetyMode.__members__)
    sim.controller.enter_safety(SafetyMode[mode], str(reason))
    return {}


def _power(sim: Simulator, mode: str) -> Answer:
    if mode not in RobotMode.__members__:
        raise UnknownNameError("robot mode", mode, RobotMode.__members__)
    sim.controller.end_program(f"robot mode {mode}")
    sim.controller.mode = RobotMode[mode]
    return {}


def _program(sim: Simulator, action: str) -> Answer:
    actions: dict[str, Callable[[], object]] = {
        "stop": lambda: sim.controller.end_program("stopped on the pendant"),
        "pause": sim.controller.pause,
        "play": sim.controller.play,
        "replace": lambda: sim.controller.upload("def other():\n  sleep(1)\nend\n"),
    }
    if action not in actions:
        raise UnknownNameError("program action", action, actions)
    actions[action]()
    return {}


def _remote(sim: Simulator, *, on: bool) -> Answer:
    sim.controller.remote = on
    return {}


def _overrule(sim: Simulator, names: list[str]) -> Answer:
    for name in names:
        if name not in OVERRULED:
            raise UnknownNameError("setting", name, OVERRULED)
    sim.controller.overruled = frozenset(names)
    return {}


def _teach_button(sim: Simulator, *, on: bool) -> Answer:
    sim.controller.teach_button = on
    return {}


def _slider(sim: Simulator, fraction: float) -> Answer:
    sim.controller.speed_slider = min(1.0, max(0.0, float(fraction)))
    return {}


def _network(sim: Simulator, port: str = "rtde", **faults: Any) -> Answer:
    if port not in sim.listeners:
        raise UnknownNameError("port", port, sim.listeners)
    for name, value in faults.items():
        sim.listeners[port].wire.set(name, value)
    return {}


def _drop(sim: Simulator, port: str = "rtde") -> Answer:
    if port not in sim.listeners:
        raise UnknownNameError("port", port, sim.listeners)
    return {"dropped": sim.listeners[port].drop()}


def _push(sim: Simulator, force: list[float]) -> Answer:
    sim.controller.plant.push[:] = _numbers(force, 3)
    return {}


def _gripper(sim: Simulator, **settings: Any) -> Answer:
    for name, value in settings.items():
        if name == "active" and value:
            sim.gripper.activate()
        elif name == "active":
            sim.gripper.set("ACT", 0)
        elif name == "fault":
            sim.gripper.fault = int(value)
        elif name == "silent":
            sim.gripper.silent = bool(value)
        elif name == "object_at" and hasattr(sim.controller.plant, "object_at"):
            sim.controller.plant.object_at = float(value)
        else:
            raise UnknownNameError("gripper setting", name, ("active", "fault", "silent"))
    return {}


def _camera(sim: Simulator, mode: str, camera: str = "base") -> Answer:
    if camera not in sim.rig.modes:
        raise UnknownNameError("camera", camera, sim.rig.modes)
    if mode not in CAMERA_MODES:
        raise UnknownNameError("camera mode", mode, CAMERA_MODES)
    sim.rig.modes[camera] = mode  # type: ignore[assignment]
    return {}


def _place(sim: Simulator, q: list[float]) -> Answer:
    c, joints = sim.controller, _numbers(q, 6)
    c.end_program("placed")
    c.q, c.qd = joints, np.zeros(6)
    c.plant.place(c.q)
    return {}


def _restart(sim: Simulator) -> Answer:
    sim.controller.restart()
    sim.gripper.restart()
    return {}


def _advance(sim: Simulator, seconds: float) -> Answer:
    sim.advance(seconds)
    return {}


def _stop(sim: Simulator) -> Answer:
    sim.stop()
    return {}


ORDERS: dict[str, Callable[..., Answer]] = {
    "state": _state,
    "events": _events,
    "extremes": _extremes,
    "safety": _safety,
    "power": _power,
    "program": _program,
    "remote": _remote,
    "overrule": _overrule,
    "teach_button": _teach_button,
    "speed_slider": _slider,
    "network": _network,
    "drop": _drop,
    "push": _push,
    "gripper": _gripper,
    "camera": _camera,
    "place": _place,
    "restart": _restart,
    "advance": _advance,
    "shutdown": _stop,
}
"""Every order by name; a plant with a scene adds its own (``Simulator.orders``)."""


class AdminSession(LineSession):
    """One admin client."""

    def __init__(self, connection: socket.socket, wire: Wire, sim: Simulator) -> None:
        super().__init__(connection, wire)
        self._sim = sim

    def line(self, text: str) -> None:
        """Carry out one order and answer."""
        try:
            request = json.loads(text)
            if not isinstance(request, dict):
                raise ValueError(f'an order is written {{"do": "state"}}, not {text[:80]}')
            name = request.pop("do", None)
            if name not in self._sim.orders:
                raise UnknownNameError("order", name, self._sim.orders)
            answer = {"ok": True, **self._sim.orders[name](self._sim, **request)}
        except Exception as error:
            # Orders break things on purpose; a wrong one must not break the simulator.
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
        answer["time_s"] = self._sim.controller.time_s
        self.send(json.dumps(answer).encode() + b"\n")
