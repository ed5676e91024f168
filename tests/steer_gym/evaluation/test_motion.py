"""Rates and stalls, on motions whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym.evaluation.motion import mean_norm, rates, rates_at, stalls

RATE_HZ = 20.0


def test_a_steady_motion_has_a_rate_and_no_second_one() -> None:
    positions = np.outer(np.arange(6) / RATE_HZ, [0.3, 0.0, 0.4])
    velocity, acceleration = rates(positions, RATE_HZ)
    assert mean_norm(velocity) == pytest.approx(0.5)
    assert mean_norm(acceleration) == pytest.approx(0.0, abs=1e-9)


def test_a_fall_accelerates_by_what_it_falls_with() -> None:
    time_s = np.arange(10) / RATE_HZ
    positions = np.stack([0 * time_s, 0 * time_s, -9.81 / 2 * time_s**2], axis=1)
    assert mean_norm(rates(positions, RATE_HZ)[1]) == pytest.approx(9.81)


def test_a_fall_that_is_seen_at_uneven_times_accelerates_by_the_same() -> None:
    time_s = np.array([0.0, 0.05, 0.1, 0.4, 0.45, 1.0])
    fall = -9.81 / 2 * time_s**2
    velocity, _ = rates_at(np.stack([0 * time_s, fall], axis=1), time_s)
    middles_s = (time_s[1:] + time_s[:-1]) / 2
    assert velocity[:, 1] == pytest.approx(-9.81 * middles_s)
    acceleration, jerk = rates_at(velocity, middles_s)
    assert mean_norm(acceleration) == pytest.approx(9.81)
    assert mean_norm(jerk) == pytest.approx(0.0, abs=1e-9)


def test_one_long_still_step_is_a_stall_too() -> None:
    assert stalls(np.array([0.2, 0.0, 0.2]), np.array([0.05, 0.7, 0.05]))[0] == 1


def test_too_few_positions_have_no_rate() -> None:
    assert mean_norm(rates(np.zeros((1, 3)), RATE_HZ)[0]) is None


@pytest.mark.parametrize(
    ("still", "count", "steps"),
    [([], 0, 0), ([(0, 9)], 0, 0), ([(0, 10)], 1, 10), ([(3, 14), (20, 40)], 2, 31)],
)
def test_standing_still_for_half_a_second_is_a_stall(
    still: list[tuple[int, int]], count: int, steps: int
) -> None:
    speeds = np.full(40, 0.2)
    for start, end in still:
        speeds[start:end] = 0.001
    times, within = stalls(speeds, np.full(40, 1 / RATE_HZ))
    assert (times, int(within.sum())) == (count, steps)
    assert not within[speeds > 0.1].any()
