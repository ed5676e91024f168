"""Run what is left of a benchmark: here, in several processes, or on a Ray cluster."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from steer_gym.errors import EvaluationError
from steer_gym.evaluation.progress import Progress
from steer_gym.results import writable_folder

from .continuing import kept_plan
from .crew import run_in_processes, work_on
from .plan import Benchmark
from .ray_crew import run_on_ray
from .results import Results
from .shards import shards
from .watching import Watcher
from .work import Job, run_jobs


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How a benchmark is run, which changes none of its numbers."""

    workers: int = 1
    """Processes side by side, each with a policy and ``Benchmark.envs`` environments; 1: this one
    alone. With Ray, the cluster decides."""
    ray: bool = False
    """Whether to run as tasks of a Ray cluster."""
    ray_address: str | None = None
    """Of the cluster; ``None``: of the open connection, or a new cluster on this machine."""
    cpus: float = 1.0
    """Processors that a job takes of a Ray cluster."""
    gpus: float = 0.0
    """GPUs that a job takes of a Ray cluster."""
    films: int = 1
    """How many initial states of each suite's first task are filmed."""
    retries: int = 2
    """How often what crashed is tried again."""
    quiet: bool = False
    """Show no progress."""

    def __post_init__(self) -> None:
        """Refuse what cannot be done."""
        if self.workers < 1:
            raise EvaluationError(f"workers must be 1 or more, but is {self.workers}.")
        if self.retries < 0 or self.films < 0:
            raise EvaluationError(
                f"retries and films must be 0 or more, but are {self.retries} and {self.films}."
            )


def run_benchmark(
    benchmark: Benchmark,
    out: str | Path,
    manner: Manner | None = None,
    *,
    work: Callable[[Job], None] = work_on,
) -> Results:
    """Run every cell that has no row yet, and return all that there is.

    At the end ``episodes.parquet`` and ``pairs.parquet`` are written, if pyarrow is installed.

    A script that calls this needs ``if __name__ == "__main__":``, as always where Python starts
    processes.

    Args:
        benchmark: What to run.
        out: Folder of the results. What is there from before is kept and not run again.
        manner: How.
        work: Does a job in another process; for policies and environments that a script registers
            itself, a function of a module that does so first.

    Raises:
        SteerGymError: Something given is not allowed, or ``out`` holds another plan's results.
        KeyboardInterrupt: Says what is kept.
    """
    manner = manner or Manner()
    folder = writable_folder(Path(out)).resolve()
    with kept_plan(benchmark, folder):
        before = Results.read(folder, benchmark)
        jobs = _left(before, manner)
        progress = _progress(before, manner)
        try:
            _run(jobs, progress, manner, work)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(_kept(folder, benchmark)) from None
        finally:
            progress.close()
        results = Results.read(folder, benchmark)
        if find_spec("pyarrow") is not None:
            results.write_tables()
    return results


def _run(jobs: list[Job], progress: Progress, manner: Manner, work: Callable[[Job], None]) -> None:
    if manner.ray:
        look = Watcher(jobs, progress).look
        run_on_ray(jobs, look, work, address=manner.ray_address, cpus=manner.cpus, gpus=manner.gpus)
    elif manner.workers > 1:
        run_in_processes(jobs, manner.workers, Watcher(jobs, progress).look, work)
    else:
        run_jobs(jobs, progress)


def _left(before: Results, manner: Manner) -> list[Job]:
    """Return the jobs of the shards that are not whole."""
    benchmark, rows = before.benchmark, before.rows
    jobs = []
    for number, shard in enumerate(shards(benchmark)):
        where = (shard.policy.label, shard.suite.name, shard.task)
        ended = sum(
            (row["policy_label"], row["suite"], row["task"]) == where and row["error"] is None
            for row in rows
        )
        if ended < len(shard.suite.init_states) * len(benchmark.conditions):
            jobs.append(
                Job(
                    benchmark=benchmark,
                    number=number,
                    out=before.folder,
                    films=manner.films,
                    retries=manner.retries,
                )
            )
    return jobs


def _progress(before: Results, manner: Manner) -> Progress:
    done = sum(row["error"] is None for row in before.rows)
    return Progress(done=done, total=before.benchmark.episodes, quiet=manner.quiet)


def _kept(folder: Path, benchmark: Benchmark) -> str:
    done = sum(row["error"] is None for row in Results.read(folder, benchmark).rows)
    return (
        f"{done} of {benchmark.episodes} episodes are kept in {folder}; the same command "
        "goes on from there."
    )
