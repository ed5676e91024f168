"""What a process of a benchmark of the toy world does; a module, since processes import it."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # toy_world

from steer_gym.benchmark import Benchmark, PolicyChoice, Suite, Treatment
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.benchmark.work import Job, run_jobs
from steer_gym.registry import POLICIES

FAST = Treatment(concept="fast", alpha=0.6)
BENCHMARK = Benchmark(
    name="toy",
    policies=(PolicyChoice(name="reach"),),
    suites=(Suite(env="toy_world:toy/Reach-v0", tasks=(0, 1), init_states=(0, 1, 2)),),
    conditions=(
        Treatment(kind="baseline", name="plain"),
        FAST,
        FAST.control("random", draws=2),
        FAST.control("zero"),
        Treatment(kind="prompt", prompt="{instruction} quickly"),
    ),
)


def register() -> None:
    """Let the registry know the toy world's policy."""
    POLICIES["reach"] = "toy_world:ReachPolicy"


def work(job: Job) -> None:
    """Do a job."""
    register()
    run_jobs([job])


def die_once(job: Job) -> None:
    """Do a job in the second try; in the first, die in its middle."""
    flag = job.out / f"died-{job.number}"
    if not flag.exists():
        flag.touch()
        os._exit(7)
    work(job)


def always_die(job: Job) -> None:
    """Die."""
    os._exit(7)


def run_slowly(out: Path) -> None:
    """Run the benchmark in two processes, slowly enough to be interrupted."""
    (suite,) = BENCHMARK.suites
    slow = replace(suite, env_options={"pause_s": 0.02})
    manner = Manner(workers=2, quiet=True, films=0)
    try:
        run_benchmark(replace(BENCHMARK, suites=(slow,)), out, manner, work=work)
    except KeyboardInterrupt as interrupt:
        print(interrupt)
        raise SystemExit(130) from None


def work_there(job: Job) -> None:
    """Do a job on a Ray node, the first one in its second try, and leave the node's name."""
    import ray

    die_once(job) if job.number == 0 else work(job)
    (job.out / f"node-{job.number}").write_text(ray.get_runtime_context().get_node_id())


if __name__ == "__main__":
    run_slowly(Path(sys.argv[1]))
