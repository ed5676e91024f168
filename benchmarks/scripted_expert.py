"""Measure how often the scripted expert succeeds, task by task.

    python benchmarks/scripted_expert.py --suites libero_object libero_spatial --states 10

Nothing is drawn. Every episode is kept in ``--out`` as a line of JSON, and not run again; tasks
that the expert does not know (opening drawers, turning knobs) are named and left out.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym

import steer_gym
from steer_gym.envs.libero.installed import tasks_of
from steer_gym.envs.libero.suites import suite_named
from steer_gym.errors import TaskError
from steer_gym.policy import Policy

Row = dict[str, Any]
Key = tuple[str, int, int]


def key_of(row: Row) -> Key:
    """Return what tells an episode from others."""
    return row["suite"], row["task"], row["state"]


def kept(file: Path, style: dict[str, float]) -> dict[Key, Row]:
    """Return the episodes that ``file`` holds already."""
    lines = file.read_text().splitlines() if file.is_file() else []
    rows = [json.loads(line) for line in lines]
    return {key_of(row): row for row in rows if row["style"] == style}


def run(env: gym.Env, policy: Policy, state: int, seed: int) -> Row:
    """Run one episode and return what came of it."""
    observation, info = env.reset(seed=seed, options={"init_state": state})
    policy.reset()
    steps, done, started, phases = 0, False, time.perf_counter(), []
    while not done:
        plan = policy.plan(observation)
        observation, _, terminated, truncated, info = env.step(plan.actions[0, 0])
        phases += [phase for phase in plan.extra["phases"] if [phase] != phases[-1:]]
        steps, done = steps + 1, terminated or truncated
    took = round(time.perf_counter() - started, 2)
    return {"success": info["success"], "steps": steps, "seconds": took, "phases": phases}


def episodes(suite: str, task: int, states: list[int], policy: Policy, seed: int) -> Iterator[Row]:
    """Yield the episodes of one task; none if the expert does not know how."""
    env = gym.make(
        "steer_gym/Libero-v0", suite=suite, task=task, cameras=(), privileged=True
    ).unwrapped
    try:
        for state in states:
            yield {"suite": suite, "task": task, "state": state, **run(env, policy, state, seed)}
    except TaskError:
        return
    finally:
        env.close()


def print_task(suite: str, task: int, rows: list[Row]) -> None:
    """Print one line of the table."""
    words = tasks_of(suite_named(suite))[task].instruction
    if not rows:
        print(f"{suite:<16} {task:>3}   not known          {words}", flush=True)
        return
    won = [row["steps"] for row in rows if row["success"]]
    lost = [row["state"] for row in rows if not row["success"]]
    mean = f"{sum(won) / len(won):>4.0f}" if won else "   -"
    failed = f"  failed: {lost}" if lost else ""
    counts = f"{len(won):>3}/{len(rows):<3} {mean}"
    print(f"{suite:<16} {task:>3}  {counts}  {words}{failed}", flush=True)


def print_suite(suite: str, rows: list[Row]) -> None:
    """Print the sum of one suite."""
    won = sum(row["success"] for row in rows)
    print(f"{suite:<16} all  {won:>3}/{len(rows):<3} {100 * won / max(len(rows), 1):.1f} %\n")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--suites", nargs="+", default=["libero_object", "libero_spatial"])
    parser.add_argument("--tasks", type=int, nargs="+", help="of each suite; all by default")
    parser.add_argument("--states", type=int, default=10, help="initial states of each task")
    parser.add_argument("--first", type=int, default=0, help="the first initial state")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--height", type=float, default=0.30)
    parser.add_argument("--out", type=Path, default=Path("runs/scripted_expert.jsonl"))
    options = parser.parse_args()
    style = {"speed": options.speed, "height": options.height, "seed": options.seed}
    policy = steer_gym.make_policy("scripted", speed=options.speed, height=options.height)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    known = kept(options.out, style)
    states = range(options.first, options.first + options.states)
    print(f"{'suite':<16} task  solved steps  instruction")
    for suite in options.suites:
        rows: list[Row] = []
        for task in options.tasks or range(len(tasks_of(suite_named(suite)))):
            missing = [state for state in states if (suite, task, state) not in known]
            for row in episodes(suite, task, missing, policy, options.seed) if missing else ():
                with options.out.open("a") as file:
                    file.write(json.dumps({**row, "style": style}) + "\n")
                known[key_of(row)] = row
            of_task = [known[suite, task, s] for s in states if (suite, task, s) in known]
            print_task(suite, task, of_task)
            rows += of_task
        print_suite(suite, rows)


if __name__ == "__main__":
    main()
