"""The rhythm of the servo, on a clock that the test turns."""

from __future__ import annotations

import pytest

from steer_gym.hardware.rhythm import Rhythm


class Clock:
    """Time that passes in ``sleep`` and when somebody is slow."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rhythm(clock: Clock) -> Rhythm:
    return Rhythm(0.008, now=lambda: clock.now_s, sleep=clock.sleep)


def test_cycles_come_at_an_even_pace_whatever_each_takes(clock: Clock, rhythm: Rhythm) -> None:
    for work_s in (0.001, 0.006, 0.003):
        rhythm.wait()
        clock.now_s += work_s
    assert list(rhythm.periods) == pytest.approx([0.008] * 3)


def test_a_late_cycle_is_one_long_period_and_is_not_made_up_for(
    clock: Clock, rhythm: Rhythm
) -> None:
    rhythm.wait()
    clock.now_s += 0.05
    for _ in range(3):
        rhythm.wait()
    assert list(rhythm.periods) == pytest.approx([0.008, 0.05, 0.008, 0.008])


def test_what_takes_time_between_cycles_is_no_period(clock: Clock, rhythm: Rhythm) -> None:
    rhythm.wait()
    clock.now_s += 0.1
    rhythm.restart()
    rhythm.wait()
    rhythm.wait()
    assert list(rhythm.periods) == pytest.approx([0.008, 0.008])
