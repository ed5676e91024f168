"""Port 29999: the dashboard server, a line in, a line out."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ..dashboard import REMOTE_QUESTION
from ..modes import RuntimeState, SafetyMode
from .controller import Controller
from .safety import UNLOCK_TOO_SOON
from .sockets import LineSession, Wire
from .variables import PolyScope

PORT = 29999
BANNER = "Connected: Universal Robots Dashboard Server"
SERIAL = "20235500042"


def _state(c: Controller) -> str:
    name = c.program.name if c.program else "<unnamed>"
    state = "PLAYING" if c.runtime is RuntimeState.PLAYING else c.runtime.name
    return f"{state} {name}.urp"


def _unlock(c: Controller) -> str:
    return "Protective stop releasing" if c.unlock_protective_stop() else UNLOCK_TOO_SOON


def _stop(c: Controller) -> str:
    c.end_program("dashboard stop")
    return "Stopped"


def _play(c: Controller) -> str:
    return "Starting program" if c.play() else "Failed to execute: play"


def _pause(c: Controller) -> str:
    if c.runtime is not RuntimeState.PLAYING:
        return "Failed to execute: pause"
    c.pause()
    return "Pausing program"


def _restart_safety(c: Controller) -> str:
    if c.safety.mode in (SafetyMode.VIOLATION, SafetyMode.FAULT):
        c.enter_safety(SafetyMode.NORMAL, "safety restarted")
    return "Restarting safety"


def _do(call: Callable[[Controller], None], reply: str) -> Callable[[Controller], str]:
    def answer(c: Controller) -> str:
        call(c)
        return reply

    return answer


REPLIES: dict[str, Callable[[Controller], str]] = {
    "polyscopeversion": lambda c: f"URSoftware {c.polyscope}.1010327 (Oct 13 2021)",
    "version": lambda c: str(c.polyscope),
    "get serial number": lambda _: SERIAL,
    "get robot model": lambda c: c.arm.name.removesuffix("e"),
    REMOTE_QUESTION: lambda c: str(c.remote).lower(),
    "robotmode": lambda c: f"Robotmode: {c.mode.name}",
    "safetymode": lambda c: f"Safetymode: {c.safety.mode.name}",
    "safetystatus": lambda c: f"Safetystatus: {c.safety.mode.name}",
    "programstate": _state,
    "running": lambda c: f"Program running: {str(c.runtime is RuntimeState.PLAYING).lower()}",
    "power on": _do(Controller.power_on, "Powering on"),
    "power off": _do(Controller.power_off, "Powering off"),
    "brake release": _do(Controller.release_brakes, "Brake releasing"),
    "unlock protective stop": _unlock,
    "play": _play,
    "pause": _pause,
    "stop": _stop,
    "restart safety": _restart_safety,
    "close safety popup": lambda _: "closing safety popup",
    "close popup": lambda _: "closing popup",
}
"""Request in small letters -> answer."""


def reply(controller: Controller, request: str) -> str:
    """Return the answer to one request."""
    call = REPLIES.get(request.lower())
    if request.lower() == REMOTE_QUESTION and controller.polyscope < PolyScope(5, 6):
        call = None
    return call(controller) if call else f"could not understand: '{request}'"


class DashboardSession(LineSession):
    """One dashboard client."""

    def __init__(self, connection: socket.socket, wire: Wire, controller: Controller) -> None:
        super().__init__(connection, wire)
        self._controller = controller
        self._say(BANNER)

    def line(self, text: str) -> None:
        """Answer a request."""
        if text.lower() == "quit":
            self._say("Disconnected")
            self.close()
            return
        self._say(reply(self._controller, text))

    def _say(self, text: str) -> None:
        self.send(f"{text}\n".encode("latin-1"), self._controller.time_s)
