"""A dataset holds what happened, in the files that the format names, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import toy_world

from steer_gym import Policy
from steer_gym.benchmark import Benchmark, PolicyChoice, Suite, Treatment
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.cli.dispatch import main
from steer_gym.errors import ConventionError, ObservationError, ResultsError
from steer_gym.film import read_film
from steer_gym.lerobot.dataset import DatasetWriter
from steer_gym.lerobot.recording import RecordDataset
from steer_gym.lerobot.replay import export_run
from steer_gym.observation import IMAGE_BASE, IMAGE_WRIST
from steer_gym.registry import POLICIES
from steer_gym.rollout import run_episode

parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'bench'")
pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")
OBSERVATION, _ = toy_world.ReachEnv().reset(seed=0)
BASE = "observation.images.base"


def table(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def test_a_loop_of_any_kind_is_recorded(toy_reach: Policy, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", fps=20) as dataset:
        env = RecordDataset(gym.make("toy/Reach-v0"), dataset)
        episodes = [run_episode(env, toy_reach, seed=seed) for seed in (1, 2)]
    frames = table(tmp_path / "data/data/chunk-000/file-000.parquet")
    steps = [step for episode in episodes for step in episode.steps]
    assert len(frames) == len(steps)
    assert [frame["action"] for frame in frames] == [list(step.command) for step in steps]
    assert np.allclose(frames[0]["observation.state"][:3], toy_world.START)
    assert np.allclose(frames[1]["observation.state"][:6], steps[0].tcp_pose)
    lengths = [len(episode.steps) for episode in episodes]
    assert [f["index"] for f in frames] == list(range(sum(lengths)))
    assert [f["episode_index"] for f in frames] == [0] * lengths[0] + [1] * lengths[1]
    assert np.allclose([f["timestamp"] for f in frames[:3]], [0, 0.05, 0.1])
    ends = [frame["next.done"] for frame in frames]
    assert np.flatnonzero(ends).tolist() == [lengths[0] - 1, sum(lengths) - 1]
    assert [frame["next.success"] for frame in frames] == ends


def test_the_table_of_episodes_says_where_everything_is(run: Path, tmp_path: Path) -> None:
    assert export_run(run, tmp_path / "data") == 4
    episodes = table(tmp_path / "data/meta/episodes/chunk-000/file-000.parquet")
    frames = table(tmp_path / "data/data/chunk-000/file-000.parquet")
    info = json.loads((tmp_path / "data/meta/info.json").read_text())
    assert (info["total_episodes"], info["total_frames"]) == (4, len(frames))
    for number, episode in enumerate(episodes):
        span = frames[episode["dataset_from_index"] : episode["dataset_to_index"]]
        assert {frame["episode_index"] for frame in span} == {number}
        assert len(span) == episode["length"]
        path = info["video_path"].format(
            video_key=BASE,
            chunk_index=episode[f"videos/{BASE}/chunk_index"],
            file_index=episode[f"videos/{BASE}/file_index"],
        )
        assert len(read_film(tmp_path / "data" / path)) == episode["length"]
        assert episode[f"videos/{BASE}/to_timestamp"] == pytest.approx(episode["length"] / 20)
    told = [episode["tasks"] for episode in episodes]
    assert told == [["reach the target"], ["reach the target, quickly"]] * 2
    assert [episode["condition"] for episode in episodes] == ["plain", "faster"] * 2


def test_conditions_and_successes_can_be_chosen(run: Path, tmp_path: Path) -> None:
    assert export_run(run, tmp_path / "one", conditions=["plain"], successes_only=True) == 2
    with pytest.raises(ResultsError, match=r"no such episodes; its conditions are \['faster'"):
        export_run(run, tmp_path / "none", conditions=["slow"])


def test_an_episode_that_goes_otherwise_than_it_did_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ResultsError, match=r"goes otherwise than it did: .* the reward is 0.0, not"
    ):
        export_run(run, tmp_path / "data", task=1)
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), DatasetWriter(tmp_path / "data", fps=20) as dataset:  # noqa: PT012
        dataset.add(OBSERVATION, np.zeros(7))
        dataset.end_episode(success=True)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="exists already; choose a folder that does not"):
        DatasetWriter(tmp_path, fps=20)


def test_an_episode_that_is_cut_off_leaves_no_frames(toy_reach: Policy, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", fps=20) as dataset:
        env = RecordDataset(gym.make("toy/Reach-v0"), dataset)
        env.reset(seed=0)
        env.step(np.ones(7, np.float32))
        episode = run_episode(env, toy_reach, seed=1)
    frames = table(tmp_path / "data/data/chunk-000/file-000.parquet")
    assert len(frames) == len(episode.steps)
    video = tmp_path / f"data/videos/{BASE}/chunk-000/file-000.mp4"
    assert len(read_film(video)) == len(episode.steps)


@pytest.mark.parametrize("discard", [True, False])
def test_no_video_is_left_of_an_episode_that_has_no_frames(tmp_path: Path, discard: bool) -> None:
    with DatasetWriter(tmp_path / "data", fps=20) as dataset:
        dataset.add(OBSERVATION, np.zeros(7))
        dataset.end_episode(success=True)
        dataset.add(OBSERVATION, np.zeros(7))
        if discard:
            dataset.discard_episode()
    videos = [path.name for path in (tmp_path / f"data/videos/{BASE}/chunk-000").iterdir()]
    assert videos == ["file-000.mp4"]


def test_an_environment_of_another_rate_is_refused(tmp_path: Path) -> None:
    with (
        DatasetWriter(tmp_path / "data", fps=10) as dataset,
        pytest.raises(ConventionError, match="runs at 20 Hz, the dataset at 10; make the dataset"),
    ):
        RecordDataset(gym.make("toy/Reach-v0"), dataset)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "data", fps=20) as dataset:
        with pytest.raises(ResultsError, match="needs at least one frame"):
            dataset.end_episode(success=True)
        odd = {**OBSERVATION, IMAGE_BASE: np.zeros((8, 7, 3), np.uint8)}
        with pytest.raises(ObservationError, match="videos need an even height and width"):
            dataset.add(odd, np.zeros(7))
        dataset.add(OBSERVATION, np.zeros(7))
        more = {**OBSERVATION, IMAGE_WRIST: np.zeros((8, 8, 3), np.uint8)}
        with pytest.raises(ObservationError, match="has the same cameras and sizes: this one has"):
            dataset.add(more, np.zeros(7))
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_exports(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data"
    arguments = ["export", "lerobot", str(run), "--out", str(out), "--layout", "libero"]
    assert main([*arguments, "--condition", "plain"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "plain-init-0", "plain-init-1", f"2 episodes in {out}"
    ]  # fmt: skip
    features = json.loads((out / "meta/info.json").read_text())["features"]
    assert features["observation.images.image"]["shape"] == [8, 8, 3]
    assert main([*arguments]) == 2
    assert "exists already" in capsys.readouterr().err


@pytest.fixture
def benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a benchmark of two tasks, whose cells have equal keys but for these."""
    monkeypatch.setitem(POLICIES, "reach", "toy_world:ReachPolicy")
    suites = tuple(
        Suite(env="toy_world:toy/Reach-v0", name=name, tasks=(0, 1), init_states=(0,))
        for name in ("one", "other")
    )
    plan = Benchmark(
        name="toy",
        policies=(PolicyChoice(name="reach"),),
        suites=suites,
        conditions=(Treatment(kind="baseline", name="plain"), Treatment(concept="fast", alpha=0.6)),
    )
    run_benchmark(plan, tmp_path / "bench", Manner(workers=1, quiet=True, films=0))
    return tmp_path / "bench"


def test_the_command_line_exports_a_benchmark_as_one_dataset(
    benchmark: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "data"
    assert main(["export", "lerobot", str(benchmark), "--out", str(out)]) == 0
    assert "8 episodes in" in capsys.readouterr().out
    episodes = table(out / "meta/episodes/chunk-000/file-000.parquet")
    told = {(each["policy"], each["suite"], each["key"]) for each in episodes}
    assert len(told) == 8
    assert {suite for _, suite, _ in told} == {"one", "other"}
    assert export_run(benchmark / "reach" / "one" / "task-0", tmp_path / "shard") == 2


def test_a_benchmark_whose_actions_differ_in_meaning_is_refused_naming_folders(
    benchmark: Path, tmp_path: Path
) -> None:
    for file in (benchmark / "reach" / "other").rglob("episodes.jsonl"):
        file.write_text(file.read_text().replace('"rate_hz": 20', '"rate_hz": 10'))
    with pytest.raises(ResultsError, match=r"do not: .*one/task-0, .*one/task-1; .*other/task-0"):
        export_run(benchmark, tmp_path / "data")
