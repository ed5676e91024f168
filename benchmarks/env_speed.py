"""Compare the speed of LIBERO's own environment with ours, in one run.

    python benchmarks/env_speed.py --suite libero_object --task 0 --steps 40

Every step has both cameras. The environments take turns at every step, so that a busy machine slows
all alike; each row's ratio is the median over the steps of upstream's time over its own.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import gymnasium as gym
import numpy as np

import steer_gym  # noqa: F401
from steer_gym.envs.libero.installed import task_of
from steer_gym.envs.libero.suites import suite_named

KINDS = ("upstream", "reference", "fast")
RESETS = 3

Step = Callable[[Any], Any]
Call = Callable[[], Any]


def upstream(suite: str, task: int, size: int) -> tuple[Step, Call, Call]:
    """Return ``step``, ``reset`` and ``close`` of the installed LIBERO's own environment."""
    from libero.libero.envs import OffScreenRenderEnv

    env = OffScreenRenderEnv(
        bddl_file_name=str(task_of(suite_named(suite), task).bddl_file),
        camera_heights=size,
        camera_widths=size,
    )

    def step(action: Any) -> Any:
        # Upstream never does this itself, and our contexts have been current in between.
        env.env.sim._render_context_offscreen.gl_ctx.make_current()
        return env.step(action)

    return step, env.reset, env.close


def ours(suite: str, task: int, size: int, rendering: str) -> tuple[Step, Call, Call]:
    """Return ``step``, ``reset`` and ``close`` of this package's environment."""
    env = gym.make(
        "steer_gym/Libero-v0", suite=suite, task=task, image_size=size, rendering=rendering
    )
    return env.step, env.reset, env.close


def make(kind: str, suite: str, task: int, size: int) -> tuple[Step, Call, Call]:
    """Return ``step``, ``reset`` and ``close`` of one of ``KINDS``."""
    if kind == "upstream":
        return upstream(suite, task, size)
    return ours(suite, task, size, kind)


def seconds(call: Callable[..., Any], *arguments: Any) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def measure(suite: str, task: int, size: int, steps: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return for each kind the seconds of every step, and of every reset but the first."""
    envs = {kind: make(kind, suite, task, size) for kind in KINDS}
    for _, reset, _ in envs.values():
        reset()
    resets = {kind: [seconds(envs[kind][1]) for _ in range(RESETS)] for kind in KINDS}
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for action in np.random.default_rng(0).uniform(-1, 1, (steps, 7)):
        for kind in KINDS:
            times[kind].append(seconds(envs[kind][0], action))
    for _, _, close in envs.values():
        close()
    return times, resets


def row(times: list[float], against: list[float]) -> tuple[float, float]:
    """Return the median of ``times`` [s], and of the ratios to what took place beside them."""
    ratios = [other / own for own, other in zip(times, against, strict=True)]
    return statistics.median(times), statistics.median(ratios)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="libero_object")
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    options = parser.parse_args()
    print(f"{options.suite}, task {options.task}, two cameras, {options.steps} steps")
    print(f"{'pixels':>6} {'kind':<10} {'steps/s':>8} {'ratio':>6} {'reset s':>8} {'ratio':>6}")
    for size in options.sizes:
        times, resets = measure(options.suite, options.task, size, options.steps)
        for kind in KINDS:
            step, faster = row(times[kind], times["upstream"])
            reset, sooner = row(resets[kind], resets["upstream"])
            print(f"{size:>6} {kind:<10} {1 / step:>8.1f} {faster:>6.1f}", end=" ")
            print(f"{reset:>8.2f} {sooner:>6.1f}", flush=True)


if __name__ == "__main__":
    main()
