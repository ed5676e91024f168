"""What may come to ports 30001 to 30003: scripts, and the controller's own orders among them.

The orders are those that UR's client library and python-urx send; UR documents none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from .controller import Controller

READ_ONLY = 210
"""Error code of a script that comes to a port that only tells, as in local control."""

ORDERS: dict[str, Callable[[Controller], object]] = {
    "power on": Controller.power_on,
    "power off": Controller.power_off,
    "set robotmode run": Controller.release_brakes,
    "set unlock protective stop": Controller.unlock_protective_stop,
    "stop program": lambda c: c.end_program("stop program"),
    "pause program": Controller.pause,
    "resume program": Controller.play,
    "set real": lambda _: None,
}


def take_script(c: Controller, text: str) -> None:
    """Carry out what a client sent; in local control nothing is."""
    order = ORDERS.get(text.strip())
    if not c.remote:
        refuse_script(c, text)
    elif order:
        order(c)
    else:
        c.upload(text)


def refuse_script(c: Controller, text: str) -> None:
    """Refuse what came to a port that only tells; the primary clients are told so."""
    c.note("script_refused", reason="read-only", text=text[:80])
    c.note("error_code", code=READ_ONLY, argument=0, level="VIOLATION", text="read-only interface")
