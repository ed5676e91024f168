from __future__ import annotations

import numpy as np

from steer_gym.policies.pi0_fast.rotary import rotary_table


def test_angles_are_quotients_of_float32_and_not_products() -> None:
    cosine, sine = rotary_table(16, 900)
    wavelengths = np.float32(10_000) ** (np.arange(8, dtype=np.float32) / np.float32(8))
    positions = np.arange(-1, 900, dtype=np.float32)[:, None]
    angles = (positions / wavelengths).astype(np.float64)
    assert np.abs(np.arctan2(np.sin(angles - np.arctan2(sine, cosine)), 1)).max() < 1e-6
    by_reciprocals = (positions * (1 / wavelengths)).astype(np.float64)
    assert np.abs(by_reciprocals - angles).max() > 1e-5


def test_the_position_of_nothing_has_a_row() -> None:
    cosine, sine = rotary_table(8, 3)
    assert cosine.shape == sine.shape == (4, 4)
    assert np.allclose([cosine[1], sine[1]], [np.ones(4), np.zeros(4)])
    assert np.allclose([cosine[0], sine[0]], [cosine[2], -sine[2]])
