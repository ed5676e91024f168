"""Policies of ours inside LeRobot's evaluation: an object with ``select_action``."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig
from steer_gym.policy import Policy
from steer_gym.rollout import executed_actions
from steer_gym.scheduled import Scheduled

from .installed import lerobot
from .layout import STATE, TASK, layout_named


class ActionSelector:
    """Answers LeRobot's batches action by action, a plan at a time."""

    def __init__(
        self, policy: Policy, config: ActConfig | None = None, *, layout: str = "libero"
    ) -> None:
        """Act by ``policy`` under ``config``, whose schedule is followed; see ``LAYOUTS``."""
        self._policy, self._config = Scheduled(policy), config or ActConfig()
        self._execute = executed_actions(policy.spec, self._config)
        self._layout = layout_named(layout)
        self._queue: deque[NDArray[np.float32]] = deque()

    def reset(self) -> None:
        """Begin an episode in every row."""
        self._policy.reset()
        self._queue.clear()

    def select(self, batch: Mapping[str, Any]) -> NDArray[np.float32]:
        """Return the next action of each row, (rows, action size).

        Args:
            batch: Tensors as LeRobot's processors leave them: pictures (rows, 3, height, width) in
                [0, 1], the state (rows, 8), and the tasks.
        """
        if not self._queue:
            actions = self._policy.plan(self._observation(batch), self._config).actions
            self._queue.extend(actions[:, index] for index in range(self._execute))
        return self._queue.popleft()

    def _observation(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        keys = self._layout.cameras.values()
        pictures = {key: _picture(batch[key]) for key in keys if key in batch}
        return self._layout.observation(pictures, _numbers(batch[STATE]), tuple(batch[TASK]))


def lerobot_policy(
    policy: Policy, config: ActConfig | None = None, *, layout: str = "libero"
) -> Any:
    """Return ``policy`` as a ``PreTrainedPolicy``, as LeRobot's ``eval_policy`` wants it.

    Give ``eval_policy`` processors that change nothing (``lambda batch: batch``) but LeRobot's own
    for the environment; each policy here prepares its inputs by itself.

    Raises:
        MissingPackageError: LeRobot is not installed.
    """
    policy_class, config_class = _classes()
    return policy_class(config_class(device="cpu"), ActionSelector(policy, config, layout=layout))


@cache
def _classes() -> tuple[Any, Any]:
    """Return the policy's class and its config's, which derive from LeRobot's."""
    import torch

    base: Any = lerobot("policies.pretrained").PreTrainedPolicy
    config_base: Any = lerobot("configs.policies").PreTrainedConfig

    @config_base.register_subclass("steer_gym")
    @dataclass
    class SteerGymConfig(config_base):  # type: ignore[misc]
        """Nothing to choose: the policy is made already."""

        observation_delta_indices = action_delta_indices = reward_delta_indices = None

        def get_optimizer_preset(self) -> None:
            """Return nothing, as nothing is trained."""

        def get_scheduler_preset(self) -> None:
            """Return nothing, as nothing is trained."""

        def validate_features(self) -> None:
            """Take what comes."""

    class SteerGymPolicy(base):  # type: ignore[misc]
        """Hands everything on to the selector."""

        config_class, name = SteerGymConfig, "steer_gym"

        def __init__(self, config: Any, selector: ActionSelector) -> None:
            super().__init__(config)
            self.selector = selector

        def reset(self) -> None:
            """Begin an episode in every row."""
            self.selector.reset()

        def select_action(self, batch: dict[str, Any], **_: Any) -> Any:
            """Return the next action of each row."""
            return torch.from_numpy(self.selector.select(batch))

        def predict_action_chunk(self, batch: dict[str, Any], **_: Any) -> Any:
            """Return the next action of each row as a chunk of one."""
            return self.select_action(batch)[:, None]

        def forward(self, batch: dict[str, Any]) -> Any:
            """Refuse to train."""
            raise TypeError("A policy of steer_gym is evaluated by LeRobot, not trained by it.")

        def get_optim_params(self) -> dict[str, Any]:
            """Return nothing, as nothing is trained."""
            return {}

    return SteerGymPolicy, SteerGymConfig


def _picture(tensor: Any) -> NDArray[np.uint8]:
    """Return pictures as (rows, height, width, 3), uint8; LeRobot divided them by 255."""
    array = np.asarray(tensor.cpu()).transpose(0, 2, 3, 1)
    return np.round(array * 255).astype(np.uint8)


def _numbers(tensor: Any) -> NDArray[np.float32]:
    numbers: NDArray[np.float32] = np.asarray(tensor.cpu(), np.float32)
    return numbers
