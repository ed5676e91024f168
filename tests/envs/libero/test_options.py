from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from steer_gym.envs.libero.options import Episode, checked_action, episode_of
from steer_gym.errors import ActionError, EnvironmentOptionError, UnknownNameError


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"suite": "libero_objects"}, "Unknown suite 'libero_objects'. Did you mean"),
        ({"task": 10}, "Unknown task of libero_spatial 10"),
        ({"task": -1}, "Unknown task of libero_spatial -1"),
        ({"task": "fly to the moon"}, "Unknown task of libero_spatial 'fly to the moon'"),
        ({"task": 1.5}, "Unknown task of libero_spatial 1.5"),
        ({"task": None}, "Unknown task of libero_spatial None"),
        ({"cameras": ("image.top",)}, "Unknown camera 'image.top'"),
        ({"image_size": 0}, "image_size must be pixels or (height, width)"),
        ({"image_size": (64,)}, "image_size must be pixels or (height, width)"),
        ({"image_size": "big"}, "image_size must be pixels or (height, width)"),
        ({"render_size": 100_000}, "render_size must be pixels or (height, width)"),
        ({"rendering": "best"}, "rendering must be one of 'reference', 'fast', but is 'best'"),
        ({"seeding": "openvla"}, "seeding must be one of 'episode', 'reference-openvla'"),
        ({"init_state": 50}, "init_state must be a number from 0 to 49, or 'sampled', but is 50"),
        (
            {"init_state": True},
            "init_state must be a number from 0 to 49, or 'sampled', but is True",
        ),
        ({"max_steps": 0}, "max_steps must be a positive number of steps, but is 0"),
        ({"render_mode": "ansi"}, "render_mode must be one of None, 'rgb_array', 'human'"),
    ],
)
def test_a_wrong_argument_is_named_before_anything_is_built(
    unbuilt: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises((EnvironmentOptionError, UnknownNameError), match=re.escape(message)):
        unbuilt(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"init_state": 50}, "init_state must be a number from 0 to 49, or 'sampled', but is 50"),
        (
            {"init_state": "first"},
            "init_state must be a number from 0 to 49, or 'sampled', but is 'first'",
        ),
        ({"episode": -1}, "episode must be a number from 0, but is -1"),
        ({"init_states": 3}, "Unknown reset option 'init_states'. Did you mean 'init_state'?"),
    ],
)
def test_a_wrong_reset_option_is_named_before_anything_is_built(
    unbuilt: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises((EnvironmentOptionError, UnknownNameError), match=re.escape(message)):
        unbuilt().reset(options=options)


@pytest.mark.parametrize(
    ("options", "following", "fixed", "expected"),
    [
        (None, 0, None, (0, 0)),
        (None, 53, None, (53, 3)),
        (None, 2, 7, (2, 7)),
        ({"init_state": 4}, 9, None, (4, 4)),
        ({"episode": 60}, 9, None, (60, 10)),
        ({"episode": 60, "init_state": 4}, 9, 7, (60, 4)),
        (None, 3, "sampled", (3, None)),
        ({"init_state": "sampled"}, 3, None, (3, None)),
        ({"init_state": 4}, 3, "sampled", (4, 4)),
    ],
)
def test_an_episode_chooses_scene_and_initial_state(
    options: dict[str, Any] | None,
    following: int,
    fixed: int | str | None,
    expected: tuple[int, int | None],
) -> None:
    episode = episode_of(options, following=following, fixed=fixed, states=50)
    assert episode == Episode(episode=expected[0], init_state=expected[1])


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (np.zeros(6), "An action has shape (7,), but this has (6,)"),
        (np.zeros((1, 7)), "An action has shape (7,), but this has (1, 7)"),
        ([0, 0, 0, 0, 0, 0, np.nan], "An action must be finite, but is [0.0, "),
        ("left", "An action is seven numbers, but is 'left'"),
        (None, "An action"),
    ],
)
def test_an_action_that_is_not_seven_finite_numbers_is_refused(action: Any, message: str) -> None:
    with pytest.raises(ActionError, match=re.escape(message)):
        checked_action(action)
