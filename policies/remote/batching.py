"""Answers requests that arrive together in one forward pass, in a thread of its own."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from steer_gym.errors import SteerGymError
from steer_gym.observation import INSTRUCTION, batch_observations
from steer_gym.policy import Plan, Policy

from .messages import Request


class BusyError(SteerGymError):
    """The server has as many requests waiting as it allows."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Job:
    request: Request
    done: Future[tuple[Plan, slice]] = field(default_factory=Future)

    @property
    def signature(self) -> object:
        """Return what observations must share to stand in one batch."""
        return [
            sorted((key, np.shape(value)) for key, value in row.items() if key != INSTRUCTION)
            for row in self.request.rows[:1]
        ]


class Batcher:
    """A policy and the queue in front of it."""

    def __init__(self, policy: Policy, *, rows: int = 8, waiting: int = 64) -> None:
        """Start the thread.

        Args:
            policy: Called from that thread alone.
            rows: At most so many rows of different clients together; a request is never split.
            waiting: Requests that may wait.
        """
        self._policy, self._rows = policy, rows
        self._jobs: queue.Queue[_Job | None] = queue.Queue(waiting)
        self._left: _Job | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steer-gym batcher", daemon=True)
        self._thread.start()

    def plan(self, request: Request, timeout_s: float | None = None) -> tuple[Plan, slice]:
        """Return a plan and the rows of it that answer ``request``.

        Raises:
            BusyError: Too many requests are waiting, or the server is closing.
            SteerGymError: The policy refuses the request.
        """
        job = _Job(request=request)
        try:
            if self._closed.is_set():
                raise queue.Full
            self._jobs.put_nowait(job)
        except queue.Full:
            raise BusyError(
                f"The server is closing, or has {self._jobs.maxsize} requests waiting; ask again."
            ) from None
        return job.done.result(timeout_s)

    def close(self) -> None:
        """Answer what is waiting with an error, and end the thread."""
        self._closed.set()
        while True:
            try:
                self._jobs.put(None, timeout=0.1)
                break
            except queue.Full:
                self._refuse_waiting()
        self._thread.join()
        self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        jobs = [self._left] if self._left else []
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            jobs += [job] if job else []
        for job in jobs:
            job.done.set_exception(BusyError("The server is closing."))

    def _run(self) -> None:
        while not self._closed.is_set():
            first, self._left = self._left or self._jobs.get(), None
            if first is None:
                return
            self._answer(self._gather(first))

    def _gather(self, first: _Job) -> list[_Job]:
        """Return ``first`` and what already waits behind it, as far as it fits with it."""
        jobs, rows = [first], len(first.request.rows)
        while rows < self._rows:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            if job is None:
                self._closed.set()
                break
            rows += len(job.request.rows)
            if rows > self._rows or job.signature != first.signature:
                self._left = job
                break
            jobs.append(job)
        return jobs

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            plan = self._together(jobs)
        except Exception as error:
            if len(jobs) > 1:  # one client's mistake must not reach the others
                for job in jobs:
                    self._answer([job])
                return
            jobs[0].done.set_exception(error)
            return
        ends = np.cumsum([0, *(len(job.request.rows) for job in jobs)]).tolist()
        for job, (start, stop) in zip(jobs, pairwise(ends), strict=True):
            job.done.set_result((plan, slice(start, stop)))

    def _together(self, jobs: list[_Job]) -> Plan:
        rows: list[Any] = [row for job in jobs for row in job.request.rows]
        configs = [config for job in jobs for config in job.request.configs]
        return self._policy.plan(batch_observations(rows), configs)
