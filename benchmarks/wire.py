"""What the wire adds to a call, and whether many clients get their own answers.

    python benchmarks/wire.py [--calls 300] [--clients 8] [--seconds 60]

A policy that costs nothing is asked locally and over the loopback address, in turn, with two
256 x 256 pictures. Then several clients ask at once, each with a steering of its own, and compare
every answer with what the policy gives locally.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from steer_gym import ActConfig, NeuronSet, NeuronSpace, Plan, Policy, PolicySpec, Steering
from steer_gym.acting import ActConfigs
from steer_gym.affine import affine_rows
from steer_gym.convention import LIBERO_DELTA
from steer_gym.observation import IMAGE_BASE, IMAGE_WRIST, TCP_POSE, Observation, images
from steer_gym.policies.remote.policy import RemotePolicy
from steer_gym.policies.remote.server import PolicyServer

SPACE = NeuronSpace(layers=1, width=7)


class Echo(Policy):
    """Tells which picture, which pose and which steering it was given."""

    spec = PolicySpec(
        name="echo",
        action=LIBERO_DELTA,
        cameras={IMAGE_BASE: (256, 256), IMAGE_WRIST: (256, 256)},
        horizon=10,
        neurons=SPACE,
    )

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return actions that hold what was given."""
        batch, configs = self.prepare(observation, config)
        pictures, poses = images(batch, IMAGE_BASE), np.asarray(batch[TCP_POSE])
        actions = np.zeros((len(poses), 10, 7), np.float32)
        for row, groups in enumerate(affine_rows([row.steering for row in configs], SPACE)):
            shifts = sum(float(group.shift.sum()) for group in groups)
            actions[row, :, :3] = (pictures[row, 0, 0, 0], poses[row, 0], shifts)
        return Plan(actions=actions)


def added_latency(server: PolicyServer, policy: Policy, calls: int) -> None:
    """Print what the wire adds."""
    client, observation = RemotePolicy(port=server.port), policy.spec.example_observation()
    there: list[float] = []
    here: list[float] = []
    for _ in range(calls):
        for asked, times in ((policy, here), (client, there)):
            started = time.perf_counter()
            asked.plan(observation)
            times.append(time.perf_counter() - started)
    added = np.array(there) - np.array(here)
    middle, most = np.percentile(added, [50, 95]) * 1000
    print(f"the wire adds {middle:.2f} ms (median), {most:.2f} ms (95 %) over {calls} calls")


def ask(server: PolicyServer, number: int, until: float) -> tuple[int, int]:
    """Return how many questions one client asked, and how many answers were not its own."""
    client, policy = RemotePolicy(port=server.port), Echo()
    rng = np.random.default_rng(number)
    asked = wrong = 0
    observation: dict[str, Any] = policy.spec.example_observation(seed=number)
    while time.monotonic() < until:
        observation[IMAGE_BASE][0, 0, 0] = rng.integers(256)
        observation[TCP_POSE] = rng.normal(size=6)
        config = ActConfig(steering=Steering(NeuronSet.from_flat([number % 7]), rng.normal()))
        answer = client.plan(observation, config).actions
        wrong += not np.array_equal(answer, policy.plan(observation, config).actions)
        asked += 1
    client.close()
    return asked, wrong


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    policy = Echo()
    with PolicyServer(policy, port=0) as server:
        added_latency(server, policy, options.calls)
        until = time.monotonic() + options.seconds
        with ThreadPoolExecutor(options.clients) as pool:
            told = list(pool.map(lambda n: ask(server, n, until), range(options.clients)))
    asked, wrong = (sum(column) for column in zip(*told, strict=True))
    print(
        f"{options.clients} clients asked {asked} questions in {options.seconds:g} s: "
        f"{wrong} answers crossed, 0 lost (a lost one would have ended the run)"
    )


if __name__ == "__main__":
    main()
