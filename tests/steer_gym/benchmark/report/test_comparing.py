"""A comparison says what changed between two runs, and what did not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("matplotlib", reason="needs the extra 'bench'")

from steer_gym.benchmark.report.comparing import write_comparison
from steer_gym.cli.dispatch import main
from steer_gym.errors import ResultsError

MakeFolder = Callable[..., Path]


def fast(speed: float, **further: Any) -> list[dict[str, Any]]:
    known = {"condition": "fast", "kind": "steered", "concept": "fast"}
    return [known | {"effects": {"speed_m_s": speed}} | further]


def test_a_run_repeated_is_the_same(make_folder: MakeFolder, tmp_path: Path) -> None:
    one, other = make_folder(fast(0.05)), make_folder(fast(0.05))
    words = write_comparison(one, other, tmp_path).words
    assert "The verdict stays the same.\nNo effect changed clearly." in words
    assert "24 episodes are of the same configuration in both; 24 of them have equal" in words


def test_a_change_is_said_with_its_size(make_folder: MakeFolder, tmp_path: Path) -> None:
    one, other = make_folder(fast(0.05)), make_folder(fast(-0.05), seed=1)
    report = write_comparison(one, other, tmp_path)
    assert "Of 1 verdict 1 changed." in report.words
    assert "fast does what its name says before, and now does the opposite" in report.words
    assert "fast: its effect on speed changed by -0." in report.words
    assert "24 episodes are of the same configuration in both; 0 of them" in report.words
    content = report.page.read_text()
    assert "Of 1 verdict 1 changed." in content
    assert (tmp_path / "figures" / "changes.svg").exists()
    assert (tmp_path / "tables" / "changes.csv").read_text().startswith("condition,measure,")


def test_runs_of_other_places_are_not_paired(make_folder: MakeFolder, tmp_path: Path) -> None:
    one, other = make_folder(fast(0.05)), make_folder(fast(0.05), tasks=2)
    text = (other / "episodes.jsonl").read_text().replace('"task": ', '"task": 9')
    (other / "episodes.jsonl").write_text(text)
    words = write_comparison(one, other, tmp_path).words
    assert "They share no task and initial state" in words


def test_the_same_task_number_in_another_environment_is_no_pair(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    one, other = make_folder(fast(0.05)), make_folder(fast(-0.05), seed=1)
    file = other / "episodes.jsonl"
    file.write_text(file.read_text().replace("toy/Reach-v0", "toy/Other-v0"))
    words = write_comparison(one, other, tmp_path).words
    assert "They share no task and initial state of the same environment" in words
    assert "different environments: toy/Reach-v0 before, toy/Other-v0 now." in words
    assert "its effect on speed changed" not in words


def test_another_policy_in_the_same_places_is_paired_and_said(
    make_folder: MakeFolder, tmp_path: Path
) -> None:
    one, other = make_folder(fast(0.05)), make_folder(fast(-0.05), seed=1)
    file = other / "episodes.jsonl"
    file.write_text(file.read_text().replace('"made-up"', '"another"'))
    words = write_comparison(one, other, tmp_path).words
    assert "fast: its effect on speed changed by -0." in words
    assert "They are of different policies: made-up before, another now." in words


def test_runs_of_nothing_in_common_are_refused(make_folder: MakeFolder, tmp_path: Path) -> None:
    one, other = make_folder(fast(0.1), tasks=1), make_folder(fast(0.1), tasks=1)
    more = make_folder(fast(0.1), tasks=1)
    file = other / "episodes.jsonl"
    file.write_text(file.read_text().replace('"made-up"', '"b"'))
    (other / "c").mkdir()
    (other / "c" / "episodes.jsonl").write_text(file.read_text().replace('"b"', '"c"'))
    with pytest.raises(
        ResultsError,
        match=r"\(made-up in nowhere\) and .* \(. in nowhere, . in nowhere\) share no policy",
    ):
        write_comparison(one, other, tmp_path)
    assert write_comparison(one, more, tmp_path).page.exists()


def test_the_command_reports_and_compares(
    make_folder: MakeFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = make_folder(fast(0.05), tasks=1), make_folder(fast(0.05), tasks=1)
    assert main(["report", str(one)]) == 0
    assert f"Open {one / 'report' / 'index.html'}." in capsys.readouterr().out
    assert main(["report", "compare", str(one), str(other)]) == 0
    assert (other / "report" / f"against-{one.name}" / "index.html").exists()
    assert main(["report", str(one), str(other)]) == 2
    assert "report takes one folder, or `compare` and two." in capsys.readouterr().err
