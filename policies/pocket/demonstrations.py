"""Collect demonstrations: the scripted expert in LIBERO, disturbed now and then, in many styles."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from steer_gym.observation import (
    GRIPPER,
    IMAGE_BASE,
    IMAGE_WRIST,
    INSTRUCTION,
    TCP_POSE,
    Observation,
)
from steer_gym.privileged import GOAL, OBJECT
from steer_gym.registry import make_policy
from steer_gym.results import writable_folder

from .episodes import Demonstration, save_demonstration
from .wording import Height, Speed, Style

SPEEDS: dict[Speed, float] = {"slow": 0.4, "normal": 0.65, "fast": 1.0}
"""Speed of the expert, as a fraction of full commands."""
HEIGHTS: dict[Height, float] = {"low": 0.20, "normal": 0.28, "high": 0.38}
"""Height of the tool above the floor in transport [m]; 0.20 just clears the basket's rim."""
BLOCK = 20
"""Episodes of one task before a worker turns to the next: building a scene takes seconds."""
MAX_STEPS = 320
"""More than LIBERO's 280, since slow and disturbed episodes take longer."""


@dataclass(frozen=True, kw_only=True)
class CollectConfig:
    """What to collect."""

    out: Path
    """One file an episode; those that exist are not collected again."""
    env: str = "steer_gym/LiberoObject-v0"
    tasks: tuple[int, ...] = (2, 3, 5, 9)
    episodes: int = 600
    minutes: float = 60.0
    """Whichever of ``episodes`` and ``minutes`` ends first."""
    workers: int = 2
    image_size: int = 128
    seed: int = 0


def collect(config: CollectConfig) -> int:
    """Collect in ``workers`` processes, showing progress; return the number of episodes there."""
    writable_folder(config.out)
    started = time.monotonic()
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=_work, args=(config, number), daemon=True)
        for number in range(config.workers)
    ]
    for worker in workers:
        worker.start()
    before = have = _count(config.out)
    while any(worker.is_alive() for worker in workers):
        time.sleep(1)
        have = _count(config.out)
        elapsed = time.monotonic() - started
        rate = (have - before) / elapsed
        print(
            f"\r{have} of {config.episodes} episodes, {60 * rate:.1f} a minute, "
            f"{elapsed:.0f} of {60 * config.minutes:.0f} s",
            end="",
            file=sys.stderr,
            flush=True,
        )
    print(file=sys.stderr)
    return have


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.glob("episode-*.npz"))


def _work(config: CollectConfig, worker: int) -> None:
    """Collect this worker's share of the episodes, task by task."""
    deadline = time.monotonic() + 60 * config.minutes
    env: gym.Env[Any, Any] | None = None
    made = -1
    for number, task in _share(config, worker):
        path = config.out / f"episode-{number:06d}.npz"
        if path.exists():
            continue
        if env is None or made != task:
            if env is not None:
                env.close()
            env, made = _make(config, task), task
        episode = demonstrate(env, np.random.default_rng((config.seed, number)), deadline)
        if episode is not None:
            save_demonstration(path, episode)
        if time.monotonic() > deadline:
            break
    if env is not None:
        env.close()


def _share(config: CollectConfig, worker: int) -> Iterator[tuple[int, int]]:
    """Yield episode number and task; workers start at different tasks and go round."""
    for turn, number in enumerate(range(worker, config.episodes, config.workers)):
        yield number, config.tasks[(worker + turn // BLOCK) % len(config.tasks)]


def _make(config: CollectConfig, task: int) -> gym.Env[Any, Any]:
    return gym.make(
        config.env,
        task=task,
        image_size=config.image_size,
        rendering="fast",
        privileged=True,
        init_state="sampled",
        max_steps=MAX_STEPS,
    )


def demonstrate(
    env: gym.Env[Any, Any], rng: np.random.Generator, deadline: float = np.inf
) -> Demonstration | None:
    """Return one successful episode in a random style, or ``None``.

    What is executed is the expert's action with disturbances, what is kept is the action itself,
    so that an imitator learns the way back (Laskey et al., 2017).
    """
    style = _draw_style(rng)
    speed = SPEEDS[style.speed] * rng.uniform(0.9, 1.0)
    height = HEIGHTS[style.height] + rng.uniform(-0.015, 0.015)
    expert = make_policy("scripted", speed=speed, height=height)
    observation, _ = env.reset(seed=int(rng.integers(2**31)))
    kept: dict[str, list[Any]] = {k: [] for k in (IMAGE_BASE, IMAGE_WRIST, TCP_POSE, GRIPPER)}
    aims: list[NDArray[np.float64]] = []
    actions: list[NDArray[np.float32]] = []
    disturbances = _disturbances(rng, speed)
    done = False
    while not done and time.monotonic() < deadline:
        action = expert.act(observation)
        for key, values in kept.items():
            values.append(observation[key])
        aims.append(_aim(observation))
        actions.append(action)
        disturbed = np.clip(action + next(disturbances), -1, 1).astype(np.float32)
        observation, _, success, truncated, _ = env.step(disturbed)
        done = success or truncated
    if not (actions and done and success):
        return None
    return Demonstration(
        task=observation[INSTRUCTION],
        style=style,
        base=np.stack(kept[IMAGE_BASE]),
        wrist=np.stack(kept[IMAGE_WRIST]),
        tcp_pose=np.stack(kept[TCP_POSE]),
        gripper=np.stack(kept[GRIPPER]),
        aim=np.stack(aims).astype(np.float32),
        actions=np.stack(actions),
    )


def _aim(observation: Observation) -> NDArray[np.float64]:
    """Return the way from the tool to the object and to the goal, (6,) [m]."""
    tool = observation[TCP_POSE][:3]
    return np.concatenate([observation[OBJECT][:3] - tool, observation[GOAL][:3] - tool])


def _draw_style(rng: np.random.Generator) -> Style:
    speed: Speed = rng.choice(list(SPEEDS), p=[0.3, 0.4, 0.3])
    height: Height = rng.choice(list(HEIGHTS), p=[0.3, 0.4, 0.3])
    return Style(speed=str(speed), height=str(height))  # type: ignore[arg-type]


def _disturbances(rng: np.random.Generator, speed: float) -> Iterator[NDArray[np.float64]]:
    """Yield what to add to each action: small noise, and pushes of a few steps."""
    while True:
        for _ in range(rng.geometric(1 / 25)):
            yield _translation(rng.normal(0, 0.08 * speed, 3))
        push = rng.normal(0, 0.6 * speed, 3)
        for _ in range(rng.integers(3, 9)):
            yield _translation(push)


def _translation(motion: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([*motion, 0, 0, 0, 0])
