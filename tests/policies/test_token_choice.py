from __future__ import annotations

import pytest
import torch

from steer_gym import ActConfig
from steer_gym.policies.token_choice import TokenChoice

ACTIONS = range(3, 6)
LOGITS = torch.tensor([[0.0, 9.0, 1.0, 2.0, 4.0, 3.0, 8.0]]).repeat(2, 1)
MASK = ActConfig(invalid_tokens="mask")


def test_the_largest_logit_wins_and_of_actions_alone_where_masked() -> None:
    before = LOGITS.clone()
    assert TokenChoice([ActConfig(), MASK], ACTIONS)(LOGITS).tolist() == [1, 4]
    assert torch.equal(LOGITS, before)


@pytest.mark.parametrize("given", [slice(0, None), slice(3, 6)], ids=["all", "competing"])
def test_masked_rows_need_the_logits_of_actions_only(given: slice) -> None:
    choose = TokenChoice([MASK, MASK], ACTIONS)
    assert choose.competing == slice(3, 6)
    assert (choose(LOGITS[:, given]) + given.start).tolist() == [4, 4]


def test_one_row_that_is_not_masked_needs_all_logits() -> None:
    assert TokenChoice([MASK, ActConfig()], ACTIONS).competing == slice(0, None)


def test_a_rows_samples_depend_on_its_own_seed_only() -> None:
    seeded = ActConfig(temperature=2.0, seed=5)
    one = TokenChoice([seeded, ActConfig(temperature=1.0)], ACTIONS)
    other = TokenChoice([seeded, ActConfig()], ACTIONS)
    assert [int(one(LOGITS)[0]) for _ in range(20)] == [int(other(LOGITS)[0]) for _ in range(20)]
