"""LIBERO as a Gymnasium environment."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

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
from .installed import task_of, tasks_of
from .mujoco_version import REFERENCE, is_newer_than, warn_if_newer
from .options import (
    RENDER_MODES,
    Episode,
    LiberoOptions,
    check_init_state,
    checked_action,
    episode_of,
)
from .privileged import PrivilegedState, privileged_state
from .privileged_observation import PrivilegedObserver
from .provenance import versions
from .rendering import Rendering
from .seeding import Seeding
from .simulation import Simulation
from .suites import suite_named
from .window import Window

Info = dict[str, Any]
Frame = NDArray[np.uint8]


class LiberoEnv(gym.Env[dict[str, Any], NDArray[np.float32]]):
    """A task of LIBERO or LIBERO-PRO: a Panda arm, two cameras, an instruction.

    ## Description
    LIBERO (Liu et al., NeurIPS 2023) asks a 7-joint arm with a parallel gripper to do what a
    sentence says, in robosuite and MuJoCo. Its suites have 10 tasks each (``libero_90``: 90) with
    50 stored initial states. Physics is upstream's to the bit, and so are pictures with
    ``rendering="reference"`` (MuJoCo 3.3.2 or older; newer ones warn).

    ## Action Space
    ``Box(-1, 1, (7,), float32)``, at 20 Hz. Numbers beyond are clipped by the controller.

    | Num | Action | Min | Max | Unit |
    |-----|--------|-----|-----|------|
    | 0-2 | change of position along x, y, z of the world | -1 | 1 | 1 = 0.05 m |
    | 3-5 | change of orientation, axis-angle in the world | -1 | 1 | 1 = 0.5 rad |
    | 6 | gripper: negative opens, positive closes | -1 | 1 | sign |

    ``action_convention`` declares this for the handshake with a policy.

    ## Observation Space
    A ``Dict``. All values are sampled at one moment, as upstream's are: one simulation step (2 ms)
    before the end of the control step.

    | Key | Space | Meaning |
    |-----|-------|---------|
    | ``image.base`` | uint8 (height, width, 3) | ``agentview``, RGB, upright |
    | ``image.wrist`` | uint8 (height, width, 3) | ``robot0_eye_in_hand``, RGB, upright |
    | ``tcp_pose`` | float64 (6,) | xyz [m] and rotation vector [rad] in the world frame |
    | ``joints`` | float64 (7,) | arm joints [rad] |
    | ``gripper`` | float64 (2,) | finger positions [m]; 0.04 and -0.04 are open |
    | ``instruction`` | Text | what to do |

    Upstream's pictures are upside down. OpenVLA and openpi rotate those by 180 degrees, so what
    their checkpoints want is these pictures mirrored left to right. The rotation vector has angles
    in [0, 2 pi], from the quaternion as it comes, which is what checkpoints were trained on.

    ## Rewards
    1 in the step after which the goal holds, else 0.

    ## Starting State
    A reset restores one stored initial state and then waits 10 steps for objects to settle, which
    do not count. Fixtures such as cabinets are not in that state; where they stand follows from
    ``(seed, suite, task, episode)`` alone, whatever ran before (``seeding="episode"``).

    The episode is a number. ``reset(seed=s)`` starts episode 0 of seed s, every further ``reset()``
    the next one; ``options={"episode": k}`` asks for one. Its initial state is k modulo their
    number. ``options={"init_state": i}`` alone asks for episode i, whose initial state is i; with
    both options, each is what it says. The attribute ``next_episode`` asks for one too, which suits
    vector envs: ``venv.set_attr("next_episode", [0, 1, 2])``. Without any seed, one is drawn and
    told in ``info``.

    Upstream leaves the fixtures to numpy's global generator, seeded once per task. With
    ``seeding="reference-openvla"`` (seed 0) or ``"reference-openpi"`` (seed 7), episode k is the
    k-th of those published loops to the bit, and the seed of ``reset`` is unused. (LeRobot's loop
    seeds before every reset instead, renders 360 x 360 and gives libero_spatial 280 steps.)

    ## Episode End
    Terminates when the goal holds. Truncates after ``max_steps``; the ``max_episode_steps`` of
    ``gym.make`` comes on top, and can only make episodes shorter.

    ## Arguments
    - ``suite``: one of ``suites.SUITES``; set by the id, except with ``steer_gym/Libero-v0``.
    - ``task``: its index in the suite, its name, or its instruction.
    - ``cameras``: the image keys wanted; others are not drawn. May be empty.
    - ``image_size``: pixels of a side, or (height, width).
    - ``rendering``: ``"reference"``, or ``"fast"``: simplified meshes and no multisampling. Fast
      pictures look alike, but are not for published numbers; ``info`` tells which it was.
    - ``seeding``: see Starting State.
    - ``init_state``: always this initial state, instead of the episode's; ``"sampled"``: objects
      placed anew from the episode's seed, none of the stored states (for training).
    - ``privileged``: also observe the keys of ``steer_gym.privileged`` (for experts).
    - ``max_steps``: instead of the suite's 220 (spatial), 280 (object), 300 (goal), 520 (10) or
      400 (90).
    - ``render_mode``: ``"rgb_array"``, or ``"human"`` for a window.
    - ``render_size``: of the pictures of ``render()``, which show the base camera.

    ``rendering_paused = True`` keeps the last pictures in the observations and draws no new ones,
    for policies that do not look at every step
    (``venv.set_attr("rendering_paused", True)`` works too).

    ``info`` holds ``success``, ``suite``, ``task``, ``episode_number``, ``init_state``, ``seed``,
    ``rendering``; after a reset also ``provenance``: versions, renderer, options. (``episode`` is
    left to Gymnasium's ``RecordEpisodeStatistics``.)

    ## Version History
    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 20}  # noqa: RUF012
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
        init_state: int | str | None = None,
        privileged: bool = False,
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
        self.next_episode: int | None = None
        self._states = read_states(self.task.states_file)
        self._fixed_init_state = init_state
        if init_state is not None:
            check_init_state(init_state, len(self._states))
        self.observation_space = observation_space(
            cameras=dict.fromkeys(self.options.cameras, self.options.image_size),
            joints=7,
            gripper=spaces.Box(-0.1, 0.1, (2,), np.float64),
            privileged=privileged,
        )
        self._privileged = privileged
        self._observer: PrivilegedObserver | None = None
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
            options,
            following=following if self.next_episode is None else self.next_episode,
            fixed=self._fixed_init_state,
            states=len(self._states),
        )
        self.next_episode = None
        if self._simulation is None:
            warn_if_newer()
            self._simulation = Simulation(self.task, self._states, self.options.seeding)
        self._simulation.reset(
            seed=max(self.np_random_seed or 0, 0),
            episode=self._episode.episode,
            init_state=self._episode.init_state,
        )
        if self._privileged:
            self._observer = PrivilegedObserver(self._simulation.problem)
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
        success, late = info["success"], self._steps >= self.options.max_steps
        return observation, float(success), success, late, info

    def render(self) -> Frame | None:
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
        if self._simulation is not None:
            self._simulation = self._observer = None
            gc.collect()  # robosuite's objects hold one another in circles, and a scene's textures
        self._window = None

    @property
    def simulation(self) -> Any:
        """Return LIBERO's problem itself, a robosuite environment (``.sim``, ``.robots``, ...)."""
        return self._started().problem

    @property
    def init_states(self) -> NDArray[np.float64]:
        """Return the stored initial states, (number, 1 + nq + nv): time, positions, velocities."""
        return self._states

    @staticmethod
    def task_languages(suite: str = "libero_spatial") -> list[str]:
        """Return the instructions of a suite's tasks, in LIBERO's order."""
        return [task.instruction for task in tasks_of(suite_named(suite))]

    def privileged_state(self) -> PrivilegedState:
        """Return poses, goal and what of it holds: what a scripted expert needs."""
        return privileged_state(self._started().problem)

    def provenance(self) -> dict[str, Any]:
        """Return what results depend on besides the seed; write it beside every result."""
        return versions() | {
            "renderer": self._cameras.renderer_name,
            "rendering": self.options.rendering,
            "seeding": self.options.seeding,
            "texture_fix": is_newer_than(REFERENCE),
            "image_size": self.options.image_size,
            "max_steps": self.options.max_steps,
        }

    def _started(self) -> Simulation:
        if self._simulation is None:
            raise ResetNeeded("Call reset() first; the simulation is built by it.")
        return self._simulation

    def _observation(self, simulation: Simulation) -> dict[str, Any]:
        if self.rendering_paused and self._frames:
            self._frames = {key: frame.copy() for key, frame in self._frames.items()}
        else:
            self._frames = {
                key: self._draw(simulation, key, self.options.image_size)
                for key in self.options.cameras
            }
        if self.render_mode == "human":
            self.render()
        sample = simulation.sample
        privileged = self._observer.observe() if self._observer else {}
        return (
            self._frames
            | privileged
            | {
                TCP_POSE: sample.tcp_pose,
                JOINTS: sample.joints,
                GRIPPER: sample.gripper,
                INSTRUCTION: self.task.instruction,
            }
        )

    def _draw(self, simulation: Simulation, key: str, size: tuple[int, int]) -> Frame:
        return self._cameras.draw(simulation.model, simulation.sample.view, key, size)

    def _info(self, simulation: Simulation) -> Info:
        assert self._episode is not None
        return {
            "success": simulation.success,
            "suite": self.task.suite.name,
            "task": self.task.index,
            "episode_number": self._episode.episode,
            "init_state": self._episode.init_state,
            "seed": self.np_random_seed,
            "rendering": self.options.rendering,
        }
