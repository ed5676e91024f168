"""What schedules give, look by look, on numbers that are plain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from steer_gym import ActConfig, NeuronSet, Pid, Ramp, Steering, When, Window
from steer_gym.course import Course
from steer_gym.errors import ObservationError
from steer_gym.observation import GRIPPER, INSTRUCTION, TCP_POSE, Observation
from steer_gym.schedules import Schedule

FAST = Steering(NeuronSet.from_flat([3, 1]), 10.0)
RATE = 20.0


def seen(height: float, x: float = 0.0) -> Observation:
    pose = np.array([x, 0, height, 0, 0, 0], np.float64)
    return {TCP_POSE: pose, GRIPPER: np.array([0.04, -0.04]), INSTRUCTION: "go"}


def alphas(
    schedule: Schedule, observations: Sequence[Observation], stride: int = 1
) -> list[float | None]:
    course = Course(ActConfig(steering=FAST, schedule=schedule), rate_hz=RATE)
    found = []
    for look, observation in enumerate(observations):
        config = course.at(look * stride, observation)
        assert config.schedule is None
        found.append(config.steering.alpha if config.steering else None)
    return found


def test_a_ramp_is_straight_between_its_points_and_level_beyond() -> None:
    ramp = Ramp([(2, 1.0), (4, 3.0)])
    assert alphas(ramp, [seen(0)] * 7) == [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 3.0]


def test_a_window_gives_the_steerings_own_alpha_inside_and_nothing_outside() -> None:
    assert alphas(Window(1, 3), [seen(0)] * 5) == [None, 10.0, 10.0, None, None]
    assert alphas(Window(3), [seen(0)] * 5) == [None, None, None, 10.0, 10.0]


def test_edits_of_different_alphas_keep_them_in_a_window() -> None:
    both = FAST + Steering(NeuronSet.from_flat([5]), 2.0)
    course = Course(ActConfig(steering=both, schedule=Window(0, 1)), rate_hz=RATE)
    assert course.at(0, seen(0)).steering == both
    assert course.at(1, seen(0)).steering is None


def test_a_predicate_holds_from_its_lower_bound_to_before_its_upper_one() -> None:
    heights = [seen(height) for height in (0.0, 0.1, 0.2, 0.3)]
    assert alphas(When("height_m", above=0.1, below=0.3), heights) == [None, 10, 10, None]


def test_a_predicate_on_speed_does_not_hold_before_there_is_any() -> None:
    assert alphas(When("speed_m_s", below=1.0), [seen(0.0), seen(0.01)]) == [None, 10.0]


def test_schedules_nest() -> None:
    nested = When("height_m", above=0.1, inner=Window(2, inner=Ramp([(0, 0.0), (4, 4.0)])))
    heights = [seen(height) for height in (0.2, 0.2, 0.2, 0.0, 0.2)]
    assert alphas(nested, heights) == [None, None, 2.0, None, 4.0]


def test_speed_is_that_since_the_look_before_however_many_steps_ago() -> None:
    control = Pid(quantity="speed_m_s", target=0.0, proportional=-1.0, limits=(0, 9), base=0.5)
    way = [seen(0.0), seen(0.05), seen(0.05, x=0.1)]
    assert alphas(control, way) == pytest.approx([0.5, 1.5, 2.5])
    assert alphas(control, way, stride=4) == pytest.approx([0.5, 0.75, 1.0])


def test_each_term_of_a_controller_is_in_its_unit() -> None:
    heights = [seen(0.1), seen(0.2)]
    common = {"quantity": "height_m", "target": 0.3, "limits": (-9.0, 9.0)}
    assert alphas(Pid(**common, proportional=10.0), heights) == pytest.approx([2.0, 1.0])
    assert alphas(Pid(**common, integral=100.0), heights) == pytest.approx([0.0, 0.5])
    assert alphas(Pid(**common, derivative=1.0), heights) == pytest.approx([0.0, -2.0])
    assert alphas(Pid(**common, proportional=10.0, base=3), heights) == pytest.approx([5.0, 4.0])


def test_smoothing_lags_by_its_time_constant() -> None:
    control = Pid(
        quantity="height_m", target=0.0, proportional=-1.0, limits=(0, 9), smoothing_s=0.5
    )
    found = alphas(control, [seen(0.0)] + [seen(1.0)] * 200)
    assert found[1] == pytest.approx(0.05 / 0.55)
    assert found[10] == pytest.approx(1 - np.exp(-1), abs=0.03)
    assert found[-1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("gains", [{"integral": 50.0}, {"integral": 50.0, "proportional": 30.0}])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_controller_leaves_its_limit_as_soon_as_the_error_turns(
    gains: dict[str, float], sign: int
) -> None:
    control = Pid(quantity="height_m", target=0.0, limits=(-5.0, 5.0), **gains)
    stuck = [seen(-sign * 0.5)] * 2000
    found = alphas(control, [*stuck, seen(sign * 0.001)])
    assert found[-2] == sign * 5.0
    assert abs(found[-1]) < 5.0


def test_a_controller_finds_the_dose_that_an_integrating_plant_needs() -> None:
    control = Pid(
        quantity="height_m", target=0.3, proportional=40.0, derivative=8.0, limits=(-5, 5)
    )
    course = Course(ActConfig(steering=FAST, schedule=control), rate_hz=RATE)
    height = 0.0
    for step in range(200):
        steering = course.at(step, seen(height)).steering
        assert steering is not None
        assert steering.alpha is not None
        height += 0.05 * 0.1 * steering.alpha
    assert height == pytest.approx(0.3, abs=1e-3)


def test_time_outside_a_window_is_not_integrated() -> None:
    control = Pid(quantity="height_m", target=1.0, integral=1.0, limits=(0.0, 99.0))
    found = alphas(When("x_m", below=0.5, inner=control), [
        seen(0.0), seen(0.0), *[seen(0.0, x=1.0)] * 100, seen(0.0),
    ])  # fmt: skip
    assert found[1] == pytest.approx(0.05)
    assert found[-1] == pytest.approx(0.10)


def test_asked_again_for_a_step_a_course_says_the_same() -> None:
    config = ActConfig(steering=FAST, schedule=Ramp([(0, 0.0), (9, 9.0)]), temperature=1.0, seed=3)
    course = Course(config, rate_hz=RATE)
    one = course.at(2, seen(0.0))
    assert course.at(2, seen(0.0)) is one
    assert one.seed not in (3, course.at(3, seen(0.0)).seed)


def test_what_is_missing_or_not_finite_is_refused() -> None:
    control = When("height_m", above=0.0)
    with pytest.raises(ObservationError, match="measures height_m, but it is nan at step 0"):
        alphas(control, [seen(float("nan"))])
    with pytest.raises(ObservationError, match="needs 'tcp_pose', but the observation holds"):
        alphas(control, [{INSTRUCTION: "go"}])
    assert alphas(Window(), [{INSTRUCTION: "go"}]) == [10.0]
