"""Where nothing is, verdicts find nothing; where something is, they find it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.benchmark.report.questions import questions
from steer_gym.benchmark.report.study import Study
from steer_gym.benchmark.report.verdicts import verdicts

CONDITIONS = ("unsteered", "fast a2", "fast a4", "slow a2", "slow a4", "careful")
FOUND = {"works", "costly", "unspecific", "untold", "opposite"}
CLAIMED = {"works", "costly"}


def drawn(seed: int, effect: float = 0.0, tasks: int = 4, states: int = 5) -> Study:
    """Return episodes whose tasks and initial states differ; ``fast a4`` is faster by ``effect``.

    An initial state moves all conditions alike, by three times what is left to chance.
    """
    rng, rows = np.random.default_rng(seed), []
    places = [(task, state) for task in range(tasks) for state in range(states)]
    for task, state in places:
        place = 0.15 + 0.03 * rng.normal()
        for name in CONDITIONS:
            speed = place + 0.01 * rng.normal() + (effect if name == "fast a4" else 0.0)
            rows.append(row(name, task, state, speed))
    return Study(policy="p", suite="s", rows=tuple(rows), folders={}, kept_pairs={})


def row(name: str, task: int, state: int, speed: float) -> dict[str, Any]:
    kind = "baseline" if name == "unsteered" else "steered"
    concept = name.split()[0] if kind == "steered" else None
    known = {"condition": name, "kind": kind, "concept": concept, "key": f"{name}/{task}/{state}"}
    place = {"env": "e", "task": task, "init_state": state, "error": None, "success": True}
    return {**known, **place, "steps": 50, "speed_m_s": speed}


def beside_random(seed: int, concept: float, random: float, tasks: int = 4) -> Study:
    """Return episodes of ``fast`` and of its random neurons, each faster by so much."""
    rng, rows = np.random.default_rng(seed), []
    shifts = {"unsteered": 0.0, "fast": concept, "random like fast": random}
    for task, state in [(task, state) for task in range(tasks) for state in range(5)]:
        place = 0.15 + 0.03 * rng.normal()
        for name, shift in shifts.items():
            known = row(name, task, state, place + 0.01 * rng.normal() + shift)
            like = {"kind": "random", "control_of": "fast", "concept": "fast"}
            rows.append(known | (like if name.startswith("random") else {}))
    return Study(policy="p", suite="s", rows=tuple(rows), folders={}, kept_pairs={})


def outcomes(study: Study) -> dict[str, str]:
    return {each.label: each.outcome for each in verdicts(study, questions(study))}


def test_of_studies_without_effect_few_claim_any() -> None:
    """Five doses of three concepts: uncorrected, about one study in four would claim something."""
    claims = [bool(FOUND & set(outcomes(drawn(seed)).values())) for seed in range(60)]
    assert np.mean(claims) <= 0.12
    alone = [any(q.p <= 0.05 for q in questions(drawn(seed))) for seed in range(60)]
    assert np.mean(alone) > np.mean(claims)


def test_an_effect_as_large_as_chance_is_found_and_ascribed_rightly() -> None:
    found = [outcomes(drawn(seed, effect=0.015)) for seed in range(100, 120)]
    assert np.mean([each["fast"] == "works" for each in found]) >= 0.9
    assert np.mean([each["slow"] in FOUND or each["careful"] in FOUND for each in found]) <= 0.15


def test_pairing_is_what_finds_it() -> None:
    """The same episodes, compared without their places, hide it among initial states."""
    study = drawn(0, effect=0.015)
    fast, plain = (
        np.array([r["speed_m_s"] for r in study.ended[name].values()])
        for name in ("fast a4", "unsteered")
    )
    unpaired = (fast.mean() - plain.mean()) / np.sqrt(fast.var() / 20 + plain.var() / 20)
    assert abs(unpaired) < 2.1
    assert outcomes(study)["fast"] == "works"


@pytest.mark.parametrize("effect", [0.005, 0.008, 0.011])
def test_what_random_neurons_do_as_well_is_not_ascribed_to_a_concept(effect: float) -> None:
    """Effects so small that the random neurons' alone is often missed, though it is the same."""
    found = [outcomes(beside_random(seed, effect, effect))["fast"] for seed in range(100)]
    assert np.mean([each in CLAIMED for each in found]) <= 0.05
    assert "untold" in found


def test_what_a_concept_does_beyond_random_neurons_is_found() -> None:
    found = [outcomes(beside_random(seed, 0.015, 0.0))["fast"] for seed in range(40)]
    assert np.mean([each == "works" for each in found]) >= 0.9
    more = [outcomes(beside_random(seed, 0.03, 0.005))["fast"] for seed in range(40)]
    assert np.mean([each == "works" for each in more]) >= 0.9


def test_what_falls_short_of_random_neurons_is_not_ascribed_to_a_concept() -> None:
    """Told from them it is, yet on the wrong side."""
    found = [outcomes(beside_random(seed, 0.01, 0.05))["fast"] for seed in range(20)]
    assert not CLAIMED & set(found)
