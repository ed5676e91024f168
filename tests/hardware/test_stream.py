"""What half a second of readings is worth: enough, too few, with gaps, or too short."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from steer_gym.hardware.stream import Stream, StreamReport


def heard(times_s: Iterable[float]) -> StreamReport:
    stream = Stream()
    for time_s in times_s:
        stream.hear(time_s)
    return stream.report()


@pytest.mark.parametrize("rate_hz", [125.0, 250.0, 500.0])
def test_a_whole_stream_is_well_and_only_its_last_half_second_counts(rate_hz: float) -> None:
    old, new = np.arange(0.0, 5.0, 0.05), np.arange(5.0, 5.6, 1 / rate_hz)
    report = heard([*old, *new])
    assert report.rate_hz == pytest.approx(rate_hz)
    assert report.span_s == pytest.approx(0.5, abs=0.01)
    assert report.trouble(rate_hz) == ""


@pytest.mark.parametrize(("lost", "well"), [(0.05, True), (0.2, False), (0.5, False)])
def test_nine_in_ten_readings_have_to_arrive(lost: float, well: bool) -> None:
    times = np.arange(0, 1, 0.008)
    report = heard(np.delete(times, np.arange(0, len(times), round(1 / lost))))
    assert (report.trouble(125.0) == "") is well


def test_a_gap_is_named_until_half_a_second_has_passed() -> None:
    before, gap_s = np.arange(0, 1, 0.008), 0.12
    after = before[-1] + gap_s + np.arange(0, 1, 0.008)
    trouble = heard([*before, *after[:20]]).trouble(125.0)
    assert "longest gap 120 ms; 125 Hz are wanted" in trouble
    assert heard([*before, *after[:70]]).trouble(125.0) == ""


def test_less_than_half_a_second_is_not_enough_to_judge() -> None:
    for times in ([], [1.0], np.arange(0, 0.4, 0.008)):
        assert "0.5 s are judged" in heard(times).trouble(125.0)


def test_the_same_reading_twice_is_one_and_a_controller_that_starts_anew_begins_anew() -> None:
    assert heard(np.repeat(np.arange(0, 1, 0.016), 2)).rate_hz == pytest.approx(62.5)
    assert heard([*np.arange(900, 901, 0.008), 0.0, 0.008]).span_s == pytest.approx(0.008)
