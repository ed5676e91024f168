"""A Ray cluster: the same jobs, on whichever node is free."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

from steer_gym.errors import EvaluationError, SteerGymError
from steer_gym.extras import require

from .crew import LOOK_EVERY_S
from .work import Job

REACH_S = 10.0
"""How long a cluster may take to answer at all."""


def run_on_ray(
    jobs: Sequence[Job],
    look: Callable[[], None],
    work: Callable[[Job], None],
    *,
    address: str | None = None,
    cpus: float = 1.0,
    gpus: float = 0.0,
) -> None:
    """Run every job as a Ray task; the folder of the results must be one that all nodes share.

    Args:
        jobs: What is to be run.
        look: Called now and then.
        work: Does a job.
        address: Of the cluster, ``"auto"`` for the one that this machine belongs to; ``None``: of
            the connection that is open, or else a new cluster on this machine.
        cpus: Processors that a job takes.
        gpus: GPUs that a job takes.

    Raises:
        SteerGymError: A job cannot be run, or crashed more often than ``Job.retries``.
        MissingPackageError: Ray is not installed.
    """
    ray = require("ray", extra="bench")
    opened = not ray.is_initialized()
    if opened:
        _require_reachable(address)
        ray.init(address=address, log_to_driver=False, logging_level="warning")
    task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=0)(_checked)
    running = {task.remote(job, work): (job, 1) for job in jobs}
    try:
        while running:
            ended, _ = ray.wait(list(running), timeout=LOOK_EVERY_S)
            for reference in ended:
                job, starts = running.pop(reference)
                if not _done(ray, reference, job, starts):
                    running[task.remote(job, work)] = (job, starts + 1)
            look()
    finally:
        for reference in running:
            ray.cancel(reference, force=True)
        if opened:
            ray.shutdown()


def _require_reachable(address: str | None) -> None:
    """Refuse ``host:port`` where nobody listens, which Ray would try for minutes."""
    host, _, port = (address or "").rpartition(":")
    if not port.isdigit() or "/" in host:
        return
    try:
        socket.create_connection((host, int(port)), timeout=REACH_S).close()
    except (OSError, OverflowError) as error:
        raise EvaluationError(
            f"No Ray cluster answers at {address}: {error}. `ray status` on its head node tells "
            "the address."
        ) from error


def _checked(job: Job, work: Callable[[Job], None]) -> None:
    if not job.out.is_dir():
        raise EvaluationError(
            f"This node does not see {job.out}. Give an --out on a file system that all nodes of "
            "the cluster share."
        )
    work(job)


def _done(ray: Any, reference: Any, job: Job, starts: int) -> bool:
    try:
        ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SteerGymError):
            raise error.cause from None
        reason: Exception = error
    except ray.exceptions.RayError as error:
        reason = error
    else:
        return True
    if starts > job.retries:
        raise EvaluationError(f"{job.shard.folder} failed {starts} times: {reason}") from reason
    return False
