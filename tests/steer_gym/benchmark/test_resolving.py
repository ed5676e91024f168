"""A treatment becomes neurons and numbers of one policy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from steer_gym import NeuronSet, Policy, Steering
from steer_gym.benchmark import PolicyChoice, Treatment
from steer_gym.benchmark.resolving import resolved
from steer_gym.errors import ActConfigError, SteeringError, UnknownNameError
from steer_gym.neurons.source import SourceError
from steer_gym.schedules import Ramp

REACH = PolicyChoice(name="reach")


def steering(treatment: Treatment, policy: Policy, choice: PolicyChoice = REACH) -> Steering:
    found = resolved(treatment, policy, choice).configs[0].steering
    assert found is not None
    return found


def test_what_is_not_said_is_as_the_policy_recommends(reach: Policy) -> None:
    assert steering(Treatment(concept="fast"), reach) == reach.recommended("fast")


def test_what_is_said_takes_its_place(reach: Policy) -> None:
    said = Treatment(
        concept="fast", alpha=2.0, operation="add", unit="spread", positions=("text", (0, 3))
    )
    wanted = reach.recommended("fast").replace(
        alpha=2.0, operation="add", unit="spread", positions=("text", (0, 3))
    )
    assert steering(said, reach) == wanted
    facts = resolved(said, reach, REACH).facts
    assert (facts["kind"], facts["concept"], facts["alpha"]) == ("steered", "fast", 2.0)


def test_a_zero_dose_goes_through_the_same_neurons(reach: Policy) -> None:
    dose = Treatment(concept="fast", alpha=9.0, positions=("text",))
    (edit,) = steering(dose.control("zero"), reach).edits
    (steered,) = steering(dose, reach).edits
    assert (edit.operation, edit.alpha, edit.unit) == ("add", 0.0, "raw")
    assert (edit.neurons, edit.positions) == (steered.neurons, steered.positions)


def test_what_steers_is_measured_where_it_is_asked_for(reach: Policy) -> None:
    dose = Treatment(concept="fast", alpha=9.0)
    told = Treatment(kind="prompt", prompt="{instruction} quickly")
    for treatment, steers in (
        (dose, True),
        (dose.control("random", draws=2), True),
        (dose.control("zero"), True),
        (told, False),
    ):
        for measured in (False, True):
            configs = resolved(treatment, reach, REACH, measured=measured).configs
            assert {config.measure_steering for config in configs} == {measured and steers}


def test_random_draws_match_and_differ(reach: Policy) -> None:
    control = Treatment(concept="fast", alpha=9.0).control("random", draws=3)
    condition = resolved(control, reach, REACH)
    assert condition.name == "random like fast a9"
    assert condition.facts["control_of"] == "fast a9"
    drawn = [config.steering.edits[0] for config in condition.configs if config.steering]
    assert {edit.alpha for edit in drawn} == {9.0}
    assert all(edit.neurons.pairs[0][0] == 0 for edit in drawn)
    assert len({edit.neurons.pairs for edit in drawn}) > 1


def test_a_dictionary_knows_clusters_that_the_policy_does_not(
    reach: Policy, tmp_path: Path
) -> None:
    pytest.importorskip("yaml", reason="needs the extra 'bench'")
    path = tmp_path / "clusters.yaml"
    path.write_text(
        "up_2: [1, 2]\nup_2_late: {7: [word], 8: [word]}\nup: [3]\nup_early: [4]\nup_full: [5]\n"
    )
    choice = replace(REACH, dictionary=str(path))
    found = {
        said: steering(Treatment(concept="up", size=said[0], depth=said[1]), reach, choice)
        for said in [
            (2, "late"), (2, "full"), (2, None), (None, None), (None, "early"), (None, "full")
        ]
    }  # fmt: skip
    assert [s.edits[0].neurons.flat_ids for s in found.values()] == [
        (7, 8), (1, 2), (1, 2), (3,), (4,), (5,)
    ]  # fmt: skip
    assert {s.edits[0].alpha for s in found.values()} == {10.0}
    with pytest.raises(SourceError, match="There is no 'reach' on this machine"):
        steering(Treatment(concept="up", size=3, depth="early"), reach, choice)


def test_a_dictionary_is_read_once(reach: Policy, tmp_path: Path) -> None:
    pytest.importorskip("yaml", reason="needs the extra 'bench'")
    path = tmp_path / "clusters.yaml"
    path.write_text("up: [3]\n")
    choice, up = replace(REACH, dictionary=str(path)), Treatment(concept="up")
    first = steering(up, reach, choice)
    path.unlink()
    assert steering(up, reach, choice) == first


def test_a_schedule_is_kept_but_for_a_zero_dose(reach: Policy) -> None:
    ramp = Ramp(((0, 0.0), (40, 4.0)))
    said = Treatment(concept="fast", alpha=2.0, schedule=ramp)
    assert Treatment.from_json(json.loads(json.dumps(said.to_json()))) == said
    schedules = {
        kind: resolved(each, reach, REACH).configs[0].schedule
        for kind, each in [
            ("steered", said), ("random", said.control("random")), ("zero", said.control("zero"))
        ]
    }  # fmt: skip
    assert schedules == {"steered": ramp, "random": ramp, "zero": None}


def test_what_the_policy_does_not_know_is_refused(reach: Policy) -> None:
    with pytest.raises(UnknownNameError, match="fast"):
        resolved(Treatment(concept="fats"), reach, REACH)
    with pytest.raises(ActConfigError, match="Condition 'odd': Not a schedule"):
        resolved(Treatment(concept="fast", schedule={"nonsense": 1}, name="odd"), reach, REACH)
    with pytest.raises(SteeringError, match=r"Condition 'fast': Cannot read .*none\.yaml"):
        resolved(Treatment(concept="fast"), reach, replace(REACH, dictionary="none.yaml"))


def test_a_ready_steering_is_taken_as_it_is(reach: Policy) -> None:
    ready = Steering(NeuronSet.from_flat([1, 2], name="mine"), alpha=3.0)
    condition = resolved(Treatment(name="mine", steering=ready), reach, REACH)
    assert condition.configs[0].steering == ready
    assert (condition.facts["concept"], condition.facts["alpha"]) == ("mine", 3.0)
