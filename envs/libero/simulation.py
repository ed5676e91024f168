"""One LIBERO task simulated: reset to an episode, step, look."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .installed import Task
from .problem import make_problem
from .rendering import View
from .rotation import rotation_vector
from .seeding import SceneSequence, Seeding, scene_seed

WAIT_ACTION = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -1.0)
WAIT_STEPS = 10
"""Steps with ``WAIT_ACTION`` after a reset, in which objects settle; every evaluation has them."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The robot, and what its cameras would see, at one moment."""

    tcp_pose: NDArray[np.float64]
    """Shape (6,): xyz [m] and rotation vector [rad] of the gripper in the world frame."""
    joints: NDArray[np.float64]
    """Shape (7,): joint positions [rad]."""
    gripper: NDArray[np.float64]
    """Shape (2,): finger positions [m]; 0.04 and -0.04 are open."""
    view: View
    """For the renderer."""


class Simulation:
    """LIBERO's problem of one task, created at once (seconds) and reset often (tenths)."""

    def __init__(self, task: Task, states: NDArray[np.float64], seeding: Seeding) -> None:
        """Build the scene; nothing is drawn."""
        self.task = task
        self._states = states
        self.sample: Sample
        self.problem = make_problem(task.bddl_file, self._take_sample)
        self._scenes = SceneSequence(self.problem, seeding)

    @property
    def model(self) -> Any:
        """Return the compiled ``mujoco.MjModel``; a new object only if the scene's XML changed."""
        return self.problem.sim.model._model

    @property
    def data(self) -> Any:
        """Return the present ``mujoco.MjData``."""
        return self.problem.sim.data._data

    @property
    def success(self) -> bool:
        """Tell whether the task's goal holds."""
        return bool(self.problem._check_success())

    def reset(self, *, seed: int, episode: int, init_state: int | None) -> None:
        """Put the scene of ``episode`` into a stored initial state, if any, and let it settle."""
        suite, index = self.task.suite.name, self.task.index
        self._scenes.reset_to(episode, scene_seed(seed, suite, index, episode))
        sim = self.problem.sim
        if init_state is not None:
            sim.set_state_from_flattened(self._states[init_state])
        sim.forward()
        self.problem._post_process()
        self.problem._update_observables(force=True)
        for _ in range(WAIT_STEPS):
            self.step(np.array(WAIT_ACTION))

    def step(self, action: NDArray[np.float64]) -> None:
        """Apply ``action`` for one control step of 50 ms."""
        self.problem.step(action)

    def _take_sample(self) -> None:
        robot, data = self.problem.robots[0], self.data
        quaternion = data.xquat[self._hand]
        self.sample = Sample(
            tcp_pose=np.concatenate(
                [data.site_xpos[robot.eef_site_id], rotation_vector(quaternion)]
            ),
            joints=data.qpos[robot._ref_joint_pos_indexes],
            gripper=data.qpos[robot._ref_gripper_joint_pos_indexes],
            view=View.of(self.model, data),
        )

    @cached_property
    def _hand(self) -> int:
        return int(self.model.body(self.problem.robots[0].robot_model.eef_name).id)
