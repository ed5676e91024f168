"""``steer-gym eval``: the plan, the run, the table; what is wrong is said before anything runs."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from steer_gym.benchmark import Benchmark, PolicyChoice, Suite, Treatment
from steer_gym.benchmark.results import Results
from steer_gym.benchmark.run import Manner, run_benchmark
from steer_gym.cli import main
from steer_gym.evaluation.rows import read_rows
from steer_gym.evaluation.steps import read_steps

Capture = pytest.CaptureFixture[str]
ENV = "toy_world:toy/Reach-v0"
HERE = Path(__file__).resolve().parents[1]


def command(out: Path, *further: str) -> list[str]:
    return [
        "eval", "--policy", "reach", "--env", ENV, "--tasks", "0-1", "--init-states", "0,2",
        "--steer", "fast=0.6", "--random", "2", "--prompt", "{instruction}, quickly",
        "--out", str(out), *further,
    ]  # fmt: skip


@pytest.mark.usefixtures("reach")
def test_the_plan_is_printed_and_nothing_written(tmp_path: Path, capsys: Capture) -> None:
    assert main(command(tmp_path / "out", "--dry-run")) == 0
    text = capsys.readouterr().out
    assert "16, of which 0 are there and 16 would run" in text
    assert "override 1 neurons by 0.6 at all; 2 draws in turn" in text
    assert 'told "{instruction}, quickly"' in text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("reach")
def test_a_run_ends_in_a_table_and_goes_on(tmp_path: Path, capsys: Capture) -> None:
    assert main(command(tmp_path, "--quiet", "--films", "1")) == 0
    text = capsys.readouterr().out
    assert "16 of 16 episodes in" in text
    assert "random like fast=0.6" in text
    assert "Difference to unsteered, paired" in text
    assert len(list((tmp_path / "films").iterdir())) == 8
    assert main(command(tmp_path, "--dry-run")) == 0
    assert "16, of which 16 are there and 0 would run" in capsys.readouterr().out
    before = (tmp_path / "episodes.jsonl").read_bytes()
    assert main(command(tmp_path, "--seed", "1")) == 2
    assert "of another configuration" in capsys.readouterr().err
    assert (tmp_path / "episodes.jsonl").read_bytes() == before


@pytest.mark.usefixtures("reach")
def test_a_schedule_of_a_plan_can_be_given_for_every_steering(
    tmp_path: Path, capsys: Capture
) -> None:
    ramp = {"kind": "ramp", "points": [[0, 0.3], [3, 0.6]]}
    (tmp_path / "ramp.json").write_text(json.dumps(ramp))
    out = tmp_path / "out"
    arguments = [*command(out, "--quiet"), "--schedule"]
    assert main([*arguments, json.dumps(ramp), "--dry-run"]) == 0
    assert "override 1 neurons by 0.6 at all; with a schedule;" in capsys.readouterr().out
    assert main([*arguments, json.dumps(ramp)]) == 0
    before = (out / "episodes.jsonl").read_bytes()
    assert main([*arguments, str(tmp_path / "ramp.json")]) == 0  # the same
    assert (out / "episodes.jsonl").read_bytes() == before
    rows = {row["key"]: row for row in read_rows(out / "episodes.jsonl")}
    schedules = {row["condition"]: row["config"].get("schedule") for row in rows.values()}
    assert schedules == {
        "unsteered": None, "fast=0.6 ramp": ramp, "random like fast=0.6 ramp": ramp,
        "told quickly": None,
    }  # fmt: skip
    ramped = next(row for row in rows.values() if row["condition"] == "fast=0.6 ramp")
    steps = read_steps(out, ramped["key"])
    looks = [step.alpha for step in steps if step.tokens]
    assert looks[:5] == pytest.approx([0.3, 0.4, 0.5, 0.6, 0.6])
    plan = Benchmark(
        name="same",
        policies=(PolicyChoice(name="reach"),),
        suites=(Suite(env=ENV, tasks=(0,), init_states=(0,)),),
        conditions=(
            Treatment(kind="baseline", name="unsteered"),
            Treatment(concept="fast", alpha=0.6, schedule=ramp),
        ),
    )
    run_benchmark(plan, tmp_path / "bench", Manner(quiet=True, films=0))
    (row,) = Results.read(tmp_path / "bench").rows[1:]
    assert [row[name] for name in ("speed_m_s", "config", "task", "init_state")] == [
        ramped[name] for name in ("speed_m_s", "config", "task", "init_state")
    ]


@pytest.mark.usefixtures("reach")
def test_a_schedule_needs_something_to_steer(tmp_path: Path, capsys: Capture) -> None:
    arguments = ["eval", "--policy", "reach", "--env", ENV, "--out", str(tmp_path)]
    assert main([*arguments, "--schedule", '{"kind": "ramp", "points": [[0, 1]]}']) == 2
    assert "--schedule changes what a --steer does; give one" in capsys.readouterr().err


@pytest.mark.usefixtures("reach")
def test_the_baseline_can_be_left_out(tmp_path: Path, capsys: Capture) -> None:
    arguments = ["eval", "--policy", "reach", "--env", ENV, "--out", str(tmp_path), "--no-baseline"]
    assert main(arguments) == 2
    assert "--no-baseline needs a --steer or a --prompt" in capsys.readouterr().err
    assert main([*arguments, "--steer", "fast=1", "--quiet"]) == 0
    rows = read_rows(tmp_path / "episodes.jsonl")
    assert {row["condition"] for row in rows} == {"fast=1"}
    assert [row["init_state"] for row in rows] == list(range(10))


@pytest.mark.usefixtures("reach")
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--policy", "reahc"], "Unknown policy 'reahc'"),
        (["--checkpoint", "x"], "Unknown option of policy 'reach' 'checkpoint'"),
        (["--policy-option", "x"], "'x' is not KEY=VALUE"),
        (["--env", "toy/Reach-v9"], "Cannot make toy/Reach-v9|Unknown environment"),
        (["--tasks", "0,7"], "no task 7"),
        (["--tasks", "2-1"], "'2-1' is no list of numbers such as 0,3 or 0-9"),
        (["--init-states", "3,10"], "has 10 initial states, numbered from 0; 10 is none of them"),
        (["--init-states", "1,1"], "initial state 1 is given twice"),
        (["--steer", "fats=1"], "Unknown concept of reach 'fats'. Did you mean 'fast'"),
        (["--steer", "fast=lots"], "--steer takes CONCEPT"),
        (["--steer", "nowhere.json"], "Cannot read the steering nowhere.json"),
        (["--schedule", "ramp"], "--schedule takes JSON data with a kind, one of pid, ramp"),
        (["--schedule", "no.json"], "--schedule takes JSON data .*or a file of it, not 'no.json'"),
        (["--schedule", '{"kind": "rmap"}'], "Unknown schedule 'rmap'. Did you mean 'ramp'"),
        (["--schedule", '{"kind": "ramp"}'], "Not a schedule of kind 'ramp'"),
        (["--schedule", "[1]"], r"Not a schedule: \[1\]"),
        (["--prompt", "quickly"], "A prompt must hold {instruction}"),
        (["--envs", "two"], "'two' is no whole number"),
        (["--minutes", "0"], "'0' is no number above 0"),
        (["--out", "/proc/nowhere"], "Cannot create /proc/nowhere.*Choose another --out"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, capsys: Capture, change: list[str], message: str
) -> None:
    assert main([*command(tmp_path / "out"), *change]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1, said
    assert re.search(message, said), said
    assert not (tmp_path / "out" / "steps").exists()


def test_ctrl_c_loses_nothing(tmp_path: Path) -> None:
    """The whole process group is interrupted, as a terminal does it, workers included."""
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        "from steer_gym import register_policy\n"
        "from steer_gym.cli import main\n"
        "register_policy('reach', 'toy_world:ReachPolicy')\n"
        "if __name__ == '__main__':\n"
        "    sys.exit(main(sys.argv[1:]))\n"
    )
    arguments = [
        "eval", "--policy", "reach", "--env", ENV, "--init-states", "0-4", "--envs", "2",
        "--tasks", "0,1", "--steer", "fast=0.02", "--quiet", "--out", str(tmp_path / "out"),
    ]  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    path = tmp_path / "out" / "episodes.jsonl"
    while running.poll() is None and not (path.exists() and path.stat().st_size):
        time.sleep(0.01)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    kept = read_rows(path)
    assert f"{len(kept)} of 20 episodes are kept in {path}; the same command goes on" in said
    assert 0 < len(kept) < 20
    again = subprocess.run(
        [sys.executable, str(script), *arguments], capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    )  # fmt: skip
    assert again.returncode == 0, again.stderr
    rows = read_rows(path)
    assert rows[: len(kept)] == kept
    assert len({row["key"] for row in rows}) == len(rows) == 20
