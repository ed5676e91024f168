"""What Gymnasium, its checkers, wrappers and vector environments ask of an environment."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import NameNotFound, ResetNeeded
from gymnasium.utils.env_checker import check_env, data_equivalence
from gymnasium.wrappers import RecordEpisodeStatistics, RecordVideo, TimeLimit

from steer_gym.environments import ENVIRONMENTS, LIBERO
from steer_gym.envs.libero.suites import SUITES
from steer_gym.envs.wrappers import ArrayObservation
from steer_gym.errors import SteerGymError, UnknownNameError

LIBERO_IDS = {
    name: options.get("suite")
    for name, (target, options) in ENVIRONMENTS.items()
    if target == LIBERO
}
ORIGINAL = [name for name, suite in LIBERO_IDS.items() if suite and not SUITES[suite].perturbed]
PERTURBED = [name for name, suite in LIBERO_IDS.items() if suite and SUITES[suite].perturbed]
SMALL: dict[str, Any] = {"image_size": 48, "rendering": "fast"}


@pytest.fixture(scope="module")
def filmed() -> Iterator[gym.Env]:
    """An environment that can be filmed, and lasts three steps."""
    options = {"render_mode": "rgb_array", "render_size": 64, "max_steps": 3}
    made = gym.make("steer_gym/LiberoObject-v0", task=1, **SMALL, **options)
    yield made
    made.close()


def actions(number: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (number, 7)).astype(np.float32)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("env_id", ORIGINAL)
def test_gymnasiums_checker_finds_nothing(env_id: str) -> None:
    # The first simplification of a scene's meshes takes longer than a few reference pictures.
    rendering = "fast" if "Object" in env_id else "reference"
    env = gym.make(env_id, **SMALL | {"rendering": rendering}).unwrapped
    check_env(env, skip_render_check=True)  # that opens a window too
    env.close()


def test_the_ids_cover_the_original_suites_and_the_variations() -> None:
    assert len(ORIGINAL) == 5
    assert len(PERTURBED) == 16


@pytest.mark.parametrize("env_id", PERTURBED)
def test_every_variation_is_made_with_ten_tasks(env_id: str) -> None:
    env = gym.make(env_id, task=9, **SMALL)
    languages = env.unwrapped.task_languages(**gym.spec(env_id).kwargs)
    assert len(languages) == 10
    assert env.unwrapped.task.instruction == languages[9]
    env.close()


def test_a_variation_runs() -> None:
    env = gym.make("steer_gym/LiberoObjectSwap-v0", task=3, cameras=())
    observation, info = env.reset(seed=0)
    assert info["suite"] == "libero_object_swap"
    assert env.step(env.action_space.sample())[0] in env.observation_space
    assert observation in env.observation_space
    env.close()


def test_an_unknown_id_gets_a_close_match() -> None:
    with pytest.raises(NameNotFound, match="Did you mean: `LiberoSpatial`"):
        gym.make("steer_gym/LiberoSpatal-v0")


def test_an_unknown_task_and_suite_are_named_through_make() -> None:
    with pytest.raises(UnknownNameError, match="task of libero_goal 'open the fridge'"):
        gym.make("steer_gym/LiberoGoal-v0", task="open the fridge")
    with pytest.raises(UnknownNameError, match="Unknown suite 'libero_11'"):
        gym.make("steer_gym/Libero-v0", suite="libero_11")


@pytest.mark.filterwarnings("error")
def test_stable_baselines_checker_finds_nothing(env: gym.Env) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker", reason="extra 'dev'")
    checker.check_env(ArrayObservation(env))


def test_a_rollout_is_the_same_twice_pictures_included(env: gym.Env) -> None:
    def rollout() -> list[Any]:
        start, info = env.reset(seed=4, options={"init_state": 2})
        return [(start, info), *(env.step(action) for action in actions(8))]

    assert data_equivalence(rollout(), rollout(), exact=True)


def test_stepping_before_a_reset_is_refused(unbuilt: Callable[..., Any]) -> None:
    with pytest.raises(ResetNeeded, match="reset"):
        unbuilt().step(np.zeros(7))


def test_an_episode_truncates_at_its_limit_and_only_there(filmed: gym.Env) -> None:
    filmed.reset(seed=0)
    ends = [filmed.step(action)[2:4] for action in actions(3)]
    assert ends == [(False, False), (False, False), (False, True)]


def test_gymnasiums_own_limit_makes_episodes_shorter(filmed: gym.Env) -> None:
    limited = TimeLimit(filmed, max_episode_steps=2)
    limited.reset(seed=0)
    assert [limited.step(action)[3] for action in actions(2)] == [False, True]


def test_paused_rendering_keeps_the_last_pictures_and_copies_them(env: gym.Env) -> None:
    first, _ = env.reset(seed=0)
    env.unwrapped.rendering_paused = True
    paused = [env.step(np.ones(7, np.float32))[0] for _ in range(3)]
    env.unwrapped.rendering_paused = False
    after = env.step(np.ones(7, np.float32))[0]
    for key in ("image.base", "image.wrist"):
        assert all(np.array_equal(observation[key], first[key]) for observation in paused)
        assert not np.shares_memory(paused[0][key], paused[1][key])
        assert not np.array_equal(after[key], first[key])
    assert not np.array_equal(paused[0]["tcp_pose"], first["tcp_pose"])


def test_two_environments_draw_in_turns_as_they_do_alone(env: gym.Env, filmed: gym.Env) -> None:
    alone = env.reset(seed=1)[0]["image.base"]
    filmed.reset(seed=2)
    again = env.reset(seed=1)[0]["image.base"]
    filmed.step(actions(1)[0])
    assert filmed.render().shape == (64, 64, 3)
    assert np.array_equal(alone, again)


def test_episodes_are_filmed_and_counted_by_gymnasiums_wrappers(
    filmed: gym.Env, tmp_path: Path
) -> None:
    pytest.importorskip("moviepy", reason="needs the extra 'libero'")
    recorded = RecordEpisodeStatistics(
        RecordVideo(filmed, str(tmp_path / "films"), episode_trigger=lambda number: number == 0)
    )
    recorded.reset(seed=0)
    info = [recorded.step(action) for action in actions(3)][-1][4]
    recorded.reset()  # finishes the film
    assert info["episode"]["l"] == 3
    assert info["episode"]["r"] == 0
    assert info["episode_number"] == 0
    assert [file.name for file in (tmp_path / "films").iterdir()] == ["rl-video-episode-0.mp4"]


def test_a_spec_survives_pickling_and_json() -> None:
    env = gym.make("steer_gym/LiberoSpatial-v0", task=2, cameras=(), seeding="reference-openpi")
    spec = env.spec
    env.close()
    assert spec is not None
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    made = gym.make(again)
    assert made.unwrapped.task == env.unwrapped.task
    assert made.unwrapped.options == env.unwrapped.options
    assert gym.envs.registration.EnvSpec.from_json(spec.to_json()).kwargs["task"] == 2
    made.close()


def test_a_closed_environment_closes_again_and_is_rebuilt_by_a_reset() -> None:
    env = gym.make("steer_gym/LiberoObject-v0", **SMALL).unwrapped
    first = env.reset(seed=0)[0]
    env.close()
    env.close()
    assert data_equivalence(first, env.reset(seed=0)[0], exact=True)
    env.close()


def test_a_window_without_a_display_is_refused_in_words(
    unbuilt: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    env = unbuilt(suite="libero_object", render_mode="human", **SMALL)
    with pytest.raises(SteerGymError, match=re.escape("render_mode='human' needs a display")):
        env.reset(seed=0)
    env.close()
