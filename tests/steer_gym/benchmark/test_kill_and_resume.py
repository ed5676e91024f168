"""The script that kills and resumes a benchmark passes only where all went well."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from steer_gym.benchmark import Benchmark
from steer_gym.benchmark.results import Results
from steer_gym.benchmark.run import Manner, run_benchmark

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "kill_and_resume.py"
Run = Callable[..., Results]


@pytest.fixture(scope="module")
def script() -> Any:
    """Return the script as a module."""
    spec = spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(benchmark: Benchmark, tmp_path: Path) -> Run:
    """Return what runs the toy benchmark under a name and options of its environment."""

    def run(name: str, **env_options: Any) -> Results:
        (suite,) = benchmark.suites
        suite = replace(suite, tasks=(0,), init_states=(0,), env_options=env_options)
        plan = replace(benchmark, suites=(suite,))
        run_benchmark(plan, tmp_path / name, Manner(workers=1, quiet=True, films=0, retries=0))
        return Results.read(tmp_path / name)

    return run


def test_equal_runs_have_no_faults(script: Any, run: Run) -> None:
    assert script.faults(run("calm"), run("cut")) == []


def test_runs_that_crash_alike_are_faults(script: Any, run: Run) -> None:
    calm, cut = run("calm", crash_at=2), run("cut", crash_at=2)
    found = script.faults(calm, cut)
    assert len(found) == 2
    assert all("not every episode ended without a crash" in each for each in found)


def test_a_row_that_differs_or_was_run_twice_is_a_fault(script: Any, run: Run) -> None:
    calm, cut = run("calm"), run("cut")
    file = cut.folder_of(cut.rows[0]) / "episodes.jsonl"
    first, *others = file.read_text().splitlines()
    changed = json.dumps(json.loads(first) | {"speed_m_s": 9.0})
    file.write_text("\n".join([changed, *others]) + "\n")
    (found,) = script.faults(calm, Results.read(cut.folder))
    assert "speed_m_s is " in found
    file.write_text("\n".join([first, *others, others[-1]]) + "\n")
    assert script.faults(calm, Results.read(cut.folder)) == ["+1 rows on disk against the calm run"]


def test_a_run_that_ends_with_an_error_is_no_success(script: Any) -> None:
    script.require_success(subprocess.Popen([sys.executable, "-c", ""]))
    with pytest.raises(SystemExit, match="ended with 3, not 0"):
        script.require_success(subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]))


@pytest.mark.parametrize(("code", "kills", "passes"), [(0, 0, True), (0, 1, False), (3, 0, False)])
def test_it_passes_only_if_it_was_killed_as_often_as_asked_and_ended_well(
    script: Any, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    code: int, kills: int, passes: bool,
) -> None:  # fmt: skip
    """In place of Pocket's runs of minutes those of the toy world, which are there already."""
    run("calm")
    run("killed")
    process = [sys.executable, "-c", f"raise SystemExit({code})"]
    monkeypatch.setattr(script, "started", lambda *_: subprocess.Popen(process))
    monkeypatch.setattr(script, "LONGEST", 1e9)  # so that it ends before it is killed
    arguments = [SCRIPT.name, "--kills", f"{kills}", "--out", f"{tmp_path}"]
    monkeypatch.setattr(sys, "argv", arguments)
    try:
        found = script.main()
    except SystemExit as stopped:
        found = stopped.code
    assert (found == 0) == passes
