"""``steer-gym bench``: a plan and its price, a run with its report, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import toy_world

from steer_gym.benchmark import (
    Benchmark,
    PolicyChoice,
    Suite,
    Treatment,
    load_benchmark,
    save_benchmark,
)
from steer_gym.benchmark.results import Results
from steer_gym.cli import main

Capture = pytest.CaptureFixture[str]
FAST = Treatment(concept="fast", alpha=0.6, name="fast")
PLAN = Benchmark(
    name="small",
    policies=(PolicyChoice(name="reach"),),
    suites=(Suite(env="toy_world:toy/Reach-v0", tasks=(0, 1), init_states=(0, 1)),),
    conditions=(Treatment(kind="baseline", name="plain"), FAST, FAST.control("random", draws=2)),
)


@pytest.fixture
def plan(reach: object, tmp_path: Path) -> str:
    """Return the file of a small plan whose policy the registry knows."""
    path = tmp_path / "plan.json"
    save_benchmark(PLAN, path)
    return str(path)


def test_a_dry_run_prints_plan_and_price_and_writes_nothing(
    plan: str, tmp_path: Path, capsys: Capture
) -> None:
    assert main(["bench", plan, "--out", str(tmp_path / "out"), "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "conditions      3: 1 baseline, 1 steered, 1 random" in text
    assert "12, of which 0 are there and 12 would run" in text
    assert "720 at most" in text  # 60 steps an episode
    assert not (tmp_path / "out").exists()


def test_a_light_policy_runs_in_two_processes_unless_told_otherwise(
    plan: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def processes(*given: str) -> str:
        assert main(["bench", plan, "--dry-run", *given]) == 0
        (line,) = [each for each in capsys.readouterr().out.splitlines() if "processes" in each]
        return line

    assert processes() == "processes       1, each with a policy and an environment"
    monkeypatch.setattr(toy_world.ReachPolicy, "light", True)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert processes("--envs", "3") == "processes       2, each with a policy and 3 environments"
    assert processes("--workers", "1") == "processes       1, each with a policy and an environment"
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert processes() == "processes       1, each with a policy and an environment"


def test_a_policy_of_a_plan_that_nobody_knows_is_named(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "plan.json"
    save_benchmark(replace(PLAN, policies=(PolicyChoice(name="pokcet"),)), path)
    assert main(["bench", str(path), "--dry-run"]) == 2
    assert "Did you mean 'pocket'" in capsys.readouterr().err


def test_a_run_ends_in_a_report_and_goes_on(plan: str, tmp_path: Path, capsys: Capture) -> None:
    for package in ("matplotlib", "pyarrow", "imageio_ffmpeg"):
        pytest.importorskip(package, reason="needs the extra 'bench'")
    out = tmp_path / "out"
    command = ["bench", plan, "--out", str(out), "--quiet", "--films", "0"]
    assert main([*command, "--init-states", "0"]) == 0
    assert "6 of 6 episodes in" in capsys.readouterr().out
    assert main(command) == 0
    text = capsys.readouterr().out
    assert "12, of which 6 are there and 6 would run" in text
    assert "by the 6 episodes that are there" in text
    assert "reach in Reach" in text
    assert (out / "report" / "index.html").is_file()
    assert Results.read(out).whole


def test_episodes_that_crash_for_good_are_told_by_the_exit_code(
    plan: str, tmp_path: Path, capsys: Capture
) -> None:
    for package in ("matplotlib", "pyarrow"):
        pytest.importorskip(package, reason="needs the extra 'bench'")
    broken = replace(PLAN.suites[0], env_options={"crash_at": 4}, tasks=(0,))
    save_benchmark(replace(PLAN, suites=(broken,)), plan)
    command = ["bench", plan, "--out", str(tmp_path / "out"), "--quiet", "--retries", "1"]
    assert main(command) == 1
    assert "0 of 6 episodes in" in capsys.readouterr().out


def test_a_plan_can_be_written_and_changed_on_the_way(plan: str, tmp_path: Path) -> None:
    changed = tmp_path / "changed.json"
    given = ["--tasks", "1", "--init-states", "3-4", "--seed", "5", "--envs", "2"]
    assert main(["bench", plan, *given, "--save-plan", str(changed)]) == 0
    suite = replace(PLAN.suites[0], tasks=(1,), init_states=(3, 4))
    assert load_benchmark(changed) == replace(PLAN, suites=(suite,), seed=5, envs=2)


@pytest.mark.parametrize(
    ("option", "value"), [("--checkpoint", "X"), ("--policy-option", "a=1"), ("--dictionary", "X")]
)
def test_what_is_said_of_no_policy_is_refused(
    plan: str, option: str, value: str, tmp_path: Path, capsys: Capture
) -> None:
    out = tmp_path / "out"
    assert main(["bench", plan, option, value, "--out", str(out), "--dry-run"]) == 2
    assert f"{option} goes with a --policy" in capsys.readouterr().err


@pytest.mark.usefixtures("reach")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["quick"], "quick needs a --policy"),
        (["quik"], "Did you mean 'quick'"),
        (
            ["none.json"],
            "There is no file none.json. `steer-gym bench quick --policy pocket --save-plan",
        ),
        (["quick", "--policy", "nobody"], "nobody"),
        (["paper-libero-long", "--policy", "reach", "--dry-run"], "Condition 'fast 10 full a2': "),
        (["quick", "--policy", "reach", "--policy", "toy"], "--policy is given twice, 'reach' and"),
        (["quick", "--policy", "reach", "--policy-option", "crash=1"], "Did you mean 'crash_near'"),
        (["quick", "--policy", "openvla"], "Policy 'openvla' needs the option 'checkpoint'"),
        (["quick", "--policy", "reach", "--gpus", "1"], "--gpus goes with --ray"),
        (["quick", "--policy", "reach", "--ray", "--cpus", "nan"], "'nan' is no number"),
        (["."], ". is a folder; a plan is a file, such as its benchmark.json"),
    ],
)
def test_what_cannot_be_run_is_said(arguments: list[str], message: str, capsys: Capture) -> None:
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err
