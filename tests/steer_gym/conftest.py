"""A small real policy: a picture through two gated feed-forward layers, in numpy."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from steer_gym import ActConfig, NeuronSpace, Plan, Policy, PolicySpec
from steer_gym.acting import ActConfigs
from steer_gym.affine import KIND, AffineGroup, affine_rows, row_report
from steer_gym.convention import LIBERO_DELTA
from steer_gym.observation import IMAGE_BASE, Observation, images
from steer_gym.registry import POLICIES, make_policy

sys.path.append(str(Path(__file__).parent))  # so that worker processes find toy_world

SPACE = NeuronSpace(layers=2, width=6, fingerprint="toy")
KINDS = np.array([KIND["start"], KIND["image"], KIND["text"]])


class ToyPolicy(Policy):
    spec = PolicySpec(
        name="toy",
        action=LIBERO_DELTA,
        cameras={IMAGE_BASE: (8, 8)},
        horizon=2,
        neurons=SPACE,
        invalid_tokens=("hold",),
    )

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.keys = rng.normal(size=(2, 6, 12)) / 2
        self.values = rng.normal(size=(2, 12, 6)) / 2
        self.head = rng.normal(size=(2, 7, 12)) / 2

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        batch, configs = self.prepare(observation, config)
        groups = affine_rows([row.steering for row in configs], SPACE)
        states = images(batch, IMAGE_BASE)[:, ::4, ::4].reshape(-1, 12) / 127.5 - 1
        rows = zip(states, configs, groups, strict=True)
        return Plan(
            actions=np.stack([self.row(*row) for row in rows]).astype(np.float32),
            steering=tuple(
                row_report(g, KINDS, 0) if c.steering else None
                for g, c in zip(groups, configs, strict=True)
            ),
        )

    def row(
        self, state: NDArray[np.float64], config: ActConfig, groups: tuple[AffineGroup, ...]
    ) -> NDArray[np.float64]:
        for layer in range(2):
            f = np.maximum(self.keys[layer] @ state, 0)
            for group in groups:
                here = group.pairs[:, 0] == layer
                neurons = group.pairs[here, 1]
                f[neurons] = f[neurons] * group.scale[here] + group.shift[here]
            state = state + self.values[layer] @ f
        noise = np.random.default_rng(config.seed).normal(size=(2, 7)) * config.temperature
        return np.tanh(self.head @ state + noise)


@pytest.fixture
def toy_class() -> type[ToyPolicy]:
    return ToyPolicy


@pytest.fixture
def toy() -> ToyPolicy:
    return ToyPolicy()


@pytest.fixture
def reach(monkeypatch: pytest.MonkeyPatch) -> Policy:
    """Return the toy world's policy, which the registry knows as ``reach`` meanwhile."""
    monkeypatch.setitem(POLICIES, "reach", "toy_world:ReachPolicy")
    return make_policy("reach")
