from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from steer_gym import ActConfig
from steer_gym.policies.action_bins import ActionBins
from steer_gym.policies.beliefs import BelievingChoice

BINS = ActionBins(end=8, count=4)  # of ten tokens, 4 to 7 are actions
LOGITS = torch.log(torch.tensor([[0.05] * 4 + [0.4, 0.2, 0.1, 0.1] + [0.0, 0.0]] * 2))


def test_the_expectation_is_over_action_tokens_alone() -> None:
    choose = BelievingChoice([ActConfig(), ActConfig(invalid_tokens="mask")], BINS)
    assert choose(LOGITS).tolist() == [4, 4]
    choose(LOGITS)
    values = BINS.decode(np.array(BINS.ids))[0]
    expected = values @ np.array([0.5, 0.25, 0.125, 0.125])
    assert choose.expected.shape == (2, 2)
    assert np.allclose(choose.expected, expected, atol=1e-6)
    assert choose.action_probability is not None
    assert np.allclose(choose.action_probability, 0.8, atol=1e-6)
    assert set(choose.told(choose.expected)) == {"expected_actions", "action_probability"}


def test_where_actions_alone_compete_nobody_knows_how_likely_they_are() -> None:
    config = ActConfig(invalid_tokens="mask")
    whole, actions = (BelievingChoice([config] * 2, BINS) for _ in range(2))
    whole(LOGITS)
    actions(LOGITS[:, actions.competing])
    assert np.allclose(whole.expected, actions.expected, atol=1e-6)
    assert actions.action_probability is None
    assert set(actions.told(actions.expected)) == {"expected_actions"}


class Copies(TorchDispatchMode):
    """Counts what is copied, such as to another device."""

    count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.count += func is torch.ops.aten._to_copy.default
        return func(*args, **(kwargs or {}))


def test_what_stays_the_same_goes_to_the_device_once() -> None:
    choose = BelievingChoice([ActConfig(), ActConfig(invalid_tokens="mask")], BINS)
    elsewhere = LOGITS.to("meta")
    with Copies() as first:
        choose(elsewhere)
    with Copies() as second:
        choose(elsewhere)
    assert (first.count, second.count) == (2, 0)
