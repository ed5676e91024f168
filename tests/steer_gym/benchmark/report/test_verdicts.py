"""Verdicts say what the numbers say, and what speaks against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steer_gym.benchmark.report.questions import questions
from steer_gym.benchmark.report.sentences import baseline_said
from steer_gym.benchmark.report.study import Study
from steer_gym.benchmark.report.verdicts import Verdict, headings, summary, verdicts

MakeStudy = Callable[..., Study]


def steered(name: str, speed: float = 0.0, **further: Any) -> dict[str, Any]:
    effects = {"speed_m_s": speed, **further.pop("effects", {})}
    known = {"condition": name, "kind": "steered", "concept": name.split()[0], "effects": effects}
    return {**known, **further}


def control(kind: str, speed: float, of: str = "fast") -> dict[str, Any]:
    known = {"condition": f"{kind} like {of}", "kind": kind, "control_of": of, "concept": of}
    return known | {"effects": {"speed_m_s": speed}}


def judged(study: Study) -> Verdict:
    (found,) = verdicts(study, questions(study))
    return found


def test_a_concept_that_works_is_said_with_its_numbers(make_study: MakeStudy) -> None:
    told = control("prompt", 0.08) | {"condition": "told fast"}
    found = judged(make_study([steered("fast", 0.05), control("random", 0.0), told]))
    assert found.outcome == "works"
    assert found.said.startswith("The arm moved faster (+0.0")
    assert "over 12 pairs, p < 0.001); it solved 100% (unsteered 100%)." in found.said
    beside = " ".join(found.beside)
    assert "Random like fast: " in beside
    assert "m/s, no clear change; against them +0.0" in beside
    assert "Told fast: +0.08" in beside
    assert found.cautions == ()
    assert summary([found]) == "Of 1 concept 1 does what its name says."


@pytest.mark.parametrize(
    ("conditions", "outcome", "caution"),
    [
        ([steered("fast", -0.05)], "opposite", ""),
        ([steered("fast", 0.0)], "unclear", ""),
        (
            [steered("fast", 0.05), control("random", 0.045)],
            "unspecific",
            "Random like fast moves it as well",
        ),
        (
            [steered("fast", 0.05), control("zero", 0.045)],
            "unspecific",
            "Zero like fast, which changes nothing, moves it as well",
        ),
        (
            [steered("fast", 0.05), {**control("sham", 0.045), "condition": "once more"}],
            "unspecific",
            "Once more, which changes nothing, moves it as well",
        ),
        ([steered("fast", 0.05, solved=0.1)], "costly", "the change comes with failure"),
        ([steered("fast", 0.0, solved=0.1)], "broken", ""),
        (
            [steered("fast", 0.05, effects={"saturated_rate": 0.4})],
            "works",
            "40% of its steps are at full deflection (0% unsteered): the effect coincides",
        ),
        (
            [steered("fast", 0.05, effects={"invalid": 2})],
            "works",
            "29% of its tokens are no actions (0% unsteered)",
        ),
        (
            [steered("fast", 0.0, effects={"steps": -20})],
            "works",
            "Its episodes are 50% shorter, and cut to equal length little of the change is left",
        ),
        ([steered("fast", 0.05, crashes=(3,))], "works", "3 crashes left out."),
        ([steered("mine", 0.05)], "moves", ""),
    ],
)
def test_what_speaks_against_an_effect_is_said(
    make_study: MakeStudy, conditions: list[dict[str, Any]], outcome: str, caution: str
) -> None:
    study = make_study(conditions)
    found = verdicts(study, questions(study))[0]
    assert found.outcome == outcome
    assert caution in " ".join(found.cautions)


def test_a_concept_without_random_neurons_for_its_measure_is_said(make_study: MakeStudy) -> None:
    high = {"condition": "high", "kind": "steered", "concept": "high"}
    high["effects"] = {"carried_height_m": 0.05}
    study = make_study([steered("fast", 0.05), high, control("random", 0.0)])
    found = {each.label: " ".join(each.cautions) for each in verdicts(study, questions(study))}
    assert "No random neurons were run for this measure" in found["high"]
    assert "No random neurons" not in found["fast"]


@pytest.mark.parametrize(
    ("mean", "most", "said"),
    [
        (0.2, 0.9, ""),
        (0.6, 1.9, ""),
        (1.2, 3.0, "What it adds to the residual stream is 1.20 times as large as the stream, 3.0"),
    ],
)
def test_a_steering_as_large_as_the_stream_is_said(
    make_study: MakeStudy, mean: float, most: float, said: str
) -> None:
    sizes = {"steering_size": mean, "greatest_steering_size": most}
    study = make_study([steered("low", solved=0.1, sizes=sizes), control("random", 0.0, "low")])
    found = verdicts(study, questions(study))[0]
    told = " ".join(found.cautions)
    assert found.outcome == "broken"
    assert said in told
    assert ("whatever its neurons mean" in told) == bool(said)


def test_too_few_pairs_are_no_evidence(make_study: MakeStudy) -> None:
    found = judged(make_study([steered("fast", 0.5)], tasks=1))
    assert found.outcome == "few"
    assert found.said.startswith("Too few pairs to tell of speed (+0.4")
    assert "4 pairs only." in found.cautions
    assert "One task only: it says nothing of others." in found.cautions
    nothing = judged(make_study([steered("fast", crashes=range(4))]))
    assert nothing.outcome == "few"
    assert "nothing can be said" in nothing.said


def test_the_best_dose_speaks_for_a_concept(make_study: MakeStudy) -> None:
    doses = [steered("fast a1", 0.001), steered("fast a4", 0.05), steered("fast a9", 0.2)]
    doses[2]["solved"] = 0.0
    found = judged(make_study(doses))
    assert (found.outcome, found.question.role.name) == ("works", "fast a4")
    assert found.said.startswith("fast a4: the arm moved faster")
    assert "1 of its 3 settings comes to that; 1 does what its name says, but" in found.beside[0]


def test_a_summary_counts(make_study: MakeStudy) -> None:
    study = make_study([steered("fast", 0.05), steered("slow", -0.05), steered("careful", 0.05)])
    assert summary(verdicts(study, questions(study))) == (
        "Of 3 concepts 2 do what their names say, 1 does the opposite of its name."
    )
    assert summary([]) == "Nothing was steered."


def test_a_concept_of_two_measures_counts_once_by_its_best(make_study: MakeStudy) -> None:
    study = make_study([steered("mine", 0.05), steered("fast", 0.05)])
    found = verdicts(study, questions(study))
    assert [each.outcome for each in found] == ["works", "moves", "unclear"]
    assert headings(found) == ["fast", "mine, speed:", "mine, carried height:"]
    assert summary(found) == "Of 2 concepts 1 does what its name says, 1 moves the arm."


def test_a_baseline_that_fails_by_itself_is_said(make_study: MakeStudy) -> None:
    study = make_study([])
    assert baseline_said(study) == "unsteered: solved 12 of 12 episodes."
    for row in study.ended["unsteered"].values():
        row |= {"success": False, "invalid_token_rate": 0.2}
    assert "It solves little by itself" in baseline_said(study)
    assert "20% of its tokens are no actions, before any steering" in baseline_said(study)
