"""A stage in a process of its own."""

from __future__ import annotations

from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .local_stage import LocalStage
from .spawning import start_process
from .stage import Reply, Scene, Stage, StageError

TIMEOUT_S = 600.0
"""An environment that is silent for so long is given up; building a scene takes seconds."""

CLOSING_S = 5.0
"""How long the process may take to finish what it is doing and to release OpenGL."""


class ProcessStage(Stage):
    """A stage in a process of its own, which works while this one does something else.

    The process is started by the first request, and again by the next one after it died.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._process: Any = None
        self._pipe: Connection

    def begin(self, scene: Scene) -> None:
        """See ``Stage``."""
        if self._process is None:
            self._start()
        self._send("begin", scene)

    def play(self, plan: NDArray[np.float32], execute: int) -> None:
        """See ``Stage``."""
        self._send("play", plan, execute)

    def receive(self) -> Reply:
        """See ``Stage``."""
        try:
            if not self._pipe.poll(self._timeout_s):
                raise StageError(f"No answer for {self._timeout_s:g} s; {self._end()}.")
            outcome = self._pipe.recv()
        except (EOFError, OSError) as error:
            raise StageError(f"The environment's process died; {self._end()}.") from error
        if isinstance(outcome, StageError):
            raise outcome
        reply: Reply = outcome
        return reply

    def close(self) -> None:
        """See ``Stage``."""
        if self._process is None:
            return
        self._pipe.close()
        self._process.join(timeout=CLOSING_S)
        self._end()

    def _start(self) -> None:
        self._process, self._pipe = start_process(_serve, daemon=True)

    def _send(self, *message: Any) -> None:
        with suppress(OSError):  # the process died; receive() says so
            self._pipe.send(message)

    def _end(self) -> str:
        """Kill what is left of the process and say how it ended."""
        self._process.kill()
        self._process.join()
        code, self._process = self._process.exitcode, None
        return f"its exit code is {code}"


def _serve(pipe: Connection) -> None:
    """Answer requests until the other end is closed."""
    stage = LocalStage()
    try:
        while True:
            method, *given = pipe.recv()
            getattr(stage, method)(*given)
            pipe.send(_answer(stage))
    except (EOFError, OSError):
        stage.close()


def _answer(stage: LocalStage) -> Reply | StageError:
    try:
        return stage.receive()
    except StageError as error:
        return error
