"""LIBERO as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from numpy.typing import NDArray

from steer_gym.convention import LIBERO_DELTA, ActionConvention
from steer_gym.observation import (
    CAMERAS,
    GRIPPER,
    IMAGE_BASE,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    observation_space,
)

from .cameras import Cameras
from .initial_states import read_states
from .installed import task_of
from .options import Episode, LiberoOptions, check_init_state, checked_action, episode_of
from .privileged import PrivilegedState, privileged_state
from .provenance import needs_texture_fix, versions, warn_of_other_mujoco
from .rendering import Rendering
from .seeding import Seeding
from .simulation import Simulation
from .suites import suite_named
from .window import Window

Info = dict[str, Any]
Frame = NDArray[np.uint8]


class LiberoEnv(gym.Env[dict[str, Any], NDArray[np.float32]]):
    """Todo."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array", "human"], "render_fps": 20}
    action_convention: ActionConvention = LIBERO_DELTA

    def __init__(
        self,
        *,
        suite: str = "libero_spatial",
        task: int | str = 0,
        cameras: Sequence[str] = CAMERAS,
        image_size: int | tuple[int, int] = 256,
        rendering: Rendering = "reference",
        seeding: Seeding = "episode",
        init_state: int | None = None,
        max_steps: int | None = None,
        render_mode: str | None = None,
        render_size: int | tuple[int, int] = 256,
    ) -> None:
        """Check the arguments; the simulation is built by the first ``reset``."""
        self.options = LiberoOptions(
            cameras=cameras,
            image_size=image_size,
            render_size=render_size,
            rendering=rendering,
            seeding=seeding,
            max_steps=suite_named(suite).max_steps if max_steps is None else max_steps,
            render_mode=render_mode,
        )
        self.task = task_of(suite_named(suite), task)
        self.render_mode = render_mode
        self.rendering_paused = False
        self._states = read_states(self.task.states_file)
        self._fixed_init_state = init_state
        if init_state is not None:
            check_init_state(init_state, len(self._states))
        self.observation_space = observation_space(
            cameras=dict.fromkeys(self.options.cameras, self.options.image_size),
            joints=7,
            gripper=spaces.Box(-0.1, 0.1, (2,), np.float64),
        )
        self.action_space = spaces.Box(-1.0, 1.0, (7,), np.float32)
        sizes = [self.options.image_size, self.options.render_size]
        self._cameras = Cameras(
            height=max(height for height, _ in sizes),
            width=max(width for _, width in sizes),
            rendering=rendering,
        )
        self._simulation: Simulation | None = None
        self._window: Window | None = None
        self._frames: dict[str, Frame] = {}
        self._episode: Episode | None = None
        self._steps = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], Info]:
        """Start an episode; "Starting State" says which."""
        super().reset(seed=seed)
        following = 0 if seed is not None or self._episode is None else self._episode.episode + 1
        self._episode = episode_of(
            options, following=following, fixed=self._fixed_init_state, states=len(self._states)
        )
        if self._simulation is None:
            warn_of_other_mujoco()
            self._simulation = Simulation(self.task, self._states, self.options.seeding)
        self._simulation.reset(
            seed=int(self.np_random_seed or 0),
            episode=self._episode.episode,
            init_state=self._episode.init_state,
        )
        self._steps = 0
        self._frames = {}
        observation = self._observation(self._simulation)
        return observation, self._info(self._simulation) | {"provenance": self.provenance()}

    def step(self, action: NDArray[np.float32]) -> tuple[dict[str, Any], float, bool, bool, Info]:
        """Apply ``action`` for one control step of 50 ms."""
        numbers = checked_action(action)
        simulation = self._started()
        simulation.step(numbers)
        self._steps += 1
        observation, info = self._observation(simulation), self._info(simulation)
        success = info["success"]
        return observation, float(success), success, self._out_of_steps(), info

    def render(self) -> Frame | None:  # type: ignore[override]
        """Return the base camera's picture (``rgb_array``), or show it (``human``)."""
        if self.render_mode is None:
            return None
        simulation = self._started()
        frame = self._draw(simulation, IMAGE_BASE, self.options.render_size)
        if self.render_mode == "rgb_array":
            return frame
        self._window = self._window or Window(f"steer_gym {self.task.name}")
        self._window.show(frame)
        return None

    def close(self) -> None:
        """Release OpenGL and the simulation; ``reset`` may build them again."""
        self._cameras.close()
        if self._window is not None:
            self._window.close()
        self._simulation = self._window = None

    @property
    def simulation(self) -> Any:
        """Return LIBERO's problem itself, a robosuite environment (``.sim``, ``.robots``, ...)."""
        return self._started().problem

    @property
    def init_states(self) -> NDArray[np.float64]:
        """Return the stored initial states, (number, 1 + nq + nv): time, positions, velocities."""
        return self._states

    def privileged_state(self) -> PrivilegedState:
        """Return poses, goal and what of it holds: what a scripted expert needs."""
        return privileged_state(self._started().problem)

    def provenance(self) -> dict[str, Any]:
        """Return what results depend on besides the seed; write it beside every result."""
        return versions() | {
            "renderer": self._cameras.renderer_name,
            "rendering": self.options.rendering,
            "seeding": self.options.seeding,
            "texture_fix": needs_texture_fix(),
            "image_size": self.options.image_size,
            "max_steps": self.options.max_steps,
        }

    def _started(self) -> Simulation:
        if self._simulation is None:
            raise ResetNeeded("Call reset() first; the simulation is built by it.")
        return self._simulation

    def _out_of_steps(self) -> bool:
        """Tell whether the budget is spent; ``gym.make(max_episode_steps=...)`` takes it over."""
        if self.spec is not None and self.spec.max_episode_steps is not None:
            return False
        return self._steps >= self.options.max_steps

    def _observation(self, simulation: Simulation) -> dict[str, Any]:
        if not (self.rendering_paused and self._frames):
            self._frames = {
                key: self._draw(simulation, key, self.options.image_size)
                for key in self.options.cameras
            }
        if self.render_mode == "human":
            self.render()
        sample = simulation.sample
        return self._frames | {
            TCP_POSE: sample.tcp_pose,
            JOINTS: sample.joints,
            GRIPPER: sample.gripper,
            INSTRUCTION: self.task.instruction,
        }

    def _draw(self, simulation: Simulation, key: str, size: tuple[int, int]) -> Frame:
        return self._cameras.draw(simulation.model, simulation.sample.view, key, size)

    def _info(self, simulation: Simulation) -> Info:
        assert self._episode is not None
        return {
            "success": simulation.success,
            "suite": self.task.suite.name,
            "task": self.task.index,
            "episode": self._episode.episode,
            "init_state": self._episode.init_state,
            "seed": self.np_random_seed,
            "rendering": self.options.rendering,
        }
