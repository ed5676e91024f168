"""A small real world for rollouts: a tool in the air, a target, and a policy that goes there.

It is a module of its own because worker processes import it by name.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from steer_gym import NeuronSet, NeuronSpace, Plan, Policy, PolicySpec
from steer_gym.acting import ActConfigs
from steer_gym.affine import KIND, affine_rows, row_report
from steer_gym.convention import LIBERO_DELTA, ActionConvention
from steer_gym.observation import (
    GRIPPER,
    IMAGE_BASE,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    Observation,
    images,
    observation_space,
)
from steer_gym.policy import SteeringSize

SPACE = NeuronSpace(layers=2, width=6, fingerprint="reach")
START = np.array([0.0, 0.0, 0.3])


class ReachEnv(gym.Env[dict[str, Any], NDArray[np.float32]]):
    """The tool must come within 3 cm of a target; the picture says where the target is."""

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["rgb_array"], "render_fps": 20}
    action_convention: ActionConvention = LIBERO_DELTA
    drawings: ClassVar[int] = 0
    """Of all environments of this process."""

    def __init__(
        self,
        *,
        task: int = 0,
        crash_at: int | None = None,
        die_at: int | None = None,
        lost_at: int | None = None,
        crash_once: str | None = None,
        pause_s: float = 0.0,
        max_steps: int = 60,
        render_mode: str | None = None,
        **shown: Any,
    ) -> None:
        if task not in (0, 1):
            raise ValueError(f"no task {task}")
        self.task, self.crash_at, self.die_at = task, crash_at, die_at
        self.crash_once, self.pause_s, self.lost_at = crash_once, pause_s, lost_at
        self.rendering_paused = False
        self.max_steps, self.render_mode, self.shown = max_steps, render_mode, shown
        self.init_states = np.zeros((10, 3))
        self.observation_space = observation_space(
            cameras={IMAGE_BASE: (8, 8)}, joints=1, gripper=spaces.Box(0, 1, (1,), np.float64)
        )
        self.action_space = spaces.Box(-1, 1, (7,), np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        init = (options or {}).get("init_state", 0)
        self.target = np.random.default_rng((seed or 0, self.task, init)).uniform(0.2, 0.5, 3)
        self.tool, self.steps = START.copy(), 0
        return self.observe(), {"provenance": {"toy": "1.0"}}

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.steps += 1
        time.sleep(self.pause_s)
        if self.crash_once and self.steps == 2 and not Path(self.crash_once).exists():
            Path(self.crash_once).touch()
            raise RuntimeError("the toy world fell apart for once")
        if self.steps == self.crash_at:
            raise RuntimeError("the toy world fell apart")
        if self.steps == self.die_at:
            os._exit(9)
        self.tool += 0.05 * np.clip(action[:3], -1, 1)
        near = bool(np.linalg.norm(self.tool - self.target) < 0.03)
        return self.observe(), float(near), near, self.steps >= self.max_steps, {"success": near}

    def observe(self) -> dict[str, Any]:
        if not self.rendering_paused:
            ReachEnv.drawings += 1
        picture = np.zeros((8, 8, 3), np.uint8)
        picture[0, 0] = np.round(self.target * 255)
        return {
            IMAGE_BASE: picture,
            TCP_POSE: np.concatenate([self.tool, np.zeros(3)])
            * (np.nan if self.steps == self.lost_at else 1),
            JOINTS: np.zeros(1),
            GRIPPER: np.zeros(1),
            INSTRUCTION: "reach the target",
        }

    def render(self) -> NDArray[np.uint8]:  # type: ignore[override]
        frame = np.full((64, 64, 3), 230, np.uint8)
        x, z = (int(np.clip(v * 100, 2, 61)) for v in self.tool[[0, 2]])
        frame[61 - z : 64 - z, x - 1 : x + 2] = (180, 30, 30)
        return frame


class LateEnv(ReachEnv):
    """As when the policy thinks ever longer: of its plans 0, 1, 2, ... actions come too late."""

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        self.plans = 0
        return super().reset(seed=seed, options=options)

    def fresh(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        self.plans += 1
        return chunk[min(self.plans, len(chunk)) - 1 :]


class ClockedEnv(ReachEnv):
    """Tells its time, of which ``think_s`` passes before the first step after every look."""

    def __init__(self, *, think_s: float = 0.0, **further: Any) -> None:
        super().__init__(**further)
        self.think_s = think_s

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        self.time_s = 0.0
        observation, info = super().reset(seed=seed, options=options)
        return observation, info | {"time_s": self.time_s}

    def fresh(self, chunk: NDArray[np.float32]) -> NDArray[np.float32]:
        self.time_s += self.think_s
        return chunk

    def step(
        self, action: NDArray[np.float32]
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        self.time_s += 1 / LIBERO_DELTA.rate_hz
        *moved, info = super().step(action)
        return *moved, info | {"time_s": self.time_s}  # type: ignore[return-value]


class ReachPolicy(Policy):
    """Goes to the target with a gain that is the activation of neuron (0, 0), by nature 0.3.

    The other neurons do nothing; with the word "quickly" the gain is 0.6. The gain is its whole
    residual stream, so the size of a steering is the gain's change relative to it.
    """

    spec = PolicySpec(
        name="reach",
        action=LIBERO_DELTA,
        cameras={IMAGE_BASE: (8, 8)},
        horizon=3,
        tokens=7,
        neurons=SPACE,
        joints=1,
        gripper=1,
        invalid_tokens=("clip",),
    )

    def __init__(self, crash_near: float | None = None) -> None:
        self.crash_near = crash_near

    @property
    def concepts(self) -> dict[str, NeuronSet]:
        return {"fast": NeuronSet.from_pairs([(0, 0)], name="fast", fingerprint="reach")}

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        batch, configs = self.prepare(observation, config)
        groups = affine_rows([row.steering for row in configs], SPACE)
        targets = images(batch, IMAGE_BASE)[:, 0, 0] / 255.0
        tools = np.asarray(batch[TCP_POSE])[:, :3]
        if self.crash_near is not None and (np.abs(targets[:, 0] - self.crash_near) < 2e-3).any():
            raise RuntimeError("the toy policy fell apart")
        actions = np.zeros((len(targets), 3, 7), np.float32)
        sizes: list[SteeringSize | None] = []
        for row, words in enumerate(batch[INSTRUCTION]):
            natural = gain = 0.6 if "quickly" in words else 0.3
            for group in groups[row]:
                own = (group.pairs == 0).all(axis=1)
                gain = float(group.shift[own][0]) if own.any() else gain
            size = abs(gain - natural) / natural
            measured = SteeringSize(mean=size, greatest=2 * size)  # as if it had two positions
            sizes.append(measured if configs[row].measure_steering else None)
            actions[row, :, :3] = np.clip(gain * (targets[row] - tools[row]) / 0.05, -1, 1)
        saturated = np.abs(actions[:, 0]) >= 1
        return Plan(
            actions=actions,
            tokens=np.zeros((len(targets), 7), np.int64),
            valid=~saturated,
            latency_s=0.001,
            steering=tuple(
                row_report(g, np.array([KIND["text"]] * 2), 0, size) if c.steering else None
                for g, c, size in zip(groups, configs, sizes, strict=True)
            ),
        )


gym.register(id="toy/Reach-v0", entry_point="toy_world:ReachEnv")
gym.register(id="toy/Late-v0", entry_point="toy_world:LateEnv", kwargs={"max_steps": 11})
gym.register("toy/Clocked-v0", entry_point="toy_world:ClockedEnv")
