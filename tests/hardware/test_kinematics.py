"""Poses and kinematics: inverses invert, derivatives agree with differences."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.errors import UnknownNameError
from steer_gym.hardware.kinematics import ARMS, arm_model, tool
from steer_gym.hardware.poses import (
    compose,
    matrix_pose,
    pose_error,
    pose_matrix,
    rotation_matrix,
    rotation_vector,
)

TCP = tool((0.01, -0.02, 0.145, 0.1, 0.2, 0.3))


def test_rotation_vector_inverts_rotation_matrix_even_near_a_half_turn() -> None:
    rng = np.random.default_rng(0)
    for angle in (0.0, 1e-9, 1e-4, 1.0, np.pi - 1e-7, np.pi):
        for _ in range(20):
            axis = rng.normal(size=3)
            matrix = rotation_matrix(axis / np.linalg.norm(axis) * angle)
            np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
            np.testing.assert_allclose(rotation_matrix(rotation_vector(matrix)), matrix, atol=1e-9)


def test_composing_with_an_inverse_gives_nothing() -> None:
    pose = np.array([0.1, 0.2, 0.3, 1.0, -2.0, 0.5])
    inverse = matrix_pose(np.linalg.inv(pose_matrix(pose)))
    np.testing.assert_allclose(compose(pose, inverse), 0.0, atol=1e-9)


@pytest.mark.parametrize("name", sorted(ARMS))
def test_the_jacobian_is_the_derivative_of_the_pose(name: str) -> None:
    arm, rng = arm_model(name), np.random.default_rng(1)
    for _ in range(20):
        q = rng.uniform(-2, 2, 6)
        jacobian, matrix = arm.jacobian(q, TCP)
        np.testing.assert_allclose(matrix, arm.forward(q, TCP), atol=1e-12)
        for joint in range(6):
            moved = q.copy()
            moved[joint] += 1e-6
            slope = pose_error(arm.pose(moved, TCP), arm.pose(q, TCP)) / 1e-6
            np.testing.assert_allclose(jacobian[:, joint], slope, atol=1e-4)


@pytest.mark.parametrize("name", sorted(ARMS))
def test_inverse_kinematics_come_back_to_the_branch_they_started_near(name: str) -> None:
    arm, rng = arm_model(name), np.random.default_rng(2)
    for _ in range(20):
        q = np.array([2.8, -1.7, 1.8, -1.7, -1.5, -1.9]) + rng.uniform(-0.4, 0.4, 6)
        found = arm.inverse(arm.pose(q, TCP), TCP, q + rng.uniform(-0.1, 0.1, 6))
        assert found is not None
        np.testing.assert_allclose(found, q, atol=1e-5)


def test_a_pose_out_of_reach_has_no_joints() -> None:
    far = np.array([2.0, 0.0, 0.3, np.pi, 0.0, 0.0])
    assert arm_model("UR5e").inverse(far, TCP, np.zeros(6) + 0.5) is None


def test_an_unknown_arm_names_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"'UR5E'.* Known: UR5, UR5e"):
        arm_model("UR5E")
