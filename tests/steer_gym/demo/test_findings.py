"""The sentences say what the numbers say, and what speaks against them."""

from __future__ import annotations

from typing import Any

from steer_gym import NeuronSet, Steering
from steer_gym.demo.design import CONCEPTS, Contrast, Design
from steer_gym.demo.findings import findings
from steer_gym.evaluation import Grid
from steer_gym.evaluation.conditions import UNSTEERED, steered, told
from steer_gym.evaluation.summary import MEASURES

FAST = steered("fast", Steering(NeuronSet.from_flat([1]), 1.0))
DESIGN = Design(
    grid=Grid(env="x", conditions=(UNSTEERED, FAST, told("{instruction}!", "told fast"))),
    contrasts=(Contrast(steered="fast", concept=CONCEPTS["fast"], random=None, told="told fast"),),
)


def rows(speeds: list[float], **changed: Any) -> list[dict[str, Any]]:
    """Return unsteered episodes at 0.1 m/s, and as many steered at ``speeds``."""

    def row(condition: str, place: int, speed: float, **further: Any) -> dict[str, Any]:
        measures = dict.fromkeys(MEASURES, 0.0) | {"speed_m_s": speed}
        fixed = {"condition": condition, "task": 0, "init_state": place, "error": None}
        return {**fixed, "success": True, **measures, **further}

    plain = [row("unsteered", i, 0.1) for i in range(len(speeds))]
    return plain + [row("fast", i, speed, **changed) for i, speed in enumerate(speeds)]


def said(given: list[dict[str, Any]]) -> str:
    """Return what is said of the steered condition."""
    return " ".join(findings(given, DESIGN)[-1])


def test_a_clear_effect_is_said_with_its_interval() -> None:
    text = said(rows([0.2, 0.22] * 6))
    assert "fast: the arm moved faster (+0.110 [+0.103, +0.117] m/s against unsteered" in text
    assert "over 12 pairs" in text
    assert "Told fast: no pair has ended." in text
    assert not any(word in text for word in ("saturation", "tokens", "failure", "only", "left out"))


def test_the_opposite_of_the_name_is_said() -> None:
    assert "the arm moved more slowly" in said(rows([0.02] * 12))
    assert "the opposite of its name" in said(rows([0.02] * 12))


def test_what_is_not_clear_is_not_claimed() -> None:
    assert "fast: no clear change of speed" in said(rows([0.0, 0.2] * 6))
    assert "fast: no clear change of speed" in said(rows([5.0]))
    assert "1 pair only: intervals" in said(rows([5.0]))
    assert "nothing can be said" in said([])


def test_what_may_explain_it_away_is_said() -> None:
    broken = said(rows([0.9] * 12, invalid_token_rate=0.4, saturated_rate=0.8, success=False))
    assert "40% of its tokens are no actions (0% unsteered)" in broken
    assert "80% of its steps are at full deflection (0% unsteered)" in broken
    assert "It solved 0% of its episodes, unsteered 100%: the change comes with failure." in broken


def test_crashes_are_said() -> None:
    given = rows([0.2] * 12)
    given[-1] |= {"success": None, "error": "it broke"}
    assert "1 crash left out" in said(given)


def test_a_policy_without_tokens_has_no_invalid_ones() -> None:
    given = [row | {"invalid_token_rate": None} for row in rows([0.2] * 12)]
    assert "tokens" not in said(given)


def test_a_baseline_that_fails_by_itself_is_said() -> None:
    healthy, _ = findings(rows([0.2] * 4), DESIGN)
    assert healthy == ["unsteered: solved 100 [51, 100] % of 4 episodes."]
    failing = [row | {"success": False, "invalid_token_rate": 0.2} for row in rows([0.2] * 4)]
    baseline = " ".join(findings(failing, DESIGN)[0])
    assert "It solves little by itself" in baseline
    assert "20% of its tokens are no actions, before any steering" in baseline
