"""The plant in MuJoCo: the arm is held to its reference by computed torque."""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from steer_gym.errors import UnknownNameError

from ..poses import Array
from .cameras import Image
from .plant import HOME
from .scene import BASKET, PLATE, TOY, build_model, load_mujoco

_JOINTS = (
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
)
_FINGERS = ("finger_joint", "right_outer_knuckle_joint")
_FINGER_RANGE = 0.8
"""Finger joint when closed [rad]."""
_STIFFNESS, _DAMPING = 27_000.0, 330.0
"""Of the joint servo, for a unit inertia: critically damped, and with a motor's inertia alone 3000
Nm/rad, as the wrists of MuJoCo Menagerie's UR5e have. A softer arm is pushed out of its box."""
_SQUEEZE = 0.15
"""How far the fingers' reference leads them at most; with the model's 20 Nm/rad, about 25 N."""
_AWAY = np.array([0.0, 0.0, -5.0])


class MujocoPlant:
    """UR5e with Robotiq 85, a table and things on it; see ``Plant`` for the attributes."""

    def __init__(self) -> None:
        self._mujoco = load_mujoco()
        self.model = build_model()
        self.data = self._mujoco.MjData(self.model)
        joints = [self.model.joint(name) for name in _JOINTS]
        fingers = [self.model.joint(name) for name in _FINGERS]
        self._qpos = np.array([joint.qposadr[0] for joint in joints])
        self._dof = np.array([joint.dofadr[0] for joint in joints])
        self._finger_qpos = np.array([joint.qposadr[0] for joint in fingers])
        self._finger_dof = np.array([joint.dofadr[0] for joint in fingers])
        self._motors = np.array([self.model.actuator(f"torq_j{i}").id for i in range(1, 7)])
        self._finger_motors = [self.model.actuator(f"finger_{i}").id for i in (1, 2)]
        self._hand = self.model.body("robotiq_85_adapter_link").id
        kinds = self._mujoco.mjtGeom
        self._round = (int(kinds.mjGEOM_SPHERE), int(kinds.mjGEOM_ELLIPSOID))
        self._weight = float(self.model.body_subtreemass[self._hand]) * self.model.opt.gravity
        self._acceleration, self._torque = np.zeros((2, self.model.nv))
        self.push = np.zeros(3)
        self.wrench = np.zeros(6)
        self._wanted = 0.0
        self.restart()

    def restart(self) -> None:
        """Go back to the first moment; basket and plate are away."""
        self._mujoco.mj_resetData(self.model, self.data)
        self.push[:], self.wrench[:] = 0.0, 0.0
        self.place(np.array(HOME))
        for name in (BASKET, PLATE):
            self.move_thing(name, _AWAY, 0.0)

    @property
    def q(self) -> Array:
        """Return the joint positions (6,) [rad]."""
        return np.asarray(self.data.qpos[self._qpos])

    @property
    def qd(self) -> Array:
        """Return the joint speeds (6,) [rad/s]."""
        return np.asarray(self.data.qvel[self._dof])

    @property
    def opening(self) -> float:
        """Return the mean of the fingers: 0 open to 1 closed."""
        return float(self.data.qpos[self._finger_qpos].mean()) / _FINGER_RANGE

    @property
    def gripping(self) -> bool:
        """Tell whether the fingers stand, held apart by something."""
        still = float(np.abs(self.data.qvel[self._finger_dof]).max()) < 0.1
        return still and self._wanted - self.opening > 0.05

    def step(self, q: Array, qd: Array, qdd: Array, gripper: float | None, dt_s: float) -> None:
        """Advance by ``dt_s``; see ``Plant.step``."""
        # Held against where the reference was when the step began: against its end, the arm would
        # always be a step ahead, and overshoot with every acceleration.
        q, qd = q - qd * dt_s, qd - qdd * dt_s
        step_s = self.model.opt.timestep
        for _ in range(max(1, round(dt_s / step_s))):
            self._step(q, qd, qdd, gripper)
            q, qd = q + qd * step_s, qd + qdd * step_s

    def place(self, q: Array) -> None:
        """Put the arm at rest at ``q`` with open fingers."""
        self.data.qpos[self._qpos] = q
        self.data.qpos[self._finger_qpos] = 0.0
        self.data.qvel[:] = 0.0
        self._wanted = 0.0
        self._mujoco.mj_forward(self.model, self.data)

    def move_thing(self, name: str, position: Array, yaw: float) -> None:
        """Put a thing somewhere, at rest.

        Args:
            name: ``toy``, ``basket`` or ``plate``.
            position: xyz (3,) [m] in the base frame.
            yaw: Turn about the vertical [rad].
        """
        quaternion = [np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)]
        if name == TOY:
            joint = self.data.joint(TOY)
            joint.qpos[:] = [*position, *quaternion]
            joint.qvel[:] = 0.0
        elif name in (BASKET, PLATE):
            mocap = self.model.body(name).mocapid[0]
            self.data.mocap_pos[mocap] = position
            self.data.mocap_quat[mocap] = quaternion
        else:
            raise UnknownNameError("thing", name, (TOY, BASKET, PLATE))
        self._mujoco.mj_forward(self.model, self.data)

    def things(self) -> dict[str, list[float]]:
        """Return each thing's position [m] and quaternion (w first), seven numbers."""
        bodies = {name: self.data.body(name) for name in (TOY, BASKET, PLATE)}
        return {name: [*body.xpos.tolist(), *body.xquat.tolist()] for name, body in bodies.items()}

    def boxes(self) -> dict[str, list[list[float]]]:
        """Return boxes around the shapes of each thing: centre and half extents [m]."""
        return {name: self._boxes(name) for name in (TOY, BASKET, PLATE)}

    def _boxes(self, name: str) -> list[list[float]]:
        body = self.model.body(name)
        boxes = []
        for geom in range(body.geomadr[0], body.geomadr[0] + body.geomnum[0]):
            frame = self.data.geom_xmat[geom].reshape(3, 3)
            middle, half = self.model.geom_aabb[geom][:3], self.model.geom_aabb[geom][3:]
            centre = self.data.geom_xpos[geom] + frame @ middle
            extent = frame * half
            round_one = self.model.geom_type[geom] in self._round
            reach = np.linalg.norm(extent, axis=1) if round_one else np.abs(extent).sum(axis=1)
            boxes.append([*centre.tolist(), *reach.tolist()])
        return boxes

    def _step(self, q: Array, qd: Array, qdd: Array, gripper: float | None) -> None:
        data, dof = self.data, self._dof
        wanted = qdd + _STIFFNESS * (q - self.q) + _DAMPING * (qd - self.qd)
        self._acceleration[dof] = wanted
        self._mujoco.mj_mulM(self.model, data, self._torque, self._acceleration)
        data.ctrl[self._motors] = self._torque[dof] + data.qfrc_bias[dof]
        if gripper is not None:
            self._wanted = gripper
        lead = min(self._wanted, self.opening + _SQUEEZE)
        data.ctrl[self._finger_motors] = lead * _FINGER_RANGE
        data.xfrc_applied[self._hand, :3] = self.push
        self._mujoco.mj_step(self.model, data)
        self._measure()

    def _measure(self) -> None:
        """Turn the sensor at the flange into what the world exerts: less the gripper's weight."""
        frame = self.data.site("ft_frame").xmat.reshape(3, 3)
        # The sensor reads what the arm exerts on the gripper.
        force = -frame @ self.data.sensor("force_ee").data - self._weight
        self.wrench = np.concatenate([force, -frame @ self.data.sensor("torque_ee").data])


class Painter:
    """Draws the plant; the OpenGL context belongs to the thread that draws."""

    def __init__(self, plant: MujocoPlant) -> None:
        self._plant = plant
        self._renderers: dict[tuple[int, int], Any] = {}
        self._data: Any = None

    def capture(self) -> Any:
        """Return a copy of the plant's state."""
        data = self._plant.data
        return data.qpos.copy(), data.mocap_pos.copy(), data.mocap_quat.copy()

    def draw(self, snapshot: Any, camera: str, height: int, width: int) -> Image:
        """Return the image (height, width, 3), uint8 RGB, of ``base`` or ``wrist``."""
        mujoco = load_mujoco()
        model = self._plant.model
        if (height, width) not in self._renderers:
            self._renderers[height, width] = mujoco.Renderer(model, height, width)
            # Registered after MuJoCo's own farewell to OpenGL, so it runs before that.
            atexit.register(_close_if_there, weakref.ref(self))
        self._data = self._data or mujoco.MjData(model)
        self._data.qpos[:], self._data.mocap_pos[:], self._data.mocap_quat[:] = snapshot
        mujoco.mj_kinematics(model, self._data)
        mujoco.mj_camlight(model, self._data)
        renderer = self._renderers[height, width]
        # robosuite marks the grip with coloured sites.
        option = mujoco.MjvOption()
        option.sitegroup[:] = 0
        renderer.update_scene(self._data, camera=camera, scene_option=option)
        return np.asarray(renderer.render())

    def close(self) -> None:
        """Free the OpenGL contexts."""
        for renderer in self._renderers.values():
            renderer.close()
        self._renderers.clear()


def _close_if_there(painter: weakref.ref[Painter]) -> None:
    there = painter()
    if there is not None:
        there.close()


def scene_orders(plant: MujocoPlant) -> dict[str, Callable[..., dict[str, Any]]]:
    """Return the admin orders of a plant with things."""
    return {
        "things": partial(_things, plant),
        "boxes": partial(_boxes, plant),
        "move_thing": partial(_move_thing, plant),
    }


def _boxes(plant: MujocoPlant, _: object) -> dict[str, Any]:
    return {"boxes": plant.boxes()}


def _things(plant: MujocoPlant, _: object) -> dict[str, Any]:
    return {"things": plant.things()}


def _move_thing(
    plant: MujocoPlant, _: object, name: str, position: list[float], yaw: float = 0.0
) -> dict[str, Any]:
    plant.move_thing(name, np.asarray(position, dtype=np.float64), yaw)
    return {}
