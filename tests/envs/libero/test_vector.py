"""Vector environments: in one process, and in spawned workers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

OPTIONS: dict[str, Any] = {"image_size": 32, "rendering": "fast", "max_steps": 3}
ENV_ID = "steer_gym/LiberoObject-v0"


def rollout(mode: str, **vector: Any) -> list[Any]:
    venv = gym.make_vec(
        ENV_ID, num_envs=2, vectorization_mode=mode, vector_kwargs=vector, **OPTIONS
    )
    venv.set_attr("next_episode", [4, 7])
    seen: list[Any] = [venv.reset(seed=[0, 1])]
    assert list(seen[0][1]["episode_number"]) == [4, 7]
    actions = np.random.default_rng(0).uniform(-1, 1, (5, 2, 7)).astype(np.float32)
    seen += [venv.step(action) for action in actions]
    venv.close()
    return seen


def test_spawned_workers_give_what_one_process_gives() -> None:
    together = rollout("sync")
    apart = rollout("async", context="spawn", shared_memory=False)
    assert data_equivalence(together, apart, exact=True)
    ends = [bool(step[3].all()) for step in together[1:]]
    assert ends == [False, False, True, False, False]


PROGRAM = """
import sys
import gymnasium as gym, steer_gym
if __name__ == "__main__":
    options = dict(image_size=32, rendering="fast")
    env = gym.make("steer_gym/LiberoObject-v0", render_mode="rgb_array", **options)
    env.reset(seed=0)
    print(env.render().shape)
    if "with-workers" in sys.argv:
        spawn = {"context": "spawn"}
        venv = gym.make_vec(env.spec.id, 1, "async", vector_kwargs=spawn, **options)
        venv.reset(seed=0)
        venv.close()
"""


@pytest.mark.parametrize("argument", ["alone", "with-workers"])
def test_a_program_that_does_not_close_its_environment_ends_silently(
    argument: str, tmp_path: Path
) -> None:
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    command = [sys.executable, script, argument]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "(256, 256, 3)\n", "")
