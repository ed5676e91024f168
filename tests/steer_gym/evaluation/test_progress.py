"""The line of progress says how far, how fast, how long."""

from __future__ import annotations

import pytest

from steer_gym.evaluation.progress import Progress, duration


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s")]
)
def test_durations_are_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_the_line_tells_what_is_left() -> None:
    progress = Progress(done=2, total=10, quiet=True)
    begun = progress._started
    assert progress.line(begun + 5) == "2 of 10 episodes | 5 s"
    progress.episode({"steps": 50, "success": True, "error": None})
    progress.episode({"steps": 10, "success": None, "error": "it broke"})
    assert progress.line(begun + 10) == (
        "4 of 10 episodes | solved 1 of the last 2 | 6 steps/s | 1 crashed | 10 s, 30 s left"
    )


def test_a_budget_may_end_it_earlier(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(done=3, total=100, left_s=lambda: 7.0)
    assert capsys.readouterr().err == "3 of 100 episodes are there from before.\n"
    progress.episode({"steps": 1, "success": False, "error": None})
    assert progress.line(progress._started + 10).endswith("| 10 s, 7 s left")
    progress.close()
    assert capsys.readouterr().err.startswith("4 of 100 episodes | solved 0 of the last 1")
