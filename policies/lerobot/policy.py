"""Anything with ``select_action`` as a policy of ours."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.convention import LIBERO_DELTA, ActionConvention
from steer_gym.errors import ActConfigError, ObservationError
from steer_gym.lerobot.layout import STATE, TASK, Layout, layout_named
from steer_gym.observation import INSTRUCTION, Observation, images, observation_row
from steer_gym.policy import Plan, Policy, PolicySpec

from .loading import load

Step = Callable[[Any], Any]


class LeRobotPolicy(Policy):
    """Runs a policy of LeRobot: ACT, diffusion, SmolVLA, or whatever has ``select_action``.

    Such a policy keeps its queue of actions inside and resets as a whole, whereas rows here end
    when they end. So each row has a copy of its own that shares the weights, and rows are computed
    one after the other. What the policy draws at random follows from ``ActConfig.seed`` and the
    number of the look. It cannot be steered: its neurons are LeRobot's affair.
    """

    def __init__(
        self,
        checkpoint: Any,
        *,
        preprocessor: Step | None = None,
        postprocessor: Step | None = None,
        layout: str = "libero",
        convention: ActionConvention = LIBERO_DELTA,
        device: str = "cpu",
    ) -> None:
        """Load a policy, or take a ready one.

        Args:
            checkpoint: Folder or id that LeRobot's ``from_pretrained`` reads, with its processors;
                or a ready object with ``select_action``, ``reset`` and ``config.input_features``.
            preprocessor: From a batch to what a ready policy takes; ``None``: as it is.
            postprocessor: From its action to the environment's; ``None``: as it is.
            layout: How the pictures are named and turned, one of ``LAYOUTS``.
            convention: Of its actions.
            device: A torch device, for a checkpoint.

        Raises:
            MissingPackageError: LeRobot is needed for a checkpoint and cannot be used.
            ObservationError: The policy looks at a camera that the layout does not know.
        """
        policy = checkpoint
        if isinstance(checkpoint, str | Path):
            policy, preprocessor, postprocessor = load(checkpoint, device)
        self._policy: Any = policy
        self._before, self._after = preprocessor or _same, postprocessor or _same
        self._layout: Layout = layout_named(layout)
        self.spec = PolicySpec(
            name="lerobot",
            action=convention,
            cameras=_cameras(policy.config.input_features, self._layout),
        )
        self._rows: dict[int, Any] = {}
        self._looks: dict[int, int] = {}

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return one action a row: (rows, 1, size). See ``Policy.plan``.

        Raises:
            ActConfigError: A temperature is asked for, which is the policy's own affair.
        """
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        for camera in self.spec.cameras:
            images(batch, camera)
        warm = [row.temperature for row in configs if row.temperature]
        if warm:
            raise ActConfigError(
                "A policy of LeRobot samples as it was made to: temperature must be 0, not "
                f"{warm[0]:g}."
            )
        actions = [
            self._action(row, observation_row(batch, row), each) for row, each in enumerate(configs)
        ]
        return Plan(
            actions=np.stack(actions)[:, None],
            latency_s=time.perf_counter() - started,
            steering=(None,) * len(actions),
        )

    def _action(self, row: int, observation: Observation, config: ActConfig) -> NDArray[np.float32]:
        own = self._rows.get(row)
        if own is None:
            own = self._rows[row] = _own_copy(self._policy)
        look = self._looks[row] = self._looks.get(row, -1) + 1
        entropy = (config.seed or 0, look)
        with torch.inference_mode(), torch.random.fork_rng():
            torch.manual_seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
            action = self._after(own.select_action(self._before(self._inputs(observation))))
        numbers: NDArray[np.float32] = np.asarray(action.cpu(), np.float32)[0]
        if numbers.shape != (self.spec.action.size,):
            raise ActConfigError(
                f"The policy's action has shape {numbers.shape}, but its convention has "
                f"{self.spec.action.size} numbers; give another convention=."
            )
        return numbers

    def _inputs(self, observation: Observation) -> dict[str, Any]:
        """Return LeRobot's batch of one row."""
        pictures = {
            key: torch.from_numpy(array).permute(2, 0, 1)[None].float() / 255
            for key, array in self._layout.pictures(observation).items()
        }
        state = torch.from_numpy(self._layout.state(observation))[None]
        return {**pictures, STATE: state, TASK: [observation[INSTRUCTION]]}

    def reset(self, rows: Iterable[int] | None = None) -> None:
        """Begin an episode in these rows, or in all."""
        for row in list(self._rows) if rows is None else map(int, rows):
            self._rows.pop(row, None)
            self._looks.pop(row, None)


def _same(given: Any) -> Any:
    return given


def _own_copy(policy: Any) -> Any:
    """Return a policy that shares the weights with ``policy`` and nothing else, reset."""
    shared = chain(policy.parameters(), policy.buffers()) if hasattr(policy, "parameters") else ()
    own = copy.deepcopy(policy, {id(tensor): tensor for tensor in shared})
    own.reset()
    return own


def _cameras(features: Any, layout: Layout) -> dict[str, tuple[int, int]]:
    ours = {theirs: ours for ours, theirs in layout.cameras.items()}
    shapes = {key: tuple(each.shape) for key, each in features.items() if "image" in key}
    unknown = [key for key in shapes if key not in ours]
    if unknown:
        raise ObservationError(
            f"The policy looks at {unknown[0]!r}, but the layout knows {sorted(ours)}; "
            "give another layout=."
        )
    return {ours[key]: (shape[-2], shape[-1]) for key, shape in shapes.items()}
