"""Questions are answered from pairs, with corrections over what was asked and no more."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.benchmark.report.controls import draw_means
from steer_gym.benchmark.report.differences import difference
from steer_gym.benchmark.report.questions import questions
from steer_gym.benchmark.report.study import Study, read_studies
from steer_gym.errors import ResultsError
from steer_gym.evaluation.rows import write_parquet
from steer_gym.statistics import holm

MakeStudy = Callable[..., Study]


def steered(name: str, speed: float = 0.0, **further: Any) -> dict[str, Any]:
    effects = {"speed_m_s": speed, **further.pop("effects", {})}
    concept = name.removeprefix("random like ").split()[0]
    known = {"condition": name, "kind": "steered", "concept": concept, "effects": effects}
    return {**known, **further}


RANDOM = {"kind": "random", "control_of": "fast a4"}


def test_a_known_effect_is_found_and_none_elsewhere(make_study: MakeStudy) -> None:
    study = make_study([steered("fast a4", 0.05), steered("slow a4", 0.0)])
    fast, slow = questions(study)
    assert (fast.full.measure, fast.expected.sign, slow.expected.sign) == ("speed_m_s", 1, -1)
    assert fast.full.estimate.value == pytest.approx(0.05, abs=0.01)
    assert fast.moved
    assert not slow.moved
    assert fast.size.greater == 1
    assert fast.bootstrap.value == fast.full.estimate.value
    assert fast.full.relative == pytest.approx(0.05 / 0.12, abs=0.1)


def test_all_that_was_asked_is_corrected_together_and_controls_are_not(
    make_study: MakeStudy,
) -> None:
    doses = [steered(f"fast a{a}", 0.02, alpha=a) for a in range(1, 6)]
    asked = questions(make_study([*doses, steered("random like fast a4", **RANDOM)]))
    own, control = asked[:5], asked[5]
    assert [q.p_holm for q in own] == pytest.approx(holm([q.p for q in own]))
    assert all(q.p <= q.p_max_t <= 1 for q in own)
    assert np.isnan([control.p_holm, control.p_max_t]).all()
    assert control.corrected == control.p
    assert control.expected.sign == 0


def test_a_zero_dose_and_a_sham_answer_for_every_measure(make_study: MakeStudy) -> None:
    study = make_study([steered("fast"), steered("high"), {"condition": "again", "kind": "sham"}])
    asked = [q for q in questions(study) if q.role.kind == "sham"]
    assert {q.full.measure for q in asked} == {"speed_m_s", "carried_height_m"}


def test_equal_length_takes_the_first_steps_of_both(make_study: MakeStudy) -> None:
    """Both slow down after step 20; the one that stops there looks faster only by its length."""
    study = make_study([steered("fast", 0.0, effects={"steps": -20})])
    full = difference(study, "fast", "unsteered", "speed_m_s")
    equal = difference(study, "fast", "unsteered", "speed_m_s", "equal")
    assert full.estimate.value > 0.01
    assert full.estimate.value > 3 * abs(equal.estimate.value)
    assert equal.estimate.count == full.estimate.count
    assert difference(study, "fast", "fast", "speed_m_s", "equal").pairs == ()


def test_pairs_that_a_benchmark_has_kept_are_taken(make_folder: Callable[..., Path]) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra 'bench'")
    folder = make_folder([steered("fast", 0.05)], tasks=1, states=1)
    names = {"policy_label": "made-up", "suite": "nowhere", "env": "toy/Reach-v0"}
    kept = {"key": "fast-task-0-init-0", "speed_m_s": 3.0, "baseline_speed_m_s": 1.0}
    write_parquet(folder / "pairs.parquet", [{**names, **kept}])
    (study,) = read_studies(folder)
    equal = difference(study, "fast", "unsteered", "speed_m_s", "equal")
    assert (equal.estimate.value, equal.before, equal.after) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [("seed", 1), ("policy", {"name": "made-up", "options": 2}), ("env_options", {"max_steps": 9})],
)
def test_episodes_of_other_settings_are_not_paired(
    make_folder: Callable[..., Path], name: str, value: Any
) -> None:
    """As when two evaluations lie below the folder that is given."""
    folder = make_folder([steered("fast", 0.05)], tasks=1, states=1)
    file = folder / "episodes.jsonl"
    common = {"seed": 0, "env_options": {}}
    plain, fast = (json.loads(line) | common for line in file.read_text().splitlines())
    file.write_text(json.dumps(plain) + "\n")
    (folder / "other").mkdir()
    (folder / "other" / "episodes.jsonl").write_text(json.dumps(fast | {name: value}) + "\n")
    with pytest.raises(ResultsError, match=f"made-up in nowhere differ in {name}: .*other"):
        read_studies(folder)
    (folder / "other" / "episodes.jsonl").write_text(json.dumps(fast) + "\n")
    assert len(read_studies(folder)) == 1


def test_a_pair_without_its_other_half_is_left_out(make_study: MakeStudy) -> None:
    study = make_study([steered("fast", 0.05, crashes=(0,))])
    found = difference(study, "fast", "unsteered", "speed_m_s")
    assert found.estimate.count == 9
    assert study.crashed("fast") == 3
    assert all(pair.place[1] != 0 for pair in found.pairs)
    assert found.pairs[0].keys == ("fast-task-0-init-1", "unsteered-task-0-init-1")


def test_differences_of_success_stay_possible(make_study: MakeStudy) -> None:
    study = make_study([steered("fast", solved=0.4)], tasks=2, states=3)
    estimate = difference(study, "fast", "unsteered", "success").estimate
    assert -1 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_steering_is_tested_against_its_random_neurons_too(make_study: MakeStudy) -> None:
    fast = steered("fast a4", 0.05, size=10)
    like = steered("random like fast a4", 0.0, kind="random", control_of="fast a4")
    other = steered("random like fast a2", 0.05, kind="random", control_of="fast a2", size=20)
    first, stronger, *_ = questions(
        make_study([fast, steered("fast a8", 0.1, size=20), like, other])
    )
    assert first.beyond is not None
    assert first.beyond.reference == "random like fast a4"
    assert first.p_beyond <= 0.01
    assert first.beyond.estimate.value == pytest.approx(0.05, abs=0.01)
    assert stronger.beyond is not None
    assert stronger.beyond.reference == "random like fast a2", "the same size, where it has no own"


def test_draws_are_told_apart_by_what_steered(make_study: MakeStudy) -> None:
    study = make_study([steered("fast"), steered("random like fast", 0.0, kind="random")])
    for place, row in study.ended["random like fast"].items():
        row["config"] = {"steering": {"edits": [place[1] % 2]}}
        row["speed_m_s"] = study.ended["unsteered"][place]["speed_m_s"] + place[1] % 2
    found = difference(study, "random like fast", "unsteered", "speed_m_s")
    assert draw_means(study, found) == pytest.approx([0.0, 1.0])


def test_without_a_baseline_the_first_condition_is_compared_with(make_study: MakeStudy) -> None:
    study = make_study([steered("fast"), steered("slow", -0.05)], tasks=1)
    rows = tuple(row for row in study.rows if row["condition"] != "unsteered")
    alone = Study(policy="p", suite="s", rows=rows, folders=study.folders, kept_pairs={})
    assert alone.baseline == "fast"
    assert [question.full.reference for question in questions(alone)] == ["fast"]
