from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.convention import LIBERO_DELTA
from steer_gym.errors import SteerGymError, UnknownNameError
from steer_gym.policies.openvla.conventions import (
    CONVENTIONS,
    SUITE_OF,
    Scaling,
    convention_named,
    prompt_named,
    statistics_key,
)
from steer_gym.policies.openvla.tensors import CheckpointError

SUITES = ("libero_spatial", "libero_object", "libero_goal", "libero_10")


def statistics(*names: str, **action: Any) -> dict[str, Any]:
    return {name: {"action": {"q01": [-1.0, 0.0], "q99": [1.0, 4.0]} | action} for name in names}


@pytest.mark.parametrize(("checkpoint", "suite"), SUITE_OF.items())
def test_liberos_checkpoints_know_their_suite(checkpoint: str, suite: str) -> None:
    several = statistics(*(f"{name}_no_noops" for name in SUITES), "bridge_orig")
    assert statistics_key(several, None, checkpoint) == f"{suite}_no_noops"
    assert statistics_key(several, None, checkpoint.partition("/")[2]) == f"{suite}_no_noops"


def test_the_only_statistics_need_no_name_and_several_do() -> None:
    assert statistics_key(statistics("bridge_orig"), None, "x") == "bridge_orig"
    with pytest.raises(SteerGymError, match=r"trained on 2 data sets.*Known: a, b"):
        statistics_key(statistics("a", "b"), None, "x")
    with pytest.raises(UnknownNameError, match=r"unnorm_key 'libero_gaol'.*'libero_goal'"):
        statistics_key(statistics("libero_goal"), "libero_gaol", "x")


def test_no_noops_may_be_left_out() -> None:
    assert statistics_key(statistics("a_no_noops", "b"), "a", "x") == "a_no_noops"


def test_percentiles_are_the_ends_and_the_mask_leaves_alone() -> None:
    scaling = Scaling.of(statistics("a", mask=[True, False]), "a")
    assert scaling(np.array([[-1.0, -1.0], [1.0, 0.5]])).tolist() == [[-1.0, -1.0], [1.0, 0.5]]
    whole = Scaling.of(statistics("a"), "a")
    assert whole(np.array([[-1.0, -1.0], [1.0, 0.0]])).tolist() == [[-1.0, 0.0], [1.0, 2.0]]


def test_malformed_statistics_are_named() -> None:
    with pytest.raises(CheckpointError, match="statistics of a lack q01 and q99"):
        Scaling.of({"a": {"action": {"q01": [0.0]}}}, "a")
    with pytest.raises(CheckpointError, match="must agree"):
        Scaling.of(statistics("a", mask=[True]), "a")


def test_the_gripper_closes_at_0_and_opens_at_1() -> None:
    actions = np.zeros((2, 7))
    actions[:, 6] = 0.0, 1.0
    turned = CONVENTIONS["libero"].outward(actions)
    assert turned[:, 6].tolist() == [LIBERO_DELTA.gripper_closed, LIBERO_DELTA.gripper_open]
    assert CONVENTIONS["plain"].outward(actions)[:, 6].tolist() == [0.0, 1.0]


def test_conventions_follow_the_statistics_and_unknown_ones_are_named() -> None:
    assert convention_named(None, "libero_10_no_noops") is CONVENTIONS["libero"]
    assert convention_named(None, "bridge_orig") is CONVENTIONS["plain"]
    with pytest.raises(UnknownNameError, match="Known: libero, plain"):
        convention_named("simpler", "bridge_orig")


def test_early_checkpoints_have_vicunas_prompt() -> None:
    now, early = prompt_named(None, "openvla/openvla-7b", {}), prompt_named("v0.1", "x", {})
    assert now.format("go") == "In: What action should the robot take to go?\nOut:"
    assert early.endswith("USER: What action should the robot take to {}? ASSISTANT:")
    assert prompt_named(None, "openvla/openvla-v01-7b", {}) == early
    assert prompt_named(None, "mine", {"llm_backbone_id": "vicuna-v15-7b"}) == early
