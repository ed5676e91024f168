"""Start a process of one's own that Ctrl-C does not reach."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any


def start_process(
    target: Callable[..., None], *arguments: Any, duplex: bool = True, daemon: bool = False
) -> tuple[SpawnProcess, Connection]:
    """Return a started process and this side's end of a pipe to it.

    Args:
        target: A function of a module; it takes ``arguments`` and then its end of the pipe.
        *arguments: What can be sent to a process.
        duplex: Whether the pipe goes both ways, or only from the process to here.
        daemon: Whether it dies with this one; then it may start none itself.
    """
    context = multiprocessing.get_context("spawn")  # OpenGL and torch do not survive a fork
    ours, theirs = context.Pipe(duplex=duplex)
    process = context.Process(target=target, args=(*arguments, theirs), daemon=daemon)
    # Ctrl-C is the parent's to handle; the child inherits the mask, even while it imports. The
    # tracker has to run before, since starting it lets Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    theirs.close()
    return process, ours
