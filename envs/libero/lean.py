"""Robosuite's robot and controller with the same numbers from fewer computations.

Both run 25 times in every control step. The robot looks constants up again each time; the
controller computes every Jacobian twice. Nothing here changes a bit of any result.
"""

from __future__ import annotations

from functools import cache, cached_property
from typing import Any

import numpy as np

from steer_gym.extras import require

from .mujoco_version import is_newer_than


def make_lean(robot: Any) -> None:
    """Let a robosuite robot and its controllers, also those of later resets, compute less."""
    robot.__class__ = _lean_robot(robot.__class__)


@cache
def _lean_robot(robot_class: Any) -> Any:
    class LeanRobot(robot_class):  # type: ignore[misc]
        @cached_property
        def action_dim(self) -> int:
            return int(super().action_dim)

        @cached_property
        def torque_limits(self) -> Any:
            return super().torque_limits

        @cached_property
        def _grip(self) -> tuple[list[int], Any, Any]:
            """Return actuators of the gripper, and the middle and half of their ranges."""
            actuators = [self.sim.model.actuator_name2id(name) for name in self.gripper.actuators]
            low, high = self.sim.model.actuator_ctrlrange[actuators].T
            return actuators, 0.5 * (high + low), 0.5 * (high - low)

        def grip_action(self, gripper: Any, gripper_action: Any) -> None:
            actuators, middle, half = self._grip
            self.sim.data.ctrl[actuators] = middle + half * gripper.format_action(gripper_action)

        def _load_controller(self) -> None:
            super()._load_controller()
            if not is_newer_than("3.3"):  # mj_fullM takes other arguments since 3.4
                self.controller.__class__ = _lean_controller(self.controller.__class__)

    return LeanRobot


@cache
def _lean_controller(controller_class: Any) -> Any:
    mujoco = require("mujoco", extra="libero")

    class LeanController(controller_class):  # type: ignore[misc]
        new_update: bool

        def update(self, force: bool = False) -> None:
            if not (self.new_update or force):
                return
            self.sim.forward()
            model, data = self.sim.model._model, self.sim.data._data
            joints, speeds = self.qpos_index, self.qvel_index
            site = self.sim.model.site_name2id(self.eef_name)
            positional, rotational = np.zeros((2, 3, model.nv))
            mujoco.mj_jacSite(model, data, positional, rotational, site)
            self.ee_pos = np.array(data.site_xpos[site])
            self.ee_ori_mat = np.array(data.site_xmat[site].reshape(3, 3))
            self.ee_pos_vel = np.dot(positional, data.qvel)
            self.ee_ori_vel = np.dot(rotational, data.qvel)
            self.joint_pos = np.array(data.qpos[joints])
            self.joint_vel = np.array(data.qvel[speeds])
            self.J_pos = np.array(positional[:, speeds])
            self.J_ori = np.array(rotational[:, speeds])
            self.J_full = np.vstack([self.J_pos, self.J_ori])
            mass = np.empty((model.nv, model.nv))
            mujoco.mj_fullM(model, mass, data.qM)
            self.mass_matrix = mass[speeds, :][:, speeds]
            self.new_update = False

    return LeanController
