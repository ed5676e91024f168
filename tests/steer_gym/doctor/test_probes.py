"""Probes try things in processes of their own, and survive what those do."""

from __future__ import annotations

import pytest

from steer_gym.doctor import Level
from steer_gym.doctor.probes import PROBES, Probe, machine


def probe(script: str) -> Probe:
    return Probe(subject="thing", script=script, needs="numpy", mend="mend it")


@pytest.mark.parametrize(
    ("script", "level", "found"),
    [
        ("print('noise'); print('fine')", Level.GOOD, "fine"),
        ("raise ValueError('no such thing')", Level.GAP, "ValueError: no such thing"),
        ("import os; os._exit(7)", Level.GAP, "it ended with code 7"),
        ("import os; os.kill(os.getpid(), 11)", Level.GAP, "it ended with code -11"),
    ],
)
def test_a_probe_tells_what_it_found(script: str, level: Level, found: str) -> None:
    (finding,) = machine((probe(script),))
    assert (finding.level, finding.found) == (level, found)
    assert finding.mend == ("" if level is Level.GOOD else "mend it")


def test_a_probe_that_does_not_answer_is_given_up() -> None:
    (finding,) = machine((probe("import time; time.sleep(60)"),), timeout_s=0.2)
    assert (finding.level, finding.found) == (Level.GAP, "no answer for 0.2 s")


def test_what_is_not_installed_is_not_tried() -> None:
    assert list(machine(PROBES, {"numpy": "2"})) == []


def test_films_can_be_made_here() -> None:
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")
    (finding,) = machine(tuple(each for each in PROBES if each.subject == "ffmpeg"))
    assert finding.level is Level.GOOD, finding.found
    assert "libx264" in finding.found


def test_a_picture_is_drawn_here() -> None:
    pytest.importorskip("mujoco", reason="needs the extra 'libero'")
    (finding,) = machine(tuple(each for each in PROBES if each.subject == "OpenGL"))
    assert finding.level is Level.GOOD, finding.found
    assert finding.found.split()[0] in ("EGL", "OSMESA", "GLFW", "CGL", "WGL")
