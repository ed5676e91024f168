"""The same function as upstream's code, steered and not: tokens, logits, actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from steer_gym import make_policy
from steer_gym.policies.openvla.policy import OpenVlaPolicy

from .conftest import COLUMNS, Cases

LOGITS, ACTIONS = 1e-4, 1e-6
SINGLE = [(k,) for k in range(12)]
BATCHES = [(k, k + 4, k + 8) for k in range(4)]  # other prompts, other images, one steering
MIXED = [(0, 5, 10), (11, 4, 1), (2, 3, 7)]  # each row steered differently


@pytest.mark.parametrize("rows", [*SINGLE, *BATCHES, *MIXED], ids=str)
def test_tokens_and_actions_are_upstreams(
    policy: OpenVlaPolicy, cases: Cases, rows: tuple[int, ...]
) -> None:
    plan = policy.predict(*cases.inputs(policy.model.patches, *rows))
    assert plan.tokens is not None
    assert plan.valid is not None
    assert np.array_equal(plan.tokens, cases.tokens[list(rows)])
    np.testing.assert_allclose(plan.extra["predicted"], cases.actions[list(rows)], atol=ACTIONS)
    np.testing.assert_allclose(
        plan.actions[:, 0, :6], cases.actions[list(rows)][:, :6], atol=ACTIONS
    )
    assert plan.valid.all()


@pytest.mark.parametrize("rows", [*SINGLE, *MIXED], ids=str)
def test_logits_are_upstreams(policy: OpenVlaPolicy, cases: Cases, rows: tuple[int, ...]) -> None:
    pixels, prompts, configs = cases.inputs(policy.model.patches, *rows)
    seen: list[torch.Tensor] = []

    def choose(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits[:, COLUMNS])
        return logits.argmax(-1)

    steerings = [config.steering for config in configs]
    with torch.inference_mode(), policy._engine.steered(steerings, prompts.kinds):
        policy.model.generate(pixels, prompts, choose, tokens=7, competing=slice(0, None))
    scores = torch.stack(seen, dim=1).numpy()
    np.testing.assert_allclose(scores, cases.scores[list(rows)], atol=LOGITS, rtol=0)


def test_shards_are_the_same_as_one_file(
    folder: Path, cases: Cases, shard: Callable[[Path, int], None]
) -> None:
    shard(folder, 3)
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    plan = policy.predict(*cases.inputs(policy.model.patches, 1))
    assert plan.tokens is not None
    assert np.array_equal(plan.tokens[0], cases.tokens[1])


def test_steering_counts_every_position_and_step(policy: OpenVlaPolicy, cases: Cases) -> None:
    pixels, prompts, configs = cases.inputs(policy.model.patches, 0, 1, 6)
    none, four, seven = policy.predict(pixels, prompts, configs).steering
    assert none is None
    assert four is not None
    assert seven is not None
    # begin and 256 patches, the rest of the prompt, and six decode steps
    assert (four.neurons, four.positions) == (4, 256 + len(cases.prompts[0]) + 6)
    assert (seven.neurons, seven.positions) == (7, 256 + len(cases.prompts[1]) + 6)
