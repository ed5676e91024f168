"""Plots are SVG that needs nothing else, and say nothing where nothing was run."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

pytest.importorskip("matplotlib", reason="needs the extra 'bench'")

from steer_gym.demo.plots import colour, differences, traces
from steer_gym.episode import Step
from steer_gym.evaluation.summary import MEASURES


def row(condition: str, place: int, speed: float | None) -> dict[str, object]:
    fixed = {"condition": condition, "task": 0, "init_state": place, "error": None, "success": True}
    return {**fixed, **dict.fromkeys(MEASURES, 1.0), "speed_m_s": speed}


@pytest.mark.parametrize("pairs", [1, 5])
def test_differences_are_drawn(pairs: int) -> None:
    rows = [row(name, i, 0.1 * i) for name in ("plain", "fast") for i in range(pairs)]
    svg = differences(rows, "plain", ("speed_m_s", "carried_height_m"))
    assert svg is not None
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert svg == differences(rows, "plain", ("speed_m_s", "carried_height_m"))


def test_a_measure_that_nobody_has_leaves_its_panel_empty() -> None:
    rows = [row("plain", 0, None), row("fast", 0, 0.1)]
    assert differences(rows, "plain", ("speed_m_s",)) is not None


def test_a_baseline_alone_has_no_differences() -> None:
    assert differences([row("plain", 0, 1.0)], "plain", ("speed_m_s",)) is None
    assert differences([], "plain", ("speed_m_s",)) is None


@pytest.mark.parametrize("length", [1, 3, 40])
def test_traces_are_drawn_of_any_length(length: int) -> None:
    step = Step(
        command=(0.0,) * 7, tcp_pose=(0.0, 0.0, 0.3, 0.0, 0.0, 0.0), moved_m=0.01, speed_m_s=0.2,
        reward=0.0, steering="", neurons=0, tokens=7, invalid_tokens=0, latency_s=0.1,
    )  # fmt: skip
    svg = traces({"plain": [step] * length, "fast": [step]}, rate_hz=20)
    assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_words_have_the_colour_of_their_concept() -> None:
    assert colour("told fast") == colour("fast") != colour("random like fast")
