"""The examples run as they are, with small budgets."""

from __future__ import annotations

import ast
import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

from steer_gym.errors import MissingPackageError
from steer_gym.lerobot.installed import lerobot

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def example(name: str) -> ModuleType:
    """Import one example."""
    pytest.importorskip("robosuite", reason="needs the extra 'libero'")
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", sorted(EXAMPLES.glob("*.py")), ids=lambda file: file.stem)
def test_the_docstring_of_an_example_is_its_usage(file: Path) -> None:
    docstring = ast.get_docstring(ast.parse(file.read_text()), clean=False) or ""
    assert f"    python examples/{file.name}" in docstring


def test_the_evaluation_loop_counts_and_films(tmp_path: Path) -> None:
    pytest.importorskip("moviepy", reason="needs the extra 'libero'")
    films = tmp_path / "films"
    arguments = ["--policy", "scripted", "--episodes", "2", "--films", str(films)]
    assert example("evaluate").main(arguments) == [True, True]
    assert "rl-video-episode-0.mp4" in {file.name for file in films.iterdir()}


def test_the_training_loop_trains(tmp_path: Path) -> None:
    pytest.importorskip("stable_baselines3", reason="needs the extra 'dev'")
    out = tmp_path / "ppo.zip"
    arguments = ["--envs", "1", "--rollout", "4", "--steps", "8", "--out", str(out)]
    model = example("train_sb3").main(arguments)
    assert model.num_timesteps == 8
    assert out.is_file()


def test_the_steering_loop_steers() -> None:
    pytest.importorskip("torch", reason="needs the extra 'torch'")
    assert example("steer").main(["--concept", "fast"])


def test_the_shadow_of_a_steered_policy_is_logged_beside_the_unsteered_one(
    tmp_path: Path,
) -> None:
    pytest.importorskip("torch", reason="needs the extra 'torch'")
    out = tmp_path / "shadow.jsonl"
    log = example("ur5_shadow").main(["--steps", "5", "--out", str(out)])
    assert [json.loads(line) for line in out.read_text().splitlines()] == log
    assert len(log) == 5
    assert any(line["target"] != line["steered"]["target"] for line in log)


def test_the_closed_loop_runs_to_the_end_of_its_episode(capsys: pytest.CaptureFixture) -> None:
    pytest.importorskip("torch", reason="needs the extra 'torch'")
    example("closed_loop").main(["--target", "0.13"])
    assert "aimed at 0.13 m/s, reached 0.1" in capsys.readouterr().out


def require_lerobot() -> None:
    """Skip where LeRobot, which is no extra, cannot be used."""
    try:
        lerobot("policies.act.modeling_act")
    except MissingPackageError as missing:
        pytest.skip(str(missing))


def test_lerobots_evaluation_runs_a_policy_of_ours() -> None:
    require_lerobot()
    arguments = ["--concept", "fast", "--steps", "3", "--image-size", "64"]
    found = example("lerobot_eval").main(arguments)
    assert len(found["per_episode"]) == 1


def test_a_policy_of_lerobots_runs_in_our_loop_and_is_recorded(tmp_path: Path) -> None:
    require_lerobot()
    episode = example("lerobot_policy").main(["--steps", "4", "--out", str(tmp_path / "data")])
    assert (len(episode.steps), episode.error) == (4, None)
    assert (tmp_path / "data" / "meta" / "info.json").is_file()
