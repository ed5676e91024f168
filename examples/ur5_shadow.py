"""Execute the unsteered policy on a UR5, and log beside it what the steered one would do.

    python examples/ur5_shadow.py --concept fast --out shadow.jsonl

In the simulator; with ``--host`` and ``--source`` the arm at that address moves, after a person has
said that it may (``docs/ur5_bench_guide.md`` first). Nothing that the steered policy wants is sent:
each line of the log has what was done, where the steered one would have gone, and the limits that
it would have met.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym

from steer_gym import ActConfig, make_policy
from steer_gym.envs.ur5.options import ask_person


def make_env(options: argparse.Namespace) -> gym.Env[Any, Any]:
    """Return the simulator, or the robot, whose person is asked before it goes home."""
    if options.host is None:
        return gym.make("steer_gym/UR5Sim-v0", image_size=128, max_steps=options.steps)
    return gym.make(
        "steer_gym/UR5-v0",
        host=options.host,
        sources=dict(zip(("image.base", "image.wrist"), options.source, strict=True)),
        max_steps=options.steps,
        confirm=ask_person,
        verdict=ask_person,
        shadow=False,
    )


def main(arguments: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """Run an episode; write and return its log."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--concept", default="fast")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--host", help="of a controller; its arm will move")
    parser.add_argument("--source", nargs=2, help="of the base's and the wrist's camera")
    parser.add_argument("--out", type=Path, default=Path("shadow.jsonl"))
    options = parser.parse_args(arguments)

    env, policy, log = make_env(options), make_policy("pocket"), []
    steered = ActConfig(steering=policy.recommended(options.concept))
    observation, _ = env.reset(seed=7)
    policy.reset()
    done = False
    while not done:
        wanted = env.unwrapped.shadow_of(policy.act(observation, steered))
        observation, _, terminated, truncated, info = env.step(policy.act(observation))
        told = {key: info[key] for key in ("time_s", "target", "clamps", "fault", "success")}
        log.append({**told, "steered": wanted})
        done = terminated or truncated
    env.close()
    options.out.write_text("".join(json.dumps(line) + "\n" for line in log))
    apart = sum(line["target"] != line["steered"]["target"] for line in log)
    print(f"{len(log)} steps, the steered policy wanted something else in {apart}")
    return log


if __name__ == "__main__":
    main()
