"""A stage in this process."""

from __future__ import annotations

import traceback
from contextlib import suppress
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from steer_gym.environment import due, look
from steer_gym.observation import TCP_POSE
from steer_gym.rollout import measured_force_n, prompted, succeeded, told_time_s

from .stage import Move, Reply, Scene, Stage, StageError


class LocalStage(Stage):
    """A stage in this process, which does the work at once."""

    def __init__(self) -> None:
        self._env: gym.Env[Any, Any] | None = None
        self._made_as: tuple[Any, ...] = ()
        self._scene: Scene
        self._outcome: Reply | StageError

    def begin(self, scene: Scene) -> None:
        """See ``Stage``."""
        self._attempt(self._begin, scene)

    def play(self, plan: NDArray[np.float32], execute: int) -> None:
        """See ``Stage``."""
        self._attempt(self._play, plan, execute)

    def receive(self) -> Reply:
        """See ``Stage``."""
        if isinstance(self._outcome, StageError):
            raise self._outcome
        return self._outcome

    def close(self) -> None:
        """See ``Stage``."""
        if self._env is not None:
            self._env.close()
        self._env = None

    def _attempt(self, work: Any, *given: Any) -> None:
        try:
            self._outcome = work(*given)
        except Exception:
            self._outcome = StageError(traceback.format_exc())
            self._discard()

    def _discard(self) -> None:
        """Give up an environment that raised, since nobody knows the state it is in."""
        with suppress(Exception):
            self.close()
        self._env = None

    def _begin(self, scene: Scene) -> Reply:
        self._scene = scene
        env = self._environment(scene)
        look(env, True)
        options = None if scene.reset_options is None else dict(scene.reset_options)
        observation, info = env.reset(seed=scene.seed, options=options)
        return Reply(observation=prompted(observation, scene.prompt), info=info)

    def _play(self, plan: NDArray[np.float32], execute: int) -> Reply:
        assert self._env is not None
        actions = due(self._env, plan, execute)
        moves, success = [], None
        for number, action in enumerate(actions, start=1):
            look(self._env, number == len(actions))
            observation, reward, terminated, truncated, info = self._env.step(action)
            frame: Any = self._env.render() if self._scene.film else None
            moves.append(
                Move(
                    action=action,
                    tcp_pose=np.array(observation[TCP_POSE]),
                    reward=float(reward),
                    force_n=measured_force_n(info),
                    time_s=told_time_s(info),
                    frame=frame,
                )
            )
            if terminated or truncated:
                success = succeeded(info, terminated, reward)
                break
        observation = prompted(observation, self._scene.prompt)
        return Reply(observation=observation, info=info, moves=tuple(moves), success=success)

    def _environment(self, scene: Scene) -> gym.Env[Any, Any]:
        """Return the scene's environment; the last one is kept, since building takes seconds."""
        made_as = (scene.env, tuple(sorted(scene.env_options.items(), key=repr)))
        if self._env is None or made_as != self._made_as:
            self.close()
            self._env = gym.make(scene.env, **scene.env_options)
            self._made_as = made_as
        return self._env
