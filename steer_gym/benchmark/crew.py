"""Several processes on this machine, each with a policy and environments of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from steer_gym.errors import EvaluationError, SteerGymError
from steer_gym.evaluation.spawning import start_process

from .work import Job, run_jobs

LOOK_EVERY_S = 0.5


def run_in_processes(
    jobs: Sequence[Job], workers: int, look: Callable[[], None], work: Callable[[Job], None]
) -> None:
    """Run every job, each in a process of its own, so many at a time.

    Args:
        jobs: What is to be run.
        workers: Processes at a time.
        look: Called now and then.
        work: Does a job; a function of a module, since it is sent to processes.

    Raises:
        SteerGymError: A job cannot be run, or its process died more often than ``Job.retries``.
    """
    waiting = deque(JobProcess(job, work) for job in jobs)
    running: list[JobProcess] = []
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                waiting[0].start()
                running.append(waiting.popleft())
            wait([each.sentinel for each in running], timeout=LOOK_EVERY_S)
            ended = [each for each in running if each.ended]
            running = [each for each in running if each not in ended]
            waiting.extendleft([each for each in ended if not each.done()])
            look()
    finally:
        for each in running:
            each.stop()


class JobProcess:
    """A job in a process, which can be started again when it died."""

    def __init__(self, job: Job, work: Callable[[Job], None]) -> None:
        """Take a job; ``start`` begins."""
        self.job, self.work, self._starts = job, work, 0
        self._process: Any = None
        self._pipe: Connection

    @property
    def sentinel(self) -> int:
        """Return what ``multiprocessing.connection.wait`` waits for."""
        sentinel: int = self._process.sentinel
        return sentinel

    @property
    def ended(self) -> bool:
        """Tell whether the process is gone."""
        return not self._process.is_alive()

    def start(self) -> None:
        """Start the process, deaf to Ctrl-C, which is the parent's to handle."""
        self._starts += 1
        self._process, self._pipe = start_process(_run, self.job, self.work, duplex=False)

    def done(self) -> bool:
        """Tell whether the job is done; if not, it may be started again.

        Raises:
            SteerGymError: It failed for good.
        """
        try:
            outcome = self._pipe.recv()
        except EOFError:
            outcome = f"The process of {self.job.shard.folder} died; its exit code is " + str(
                self._process.exitcode
            )
        finally:
            self.stop()
        if isinstance(outcome, SteerGymError):
            raise outcome
        if outcome is not None and self._starts > self.job.retries:
            raise EvaluationError(f"{outcome} ({self._starts} tries.)")
        return outcome is None

    def stop(self) -> None:
        """End the process; what it has kept stays."""
        self._process.terminate()
        self._process.join()
        self._pipe.close()


def work_on(job: Job) -> None:
    """Do a job in a process that was made for it."""
    run_jobs([job])


def _run(job: Job, work: Callable[[Job], None], pipe: Connection) -> None:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(job)
        outcome: Any = None
    except SteerGymError as error:
        outcome = error
    except Exception:
        outcome = traceback.format_exc()
    pipe.send(outcome)


def _end_with_parent() -> None:
    """End at once when the parent is killed, so that nobody writes on beside a new run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
