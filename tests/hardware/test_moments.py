"""What was at a moment, between readings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from steer_gym.hardware.moments import age_at, status_at
from steer_gym.hardware.poses import moved, pose_error
from steer_gym.hardware.status import ArmStatus, StatusBoard, create_board_file
from steer_gym.robot import RobotError

TWIST = np.array([0.1, -0.2, 0.05, 0.3, 0.1, -0.5])


@pytest.fixture
def history(bench: Any) -> list[ArmStatus]:
    """Return ten readings, 8 ms apart, of an arm that moves by ``TWIST`` a second."""
    first = bench.robot._guard.arm.status()
    return [
        replace(
            first,
            reported_s=100.0 + 0.008 * count + 0.003,
            age_s=0.003,
            sample=replace(
                first.sample,
                time_s=0.008 * count,
                tcp_pose=moved(first.sample.tcp_pose, TWIST * 0.008 * count),
                q=np.full(6, 0.01 * count),
            ),
        )
        for count in range(10)
    ]


def test_an_even_motion_is_read_between_its_readings(history: list[ArmStatus]) -> None:
    at = status_at(history, 100.0 + 0.008 * 4.25)
    assert at.sample.time_s == pytest.approx(0.008 * 4.25)
    np.testing.assert_allclose(at.sample.q, 0.01 * 4.25)
    way = pose_error(at.sample.tcp_pose, history[0].sample.tcp_pose)
    np.testing.assert_allclose(way, TWIST * 0.008 * 4.25, atol=1e-6)


def test_a_reading_is_itself_and_outside_the_ends_hold(history: list[ArmStatus]) -> None:
    for moment_s, expected in ((100.0 + 0.008 * 3, 3), (0.0, 0), (1000.0, 9)):
        at = status_at(history, moment_s)
        np.testing.assert_allclose(at.sample.q, history[expected].sample.q, atol=1e-9)


def test_a_moment_that_no_reading_has_seen_is_as_old_as_the_last_reading(
    history: list[ArmStatus],
) -> None:
    now_s, latency_s = 107.0, 0.004
    for moment_s, expected in ((100.03, 6.97), (106.97, 7.0 - 0.008 * 9 + latency_s)):
        at = status_at(history, moment_s + latency_s)
        age_s = age_at(at, moment_s, now_s=now_s, latency_s=latency_s)
        assert age_s == pytest.approx(expected)


def test_without_a_reading_nothing_is_known() -> None:
    with pytest.raises(RobotError, match="No reading"):
        status_at([], 0.0)


@pytest.fixture
def board() -> Iterator[StatusBoard]:
    with create_board_file() as file:
        board = StatusBoard(file.fileno())
        yield board
        board.close()


def test_the_board_remembers_half_a_second_of_readings_at_every_rate(
    board: StatusBoard, history: list[ArmStatus]
) -> None:
    assert board.read() is None
    assert board.around(0.0) == []
    for count in range(1000):
        board.write(replace(history[0], reported_s=0.002 * count))
    (oldest,) = board.around(0.0)
    assert 0.002 * 999 - oldest.reported_s > 0.5
    newest = board.read()
    assert newest is not None
    assert newest.reported_s == 0.002 * 999


@pytest.mark.parametrize("moment_s", [0.0, 100.0, 100.034, 100.04, 100.0719, 100.072, 1000.0])
def test_two_neighbours_tell_as_much_as_all(
    board: StatusBoard, history: list[ArmStatus], moment_s: float
) -> None:
    for status in history:
        board.write(status)
    around = board.around(moment_s)
    assert len(around) <= 2
    few, all_ = status_at(around, moment_s), status_at(history, moment_s)
    np.testing.assert_array_equal(few.sample.to_row(), all_.sample.to_row())
    assert few.reported_s == all_.reported_s
