"""Rotation vectors compose as matrices do, and do not jump where a hand points down."""

from __future__ import annotations

import numpy as np

from steer_gym.envs.ur5.rotation import continuous, turned


def test_turning_back_gives_what_was() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        start, turn = rng.uniform(-1.5, 1.5, (2, 3))
        np.testing.assert_allclose(turned(turned(start, turn), -turn), start, atol=1e-9)


def test_turns_about_one_axis_add_up() -> None:
    axis = np.array([0.0, 0.6, 0.8])
    np.testing.assert_allclose(turned(axis * 0.3, axis * 0.5), axis * 0.8, atol=1e-12)


def test_a_hand_that_points_down_keeps_its_sign() -> None:
    down = np.array([np.pi - 0.01, 0.01, 0.0])
    flipped = -down / np.linalg.norm(down) * (2 * np.pi - np.linalg.norm(down))
    np.testing.assert_allclose(continuous(flipped), down, atol=1e-12)
    np.testing.assert_array_equal(continuous(down), down)
