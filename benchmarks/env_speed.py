"""Compare the speed of LIBERO's own environment with ours, in one run.

    python benchmarks/env_speed.py --suite libero_object --task 0 --steps 30

Every step has both cameras. The environments take turns, so that a busy machine slows all alike.
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
Step = Callable[[Any], Any]


def upstream(suite: str, task: int, size: int) -> tuple[Step, Callable[[], Any]]:
    """Return ``step`` and ``reset`` of the installed LIBERO's own environment."""
    from libero.libero.envs import OffScreenRenderEnv

    env = OffScreenRenderEnv(
        bddl_file_name=str(task_of(suite_named(suite), task).bddl_file),
        camera_heights=size,
        camera_widths=size,
    )
    gl = env.env.sim  # made current again before each turn, since upstream never does

    def step(action: Any) -> Any:
        env.env.sim._render_context_offscreen.gl_ctx.make_current()
        return env.step(action)

    del gl
    return step, env.reset


def ours(suite: str, task: int, size: int, rendering: str) -> tuple[Step, Callable[[], Any]]:
    """Return ``step`` and ``reset`` of this package's environment."""
    env = gym.make(
        "steer_gym/Libero-v0", suite=suite, task=task, image_size=size, rendering=rendering
    )
    return env.step, env.reset


def seconds(call: Callable[[], Any]) -> float:
    """Return how long ``call`` takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def measure(suite: str, task: int, size: int, steps: int) -> dict[str, tuple[float, float]]:
    """Return for each kind the median seconds of a step and the seconds of a second reset."""
    envs = {
        kind: upstream(suite, task, size)
        if kind == "upstream"
        else ours(suite, task, size, rendering=kind)
        for kind in KINDS
    }
    resets = {}
    for kind, (_, reset) in envs.items():
        reset()
        resets[kind] = seconds(reset)
    actions = np.random.default_rng(0).uniform(-1, 1, (steps, 7))
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for action in actions:
        for kind, (step, _) in envs.items():
            times[kind].append(seconds(lambda step=step, action=action: step(action)))
    return {kind: (statistics.median(times[kind]), resets[kind]) for kind in KINDS}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suite", default="libero_object")
    parser.add_argument("--task", type=int, default=0)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    options = parser.parse_args()
    print(f"{'pixels':>6} {'kind':<10} {'steps/s':>8} {'ratio':>6} {'reset s':>8} {'ratio':>6}")
    for size in options.sizes:
        results = measure(options.suite, options.task, size, options.steps)
        step_0, reset_0 = results["upstream"]
        for kind, (step, reset) in results.items():
            ratios = step_0 / step, reset_0 / reset
            row = f"{size:>6} {kind:<10} {1 / step:>8.1f} {ratios[0]:>6.1f} {reset:>8.2f}"
            print(f"{row} {ratios[1]:>6.1f}", flush=True)


if __name__ == "__main__":
    main()
