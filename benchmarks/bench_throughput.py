"""What batching, workers and drawing on demand save a benchmark, each pair in one run.

    python benchmarks/bench_throughput.py batch   [--rows 8] [--rounds 9]
    python benchmarks/bench_throughput.py looks   [--chunk 10] [--rounds 9] [--rendering reference]
    python benchmarks/bench_throughput.py workers [--episodes 2] [--out FOLDER]

``batch``: Pocket plans for rows of as many conditions in one pass, every row steered differently,
against one pass a condition: in wall time with all cores, which is what a user sees and needs a
quiet machine, and in processor time of one thread. ``looks``: a chunk of actions in LIBERO with
pictures of its last step alone, against pictures of every step, in processor time, of which other
programs take little. Both ways are taken in turns within each round; shown are the median ratio and
its quartiles. ``workers``: a small benchmark of Pocket in LIBERO by one process and by two, in wall
time, so run it on a quiet machine; it also says whether both gave the same rows.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import steer_gym
from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.benchmark import Benchmark, PolicyChoice, Suite, Treatment
from steer_gym.benchmark.results import Results
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.observation import batch_observations

Call = Callable[[], Any]


def batch(options: argparse.Namespace) -> None:
    """Compare one pass over all conditions with one pass a condition."""
    import torch

    policy = steer_gym.make_policy("pocket")
    rows = options.rows
    observations = [policy.spec.example_observation(seed) for seed in range(rows)]
    configs = [ActConfig()] + [
        ActConfig(steering=Steering(NeuronSet.from_flat(range(k, 6000, 600)), alpha=2.0 + k))
        for k in range(1, rows)
    ]
    together, alone = (
        batch_observations(observations),
        [batch_observations([o]) for o in observations],
    )

    def one_by_one() -> None:
        for observation, config in zip(alone, configs, strict=True):
            policy.plan(observation, config)

    cores = torch.get_num_threads()
    for threads, clock, said in (
        (cores, time.perf_counter, f"wall time, {cores} threads (what a user sees)"),
        (1, time.process_time, "processor time, 1 thread"),
    ):
        torch.set_num_threads(threads)
        print(said)
        compare(
            f"{rows} conditions one by one",
            one_by_one,
            f"{rows} conditions in one pass",
            lambda: policy.plan(together, configs),
            options.rounds,
            rows,
            clock,
        )


def looks(options: argparse.Namespace) -> None:
    """Compare a chunk that is drawn at every step with one that is drawn at its end."""
    env = gym.make(
        "steer_gym/LiberoObject-v0", task=2, rendering=options.rendering, max_steps=10**6
    )
    env.reset(seed=0, options={"init_state": 0})
    action = np.zeros(7, np.float32)

    def chunk(on_demand: bool) -> None:
        for number in range(1, options.chunk + 1):
            env.unwrapped.rendering_paused = on_demand and number < options.chunk  # type: ignore[attr-defined]
            env.step(action)

    compare(
        f"{options.chunk} steps, all drawn",
        lambda: chunk(False),
        f"{options.chunk} steps, the last drawn",
        lambda: chunk(True),
        options.rounds,
        options.chunk,
    )
    env.close()


def compare(
    slow_name: str,
    slow: Call,
    fast_name: str,
    fast: Call,
    rounds: int,
    units: int,
    clock: Callable[[], float] = time.process_time,
) -> None:
    """Time both in turns and print what the second saves."""
    slow(), fast()
    times = [(cost(slow, clock), cost(fast, clock)) for _ in range(rounds)]
    for name, taken in zip((slow_name, fast_name), zip(*times, strict=True), strict=True):
        print(f"{name:<32}{1000 * statistics.median(taken) / units:8.1f} ms each")
    low, middle, high = statistics.quantiles([one / other for one, other in times], n=4)
    print(f"{'ratio':<32}{middle:8.2f} [{low:.2f}, {high:.2f}], {rounds} rounds")


def cost(call: Call, clock: Callable[[], float]) -> float:
    """Return the time of a call [s]."""
    started = clock()
    call()
    return clock() - started


def workers(options: argparse.Namespace) -> None:
    """Compare one process with two."""
    fast = Treatment(concept="fast", name="fast")
    plan = Benchmark(
        name="throughput",
        policies=(PolicyChoice(name="pocket"),),
        suites=(
            Suite(
                env="steer_gym/LiberoObject-v0",
                tasks=(2, 3),
                init_states=tuple(range(options.episodes)),
                env_options={"rendering": "fast", "max_steps": 60},
            ),
        ),
        conditions=(Treatment(kind="baseline", name="unsteered"), fast),
        measure_steering=True,
    )
    out = Path(options.out or tempfile.mkdtemp())
    found: list[tuple[float, Results]] = []
    for count in (1, 2):
        started = time.perf_counter()
        manner = Manner(workers=count, quiet=True, films=0)
        results = run_benchmark(plan, out / f"{count}", manner)
        found.append((time.perf_counter() - started, results))
        steps = sum(row["steps"] for row in results.rows)
        print(f"{count} workers: {steps} steps in {found[-1][0]:.1f} s")
    (one_s, one), (two_s, two) = found
    same = [numbers(row) for row in one.rows] == [numbers(row) for row in two.rows]
    print(f"ratio {one_s / two_s:.2f}; the rows are {'the same' if same else 'NOT the same'}")


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without times."""
    times = ("wall_s", "latency_s", "ended", "provenance")
    return {key: value for key, value in row.items() if key not in times}


def main() -> None:
    """Run one comparison."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    kinds = {"batch": batch, "looks": looks, "workers": workers}
    parser.add_argument("kind", choices=kinds)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--chunk", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rendering", default="reference", choices=("reference", "fast"))
    parser.add_argument("--episodes", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    kinds[options.kind](options)


if __name__ == "__main__":
    main()
