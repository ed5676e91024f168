"""How old readings are: a stream that stands or queues grows old, one that drifts does not."""

from __future__ import annotations

import time

import pytest

from steer_gym.hardware.freshness import Freshness, require_prompt
from steer_gym.robot import RobotError


def test_a_steady_stream_is_fresh_however_far_the_clocks_are_apart() -> None:
    freshness = Freshness()
    ages = [freshness.age_s(5000.0 + i * 0.008, i * 0.008) for i in range(1000)]
    assert max(ages) == pytest.approx(0.0, abs=1e-9)


def test_a_stream_that_stands_still_grows_old_with_the_time() -> None:
    freshness = Freshness()
    freshness.age_s(1.0, 0.0)
    assert freshness.age_s(1.0, 0.1) == pytest.approx(0.1, abs=1e-3)


def test_a_stream_that_comes_ever_later_grows_old_although_it_moves() -> None:
    freshness = Freshness()
    ages = [freshness.age_s(i * 0.008, i * 0.008 * 1.1) for i in range(200)]
    assert ages[-1] == pytest.approx(0.16, abs=0.01)


def test_clocks_that_drift_apart_as_quartz_does_are_fresh_for_a_day() -> None:
    freshness = Freshness()
    ages = [freshness.age_s(i * 1.0, i * (1.0 + 1e-4)) for i in range(86_400)]
    assert max(ages) < 1e-3


def test_a_controller_that_starts_anew_is_fresh() -> None:
    freshness = Freshness()
    freshness.age_s(900.0, 10.0)
    assert freshness.age_s(0.0, 20.0) == 0.0


@pytest.mark.parametrize(("stale_s", "watchdog_hz"), [(0.02, 10.0), (1.0, 50.0)])
def test_a_link_that_is_always_slow_is_refused_with_its_delay_and_what_to_do(
    stale_s: float, watchdog_hz: float
) -> None:
    words = r"0\.0[3-9]\d s there and back.*0\.02 s.*cable.*stale_s.*watchdog_hz below 2\d\."
    with pytest.raises(RobotError, match=words):
        require_prompt(lambda: time.sleep(0.06), stale_s, watchdog_hz)


def test_a_link_that_is_slow_but_once_is_not_refused() -> None:
    naps = iter((0.0, 0.3, 0.0, 0.3))
    require_prompt(lambda: time.sleep(next(naps)), stale_s=0.1, watchdog_hz=10.0)
