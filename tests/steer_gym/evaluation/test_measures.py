"""The numbers of an episode, on steps whose numbers are plain."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from steer_gym.convention import LIBERO_DELTA, UR5_JOINTS
from steer_gym.episode import Step
from steer_gym.evaluation import Measures, measure


def step(command: tuple[float, ...], height: float, **changed: float) -> Step:
    numbers = {"moved_m": 0.02, "speed_m_s": 0.4, "tokens": 7, "invalid_tokens": 0, **changed}
    return Step(
        command=command, tcp_pose=(0.0, 0.0, height, 0.0, 0.0, 0.0), reward=0.0, steering="",
        neurons=0, **{"latency_s": 0.1, **numbers},
    )  # fmt: skip


STEPS = [
    step((0.3, 0.4, 0.0, 9.0, 0.0, 0.0, -1.0), 0.9),
    step((0.0, 0.0, -0.5, 0.0, 0.0, 0.0, 1.0), 0.2, invalid_tokens=3),
    step((0.0, 0.0, 0.996, 0.0, 0.0, 0.0, 1.0), 0.5, tokens=0, latency_s=0.0, speed_m_s=1.0),
]


def test_each_measure_is_what_it_says() -> None:
    numbers = measure(STEPS, LIBERO_DELTA)
    assert numbers.steps == 3
    assert numbers.commanded_displacement == pytest.approx((0.5 + 0.5 + 0.996) / 3)
    assert numbers.speed_m_s == pytest.approx(0.6)
    assert numbers.path_m == pytest.approx(0.06)
    assert numbers.greatest_height_m == 0.9
    assert numbers.carried_height_m == 0.5
    assert numbers.mean_height_m == pytest.approx(1.6 / 3)
    assert numbers.invalid_token_rate == pytest.approx(3 / 14)
    assert numbers.saturated_rate == pytest.approx(1 / 3)
    assert numbers.latency_s == pytest.approx(0.1)


def test_commands_are_told_by_axis_and_gripper_changes_are_counted() -> None:
    numbers = measure(STEPS, LIBERO_DELTA)
    assert numbers.commanded_y == pytest.approx(0.4 / 3)
    assert numbers.commanded_z == pytest.approx(0.496 / 3)
    assert numbers.moved_z_m == pytest.approx((0.5 - 0.9) / 2)
    assert numbers.least_height_m == 0.2
    assert numbers.carried_mean_height_m == pytest.approx(0.35)
    assert numbers.gripper_events == 1
    assert numbers.mean_force_n is None


def test_forces_are_measured_where_they_are_told() -> None:
    numbers = measure(
        [replace(step, force_n=n) for step, n in zip(STEPS, (1.0, 2.0, 6.0), strict=True)],
        LIBERO_DELTA,
    )
    assert (numbers.mean_force_n, numbers.greatest_force_n) == (3.0, 6.0)


def test_time_that_is_told_is_what_rates_are_of() -> None:
    """A tool at 0.2 m/s throughout, seen at uneven times."""
    elapsed_s, steps, way = (0.05, 0.65, 0.05, 0.25, 0.05, 0.45), [], 0.0
    for each in elapsed_s:
        way += 0.2 * each
        moved = {"moved_m": 0.2 * each, "speed_m_s": 0.2, "elapsed_s": each}
        pose = (way, 0.0, 0.3, 0.0, 0.0, 0.0)
        steps.append(replace(step((0.0,) * 7, 0.3, **moved), tcp_pose=pose))
    numbers = measure(steps, LIBERO_DELTA)
    assert numbers.speed_m_s == pytest.approx(0.2)
    assert numbers.acceleration_m_s2 == pytest.approx(0.0, abs=1e-9)
    assert numbers.jerk_m_s3 == pytest.approx(0.0, abs=1e-9)
    untold = measure([replace(each, elapsed_s=None) for each in steps], LIBERO_DELTA)
    assert untold.acceleration_m_s2 is not None
    assert untold.acceleration_m_s2 > 1


def test_the_mean_speed_is_the_way_by_the_time() -> None:
    quick = step((0.0,) * 7, 0.3, moved_m=0.1, speed_m_s=2.0, elapsed_s=0.05)
    slow = step((0.0,) * 7, 0.3, moved_m=0.0, speed_m_s=0.0, elapsed_s=0.95)
    numbers = measure([quick, slow], LIBERO_DELTA)
    assert numbers.speed_m_s == pytest.approx(0.1)
    assert (numbers.stalls, numbers.stalled_rate) == (1, pytest.approx(0.95))


def test_even_time_that_is_told_gives_what_untold_time_gives() -> None:
    told = [replace(each, elapsed_s=1 / LIBERO_DELTA.rate_hz) for each in STEPS]
    numbers, untold = (asdict(measure(each, LIBERO_DELTA)) for each in (told, STEPS))
    assert numbers == pytest.approx(untold, nan_ok=True)


def test_sizes_are_of_the_plans_that_were_measured() -> None:
    sizes = [(0.2, 0.9), (None, None), (0.0, 0.0)]
    steps = [
        replace(step, steering_size=mean, greatest_steering_size=most)
        for step, (mean, most) in zip(STEPS, sizes, strict=True)
    ]
    numbers = measure(steps, LIBERO_DELTA)
    assert (numbers.steering_size, numbers.greatest_steering_size) == (pytest.approx(0.1), 0.9)
    unmeasured = measure(STEPS, LIBERO_DELTA)
    assert (unmeasured.steering_size, unmeasured.greatest_steering_size) == (None, None)


def test_joint_targets_are_no_displacements() -> None:
    numbers = measure(STEPS, UR5_JOINTS)
    assert (numbers.commanded_displacement, numbers.saturated_rate) == (None, None)
    assert numbers.speed_m_s == pytest.approx(0.6)


def test_a_turn_saturates_no_translation() -> None:
    assert measure(STEPS[:1], LIBERO_DELTA).saturated_rate == 0


def test_what_was_not_there_is_not_measured() -> None:
    assert measure([], LIBERO_DELTA) == Measures(steps=0)
    open_all_the_way = measure(STEPS[:1], LIBERO_DELTA)
    assert open_all_the_way.carried_height_m is None
    silent = measure(STEPS[2:], LIBERO_DELTA)
    assert (silent.invalid_token_rate, silent.latency_s) == (None, None)
