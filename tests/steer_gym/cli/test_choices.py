"""Steerings on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym import Policy, Steering
from steer_gym.cli.choices import check_steer, steer_condition
from steer_gym.cli.parser import UsageError
from steer_gym.errors import UnknownNameError


def test_a_concept_is_steered_as_recommended_or_by_a_given_alpha(reach: Policy) -> None:
    own = steer_condition("fast", reach)
    assert own.configs[0].steering == reach.recommended("fast")
    given = steer_condition("fast=-2.5", reach)
    assert given.name == "fast=-2.5"
    assert given.configs[0].steering == Steering(reach.concept("fast"), alpha=-2.5)
    both = steer_condition("fast=1+fast=2", reach).configs[0].steering
    assert [edit.alpha for edit in both.edits] == [1.0, 2.0]


def test_a_file_is_steered_as_it_is(reach: Policy, tmp_path: Path) -> None:
    steering = Steering(reach.concept("fast"), alpha=3.0, positions=("text",))
    steering.save(tmp_path / "mine.json")
    condition = steer_condition(str(tmp_path / "mine.json"), reach)
    assert (condition.name, condition.configs[0].steering) == ("mine", steering)


def test_an_unknown_concept_lists_the_known_ones(reach: Policy) -> None:
    with pytest.raises(UnknownNameError, match=r"concept of reach 'fats'. Did you mean 'fast'"):
        steer_condition("fats=1", reach)


@pytest.mark.parametrize("text", ["", "=1", "fast=", "fast=x", "fast=nan", "fast=inf", "fast+"])
def test_nonsense_is_refused_without_a_policy(text: str) -> None:
    with pytest.raises(UsageError, match="--steer takes CONCEPT, CONCEPT=ALPHA"):
        check_steer([text])


@pytest.mark.parametrize("content", [None, "{", "[]", '{"edits": 3}', '{"edits": [{}]}', "\udcff"])
def test_a_file_that_is_no_steering_is_named(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    with pytest.raises(UsageError, match=r"bad\.json"):
        check_steer([str(path)])
