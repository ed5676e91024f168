"""The messages of port 30001, made from the controller's events (UR's guide to the port)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import Any

from ..modes import SafetyMode
from .polyscope import PolyScope

ROBOT_MESSAGE = 20
TEXT, POPUP, VERSION, SAFETY_MODE, ERROR_CODE, KEY, RUNTIME_EXCEPTION = 0, 2, 3, 5, 6, 7, 10
_FROM_CONTROLLER, _FROM_SCRIPT = -2, -3
LEVELS = {"INFO": 1, "WARNING": 2, "VIOLATION": 3, "FAULT": 4}
"""Report level of an error code."""
_PROTECTIVE_STOP_CODE = 150

Event = Mapping[str, Any]


def message(kind: int, body: bytes, time_s: float = 0.0, source: int = _FROM_CONTROLLER) -> bytes:
    """Return one framed message."""
    head = struct.pack(">BQbB", ROBOT_MESSAGE, round(time_s * 1e6), source, kind)
    return struct.pack(">I", 4 + len(head) + len(body)) + head + body


def version_message(version: PolyScope) -> bytes:
    """Return what a client is told first."""
    name = b"URControl"
    numbers = (version.major, version.minor, version.bugfix, 0)
    body = struct.pack(">B9sBBii", len(name), name, *numbers) + b"13-10-2021, 00:00:00"
    return message(VERSION, body)


def messages_of(event: Event) -> list[bytes]:
    """Return the messages that tell of an event; none for most."""
    make = _MAKERS.get(event["kind"])
    return make(event) if make else []


def _bytes(text: str) -> bytes:
    # A script may hold halves of characters, which have no bytes.
    return text.encode(errors="replace")


def _key(title: bytes) -> Callable[[Event], list[bytes]]:
    def make(event: Event) -> list[bytes]:
        body = struct.pack(">iiB", 0, 0, len(title)) + title + _bytes(event["name"])
        return [message(KEY, body, event["time_s"])]

    return make


def _text(event: Event) -> list[bytes]:
    return [message(TEXT, _bytes(event["text"]), event["time_s"], _FROM_SCRIPT)]


def _popup(event: Event) -> list[bytes]:
    title = b"Message"
    head = struct.pack(">IB???B", 0, 4, False, False, False, len(title))
    return [message(POPUP, head + title + _bytes(event["text"]), event["time_s"], _FROM_SCRIPT)]


def _exception(what: str) -> Callable[[Event], list[bytes]]:
    def make(event: Event) -> list[bytes]:
        body = struct.pack(">ii", event["line"], event.get("column", 1)) + _bytes(event[what])
        return [message(RUNTIME_EXCEPTION, body, event["time_s"], _FROM_SCRIPT)]

    return make


def _safety(event: Event) -> list[bytes]:
    mode = SafetyMode[event["mode"]]
    told = [message(SAFETY_MODE, struct.pack(">iiBII", 0, 0, mode, 1, 0), event["time_s"])]
    if mode is SafetyMode.PROTECTIVE_STOP:
        stop = {"code": _PROTECTIVE_STOP_CODE, "argument": 0, "level": "WARNING"}
        told += _error_code({**event, **stop, "text": event["reason"]})
    return told


def _error_code(event: Event) -> list[bytes]:
    numbers = (event["code"], event["argument"], LEVELS[event["level"]], 1, 0)
    body = struct.pack(">iiiII", *numbers) + _bytes(event["text"])
    return [message(ERROR_CODE, body, event["time_s"])]


_MAKERS: dict[str, Callable[[Event], list[bytes]]] = {
    "program_started": _key(b"PROGRAM_XXX_STARTED"),
    "program_ended": _key(b"PROGRAM_XXX_STOPPED"),
    "text": _text,
    "popup": _popup,
    "compile_error": _exception("text"),
    "runtime_error": _exception("reason"),
    "safety": _safety,
    "error_code": _error_code,
}
