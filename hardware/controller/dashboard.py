"""The dashboard's commands: words in, words out (UR's pages on the dashboard server).

What only a pendant would show (pop-ups, user roles, logs) is remembered and answered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..modes import RuntimeState
from .controller import Controller
from .loaded import UNNAMED, Programs
from .safety import UNLOCK_TOO_SOON

SERIAL = "20235500042"
_ROLES = ("PROGRAMMER", "OPERATOR", "NONE", "LOCKED", "RESTRICTED")
_REPORTS = ("", "controller", "software", "system")


@dataclass
class Dashboard:
    """What the dashboard acts on, and what it keeps."""

    controller: Controller
    programs: Programs = field(default_factory=lambda: Programs(None))
    role: str = "NONE"
    operational_mode: str = "NONE"


Command = Callable[[Dashboard, str], str]


def _load(d: Dashboard, name: str) -> str:
    if not d.programs.load(name):
        return f"File not found: {name}"
    d.controller.end_program("another program is loaded")
    return f"Loading program: {name}"


def _play(d: Dashboard, _: str) -> str:
    paused = d.controller.runtime is RuntimeState.PAUSED
    script = d.programs.script
    if d.controller.play() or (script and not paused and d.controller.upload(script)):
        return "Starting program"
    return "Failed to execute: play"


def _pause(d: Dashboard, _: str) -> str:
    if d.controller.runtime is not RuntimeState.PLAYING:
        return "Failed to execute: pause"
    d.controller.pause()
    return "Pausing program"


def _stop(d: Dashboard, _: str) -> str:
    d.controller.end_program("dashboard stop")
    return "Stopped"


def _name(d: Dashboard) -> str:
    if d.programs.loaded:
        return d.programs.loaded
    return f"{d.controller.program.name if d.controller.program else UNNAMED}.urp"


def _loaded(d: Dashboard, _: str) -> str:
    if not d.programs.loaded:
        return "No program loaded"
    return f"Loaded program: /programs/{d.programs.loaded}"


def _saved(d: Dashboard, _: str) -> str:
    return f"{str(bool(d.programs.loaded)).lower()} {_name(d)}"


def _running(d: Dashboard, _: str) -> str:
    return f"Program running: {str(d.controller.runtime is RuntimeState.PLAYING).lower()}"


def _unlock(d: Dashboard, _: str) -> str:
    unlocked = d.controller.unlock_protective_stop()
    return "Protective stop releasing" if unlocked else UNLOCK_TOO_SOON


def _do(call: Callable[[Controller], None], reply: str) -> Command:
    def answer(d: Dashboard, _: str) -> str:
        call(d.controller)
        return reply

    return answer


def _say(reply: str) -> Command:
    return lambda _, __: reply


def _popup(d: Dashboard, text: str) -> str:
    d.controller.note("popup", text=text)
    return "showing popup"


def _log(d: Dashboard, text: str) -> str:
    if not text:
        return "No log message to add"
    d.controller.note("log", text=text)
    return "Added log message"


def _installation(_: Dashboard, name: str) -> str:
    known = name.rpartition("/")[2] == "default.installation"
    return f"Loading installation: {name}" if known else f"File not found: {name}"


def _set_role(d: Dashboard, role: str) -> str:
    if role.upper() not in _ROLES:
        return f"Failed setting user role: {role}"
    d.role = role.upper()
    return f"Setting user role: {role}"


def _set_operational_mode(d: Dashboard, mode: str) -> str:
    if mode.upper() not in ("MANUAL", "AUTOMATIC"):
        return f"Failed setting operational mode: {mode}"
    d.operational_mode = mode.upper()
    return f"Operational mode {mode.upper()} is set"


def _clear_operational_mode(d: Dashboard, _: str) -> str:
    d.operational_mode = "NONE"
    return "No longer controlling the operational mode. Current operational mode: NONE."


def _flight_report(_: Dashboard, kind: str) -> str:
    if kind not in _REPORTS:
        return f"Flight Report type not recognised: {kind}"
    return "Flight Report generated with id: 1"


COMMANDS: dict[str, tuple[str, str, Command]] = {
    # Words: first CB3 version, first e-Series version ("" is never), what answers.
    "load installation": ("3.2", "5.0", _installation),
    "load": ("3.0", "5.0", _load),
    "play": ("3.0", "5.0", _play),
    "pause": ("3.0", "5.0", _pause),
    "stop": ("3.0", "5.0", _stop),
    "shutdown": ("3.0", "5.0", _do(Controller.shut_down, "Shutting down")),
    "running": ("3.0", "5.0", _running),
    "robotmode": ("3.0", "5.0", lambda d, _: f"Robotmode: {d.controller.mode.name}"),
    "get loaded program": ("3.0", "5.0", _loaded),
    "popup": ("3.0", "5.0", _popup),
    "close popup": ("3.0", "5.0", _say("closing popup")),
    "addtolog": ("3.0", "5.0", _log),
    "isprogramsaved": ("3.0", "5.0", _saved),
    "programstate": ("3.0", "5.0", lambda d, _: f"{d.controller.runtime.name} {_name(d)}"),
    "polyscopeversion": (
        *("3.0", "5.0"),
        lambda d, _: f"URSoftware {d.controller.polyscope}.1010327 (Oct 13 2021)",
    ),
    "version": ("", "5.0", lambda d, _: str(d.controller.polyscope)),
    "setuserrole": ("3.1", "", _set_role),
    "getuserrole": ("3.1", "", lambda d, _: d.role),
    "power on": ("3.0", "5.0", _do(Controller.power_on, "Powering on")),
    "power off": ("3.0", "5.0", _do(Controller.power_off, "Powering off")),
    "brake release": ("3.0", "5.0", _do(Controller.release_brakes, "Brake releasing")),
    "safetymode": ("3.0", "5.0", lambda d, _: f"Safetymode: {d.controller.safety.mode.name}"),
    "safetystatus": (
        *("3.11", "5.4"),
        lambda d, _: f"Safetystatus: {d.controller.safety.mode.name}",
    ),
    "unlock protective stop": ("3.1", "5.0", _unlock),
    "close safety popup": ("3.1", "5.0", _say("closing safety popup")),
    "restart safety": ("3.7", "5.1", _do(Controller.restart_safety, "Restarting safety")),
    "is in remote control": ("", "5.6", lambda d, _: str(d.controller.remote).lower()),
    "get serial number": ("3.12", "5.6", _say(SERIAL)),
    "get robot model": ("3.12", "5.6", lambda d, _: d.controller.arm.name.removesuffix("e")),
    "set operational mode": ("", "5.0", _set_operational_mode),
    "clear operational mode": ("", "5.0", _clear_operational_mode),
    "get operational mode": ("", "5.6", lambda d, _: d.operational_mode),
    "generate flight report": ("3.13", "5.8", _flight_report),
    "generate support file": (
        *("3.13", "5.8"),
        lambda _, folder: f"Completed successfully: {folder}/ur_{SERIAL}.zip",
    ),
    "savelog": ("3.13", "5.8", _say("Log saved to disk")),
}
"""By their words in small letters; an argument follows them."""


def reply(d: Dashboard, request: str) -> str:
    """Return the answer to one request; a version that lacks a command does not understand it."""
    for words, (cb3, e_series, command) in COMMANDS.items():
        said, argument = request[: len(words)].lower(), request[len(words) :]
        if said == words and argument[:1] in ("", " "):
            if d.controller.polyscope.reached(cb3, e_series):
                return command(d, argument.strip())
            break
    return f"could not understand: '{request}'"
