"""A controller against a plant: first order with dead time, as an arm's speed answers to alpha."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from steer_gym import ActConfig, NeuronSet, Pid, Steering
from steer_gym.course import Course
from steer_gym.observation import TCP_POSE

RATE = 20.0
NATURAL, SLOPE = 0.13, 0.012
"""Speed without steering [m/s], and what one alpha adds to it: about as in Pocket."""
LAG_S, DEAD_STEPS = 0.15, 4
LIMITS = (-4.0, 4.0)
"""So 0.082 to 0.178 m/s can be reached."""


def closed_loop(
    target: float,
    steps: int,
    *,
    gain: float = 1.0,
    push: Callable[[int], float] = lambda _: 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return speeds and alphas of an episode in which ``push`` disturbs the plant."""
    # Integral action alone, by internal model control: 1 / (slope x (closed-loop lag + delays)).
    delays_s = LAG_S + DEAD_STEPS / RATE + 0.1
    control = Pid(
        quantity="speed_m_s",
        target=target,
        integral=gain / (SLOPE * 2 * delays_s),
        limits=LIMITS,
        smoothing_s=0.1,
    )
    config = ActConfig(
        steering=Steering(NeuronSet.from_flat([1]), 0.0, operation="add"), schedule=control
    )
    course, pipe = Course(config, rate_hz=RATE), deque([0.0] * DEAD_STEPS)
    x, speed, speeds, alphas = 0.0, NATURAL, [], []
    for step in range(steps):
        steering = course.at(step, {TCP_POSE: np.array([x, 0, 0, 0, 0, 0])}).steering
        assert steering is not None
        assert isinstance(steering.alpha, float)
        pipe.append(steering.alpha)
        aim = NATURAL + SLOPE * pipe.popleft() + push(step)
        speed += (aim - speed) / (RATE * LAG_S)
        x += speed / RATE
        speeds.append(speed)
        alphas.append(steering.alpha)
    return np.array(speeds), np.array(alphas)


@pytest.mark.parametrize("target", [0.1, 0.16])
def test_a_step_of_the_target_is_followed_without_much_overshoot(target: float) -> None:
    speeds, _ = closed_loop(target, 120)
    way = (speeds - NATURAL) / (target - NATURAL)
    assert way[60:] == pytest.approx(1, abs=0.05)  # within three seconds
    assert way.max() < 1.15


def test_a_lasting_push_is_made_good_while_a_constant_alpha_keeps_its_error() -> None:
    def push(step: int) -> float:
        return -0.02 if step >= 60 else 0.0

    speeds, alphas = closed_loop(0.14, 200, push=push)
    assert speeds[55] == pytest.approx(0.14, abs=2e-3)
    assert speeds[65:75].mean() < 0.135
    assert speeds[-1] == pytest.approx(0.14, abs=1e-3)
    assert alphas[-1] - alphas[55] == pytest.approx(0.02 / SLOPE, abs=0.15)


@pytest.mark.parametrize("target", [0.01, 0.5])
def test_alpha_stays_within_its_limits_where_the_target_is_out_of_reach(target: float) -> None:
    speeds, alphas = closed_loop(target, 200)
    limit = LIMITS[int(target > NATURAL)]
    assert set(alphas[100:]) == {limit}
    assert speeds[-1] == pytest.approx(NATURAL + SLOPE * limit, abs=1e-3)


def test_after_a_long_stop_it_is_back_as_soon_as_after_a_short_one() -> None:
    """A gripper that closes stops the arm; what was missed meanwhile must not be made up for."""

    def stopped(until: int) -> Callable[[int], float]:
        return lambda step: -NATURAL if 40 <= step < until else 0.0

    short, _ = closed_loop(0.15, 400, push=stopped(100))
    long, _ = closed_loop(0.15, 700, push=stopped(400))
    assert long[400:] == pytest.approx(short[100:], abs=1e-3)
    assert np.abs(long[440:] - 0.15).max() < 0.01  # two seconds later


def test_dead_time_sets_the_gain_that_a_loop_can_stand() -> None:
    calm, _ = closed_loop(0.14, 400)
    wild, _ = closed_loop(0.14, 400, gain=12.0)
    assert np.ptp(calm[300:]) < 1e-4
    assert np.ptp(wild[300:]) > 0.02
