"""Schedules are values: JSON, equality, hash; and they refuse nonsense."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Pid, Ramp, Steering, When, Window
from steer_gym.errors import ActConfigError, UnknownNameError
from steer_gym.schedules import Schedule

FAST = Steering(NeuronSet.from_flat([3, 1]), 10.0)
PID = Pid(quantity="speed_m_s", target=0.2, integral=9.0, limits=(0, 6), smoothing_s=0.2)
SCHEDULES = [
    Ramp([(0, 1), (40, 4.5)]),
    Window(),
    Window(3, 9),
    When("height_m", above=0.1, below=0.3),
    PID,
    Window(2, None, PID),
    When("gripper", below=0.02, inner=Window(5, 80, inner=Ramp([(0, 2.0)]))),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
def test_json_round_trip_within_a_config(schedule: Schedule) -> None:
    config = ActConfig(steering=FAST, schedule=schedule)
    again = ActConfig.from_json(json.loads(json.dumps(config.to_json())))
    assert again == config
    assert hash(again) == hash(config)
    assert again != ActConfig(steering=FAST)


def test_numbers_of_numpy_are_stored_as_plain_ones() -> None:
    ramp = Ramp(np.array([[0, 1], [4, 2]], np.float32))
    pid = Pid(quantity="x_m", target=np.float32(0.5), limits=np.array([0, 1]), integral=np.int64(2))
    when = When("x_m", above=np.float32(0.5))
    window = Window(np.int64(3), np.int64(5))
    for schedule in (ramp, pid, when, window):
        assert Schedule.from_json(json.loads(json.dumps(schedule.to_json()))) == schedule


def test_a_config_without_a_schedule_is_written_as_before_there_were_any() -> None:
    assert "schedule" not in ActConfig(steering=FAST).to_json()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Ramp([]), "A ramp needs points with rising steps"),
        (lambda: Ramp([(3, 1.0), (3, 2.0)]), "A ramp needs points with rising steps"),
        (lambda: Ramp([(0, float("nan"))]), "A ramp's alpha must be a finite number, but is nan"),
        (lambda: Ramp([(-1, 1.0)]), "A ramp's step must be 0 or more, but is -1"),
        (lambda: Ramp(4.0), r"A ramp is made of points \(step, alpha\), not of 4.0"),
        (lambda: Ramp([(1, 2, 3)]), r"A point of a ramp is \(step, alpha\), not \(1, 2, 3\)"),
        (lambda: Window(5, 5), "0 <= start < stop, but is 5 to 5"),
        (lambda: Window(-1), "0 <= start < stop, but is -1 to None"),
        (lambda: Window(0.5), "0 <= start < stop, but is 0.5 to None"),
        (lambda: Window(inner=3.0), "inner must be a schedule or None, but is 3.0"),
        (lambda: When("height_m"), "When needs above, below, or above < below"),
        (lambda: When("height_m", above=2, below=1), "above=2.0 and below=1.0"),
        (lambda: When("height_m", above=float("inf")), "above must be a finite number, but is inf"),
        (lambda: pid(target=float("nan")), "target must be a finite number, but is nan"),
        (lambda: pid(integral=True), "integral must be a finite number, but is True"),
        (lambda: pid(smoothing_s=-1), "smoothing_s must be 0 or more, but is -1"),
        (lambda: pid(limits=(3, 2)), r"limits must be \(least, greatest\) alpha, but are \(3, 2\)"),
        (lambda: pid(limits=(0, float("inf"))), "A limit of alpha must be a finite number, but is"),
        (lambda: pid(limits=5.0), r"limits must be \(least, greatest\) alpha, but are 5.0"),
        (lambda: pid(integral=0), "A Pid needs proportional, integral or derivative other than 0"),
        (lambda: ActConfig(steering=FAST, schedule=4.0), "schedule must be a schedule or None"),
        (lambda: ActConfig(schedule=Window()), "steering is None; give both"),
        (lambda: Schedule.from_json({"points": []}), "Not a schedule: .* It needs a 'kind'"),
        (lambda: Schedule.from_json({"kind": "ramp", "at": 1}), "Not a schedule of kind 'ramp'"),
    ],
)
def test_refuses_nonsense(make: Any, message: str) -> None:
    with pytest.raises(ActConfigError, match=message):
        make()


def test_unknown_names_are_told_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'height_m'"):
        When("height", above=1)
    with pytest.raises(UnknownNameError, match=r"Unknown schedule 'rampe'\. Did you mean 'ramp'"):
        Schedule.from_json({"kind": "rampe"})


def test_a_schedule_of_ones_own_needs_a_name_before_it_is_written() -> None:
    class Own(Ramp):
        pass

    with pytest.raises(ActConfigError, match="Own has no name for JSON; add it to"):
        Own([(0, 1)]).to_json()


def pid(**changed: Any) -> Pid:
    fields = {"quantity": "height_m", "target": 0.3, "limits": (0, 5), "integral": 1.0}
    return Pid(**{**fields, **changed})
