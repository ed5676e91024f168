"""A small real policy in numpy, and a server of it on a free port of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

pytest.importorskip("websockets")
pytest.importorskip("msgpack")

from steer_gym import NeuronSet, NeuronSpace, Plan, Policy, PolicySpec
from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.affine import KIND, AffineGroup, affine_rows, row_report
from steer_gym.convention import LIBERO_DELTA
from steer_gym.observation import IMAGE_BASE, IMAGE_WRIST, TCP_POSE, Observation, images
from steer_gym.policies.remote.server import PolicyServer
from steer_gym.policy import SteeringSize

SPACE = NeuronSpace(layers=1, width=7, fingerprint="scales")
KINDS = np.array([KIND["image"], KIND["text"]])


def size_of(groups: tuple[AffineGroup, ...], config: ActConfig) -> SteeringSize | None:
    """Return the greatest alpha, and half of it for the mean, where a size is asked for."""
    if not config.measure_steering:
        return None
    most = max((float(np.abs(group.shift).max()) for group in groups), default=0.0)
    layers = ((0, most / 2, most),) if groups else ()
    return SteeringSize(mean=most / 2, greatest=most, layers=layers)


class ScalesPolicy(Policy):
    """Action i of step s: the brightness of column i of the picture, times neuron i's activation.

    By nature an activation is the length of the instruction; row by row, exactly.
    """

    spec = PolicySpec(
        name="scales",
        action=LIBERO_DELTA,
        cameras={IMAGE_BASE: (8, 8), IMAGE_WRIST: (8, 8)},
        horizon=3,
        tokens=2,
        neurons=SPACE,
    )

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s, self.batches = delay_s, []

    @property
    def concepts(self) -> dict[str, NeuronSet]:
        return {"first": NeuronSet.from_flat([0], name="first", fingerprint="scales")}

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        batch, configs = self.prepare(observation, config)
        base, wrist = images(batch, IMAGE_BASE), images(batch, IMAGE_WRIST)
        if (wrist[:, 0, 0, 0] == 255).any():
            raise ZeroDivisionError("the scales broke")
        time.sleep(self.delay_s)
        self.batches.append(len(base))
        groups = affine_rows([row.steering for row in configs], SPACE)
        actions = np.zeros((len(base), 3, 7), np.float32)
        for row, words in enumerate(batch["instruction"]):
            activation = np.full(7, float(len(words)))
            for group in groups[row]:
                at = group.pairs[:, 1]
                activation[at] = group.scale * activation[at] + group.shift
            bright = base[row].mean(axis=(0, 2))[:7] / 255 + np.asarray(batch[TCP_POSE])[row, 0]
            noise = np.random.default_rng(configs[row].seed).normal(size=7)
            activation += noise * configs[row].temperature
            actions[row] = bright * activation * np.arange(1, 4)[:, None]
        return Plan(
            actions=actions,
            tokens=np.tile([4, 2], (len(base), 1)),
            valid=np.tile([True, False], (len(base), 1)),
            steering=tuple(
                row_report(g, KINDS, 0, size_of(g, c)) if c.steering else None
                for g, c in zip(groups, configs, strict=True)
            ),
            extra={"reasons": (None,) * len(base)},
        )


class CountingPolicy(ScalesPolicy):
    """Remembers how often it was asked since its last reset."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        self.asked += 1
        plan = super().plan(observation, config)
        plan.actions[:] = self.asked
        return plan

    def reset(self, rows: Iterable[int] | None = None) -> None:
        self.asked = 0


@pytest.fixture
def policy() -> ScalesPolicy:
    return ScalesPolicy()


@pytest.fixture
def server(policy: ScalesPolicy) -> Iterator[PolicyServer]:
    before = threading.active_count()
    with PolicyServer(policy, port=0) as listening:
        yield listening
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before, "the server left threads behind"


@pytest.fixture
def observation(policy: ScalesPolicy) -> dict[str, Any]:
    return policy.spec.example_observation(seed=2)
