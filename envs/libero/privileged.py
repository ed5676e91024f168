"""What only a simulation knows: where everything is, and which part of the goal holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Predicate = tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """A pose in the world frame."""

    position: NDArray[np.float64]
    """Shape (3,): xyz [m]; z points up, x away from the robot, y to its left."""
    rotation: NDArray[np.float64]
    """Shape (3, 3): columns are the body's axes."""


@dataclass(frozen=True, kw_only=True)
class ObjectState:
    """A movable object or a fixture."""

    pose: Pose
    fixed: bool
    """Whether it is a fixture (cabinet, stove, rack), which robots cannot carry."""
    radius_m: float
    """Radius of its footprint."""
    top_m: float
    """Height of its top above ``pose.position`` while it stands upright."""
    bottom_m: float
    """Height of its bottom above ``pose.position``; mostly negative."""
    joints: dict[str, float]
    """Positions of its hinges and slides [rad or m], such as a drawer's."""


@dataclass(frozen=True, kw_only=True)
class PrivilegedState:
    """The whole scene at the present moment, for scripted experts and measurements."""

    tcp: Pose
    """Point between the fingertips; its third axis points out of the gripper."""
    gripper: NDArray[np.float64]
    """Shape (2,): finger positions [m]."""
    objects: dict[str, ObjectState]
    """By LIBERO's instance names, for example ``"akita_black_bowl_1"``."""
    regions: dict[str, Pose]
    """Regions that goals can name, for example ``"basket_1_contain_region"``."""
    objects_of_interest: tuple[str, ...]
    """The objects that the problem's author named as those the task is about."""
    goal: tuple[Predicate, ...]
    """All must hold, for example ``(("on", "akita_black_bowl_1", "plate_1"),)``."""
    goal_holds: tuple[bool, ...]
    """Whether each predicate of ``goal`` holds now."""


def privileged_state(problem: Any) -> PrivilegedState:
    """Return the present state of LIBERO's problem (a robosuite environment)."""
    data = problem.sim.data._data
    goal = tuple(tuple(predicate) for predicate in problem.parsed_problem["goal_state"])
    site = problem.robots[0].eef_site_id
    bodies = {**problem.objects_dict, **problem.fixtures_dict}
    return PrivilegedState(
        tcp=_pose(data.site_xpos[site], data.site_xmat[site]),
        gripper=data.qpos[problem.robots[0]._ref_gripper_joint_pos_indexes],
        objects={name: _object(problem, name, body) for name, body in bodies.items()},
        regions=_regions(problem),
        objects_of_interest=tuple(problem.obj_of_interest),
        goal=goal,
        goal_holds=tuple(bool(problem._eval_predicate(predicate)) for predicate in goal),
    )


def _object(problem: Any, name: str, body: Any) -> ObjectState:
    model, data = problem.sim.model._model, problem.sim.data._data
    index = problem.obj_body_id[name]
    joints = [model.joint(joint) for joint in body.joints]
    return ObjectState(
        pose=_pose(data.xpos[index], data.xmat[index]),
        fixed=name in problem.fixtures_dict,
        radius_m=float(body.horizontal_radius),
        top_m=float(body.top_offset[2]),
        bottom_m=float(body.bottom_offset[2]),
        joints={j.name: float(data.qpos[j.qposadr[0]]) for j in joints if j.type[0] >= 2},
    )


def _regions(problem: Any) -> dict[str, Pose]:
    model, data = problem.sim.model._model, problem.sim.data._data
    ids = {name: model.site(name).id for name in problem.object_sites_dict}
    return {name: _pose(data.site_xpos[i], data.site_xmat[i]) for name, i in ids.items()}


def _pose(position: NDArray[np.float64], matrix: NDArray[np.float64]) -> Pose:
    return Pose(position=position.copy(), rotation=matrix.reshape(3, 3).copy())
