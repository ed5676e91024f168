"""From what a robot saw to an observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from steer_gym.observation import GRIPPER, INSTRUCTION, JOINTS, TCP_POSE, observation_space
from steer_gym.robot import Scene, Sight

from .options import UR5Options
from .pictures import Frame, fitted
from .privileged import privileged_keys
from .rotation import Array, continuous
from .tasks import Task

FINGER_M = 0.0425
"""Way of each finger of a Robotiq 2F-85, from the middle to wide open [m]."""


class Observer:
    """Makes the observations of one environment, and remembers what the last was made of."""

    def __init__(self, options: UR5Options, task: Task, instruction: str) -> None:
        """Look for what ``options`` asks for, and say ``instruction``."""
        self.frames: dict[str, Frame] = {}
        """The last picture of each camera that is watched, also those only for rendering."""
        self.boxes: Mapping[str, Array] = {}
        """Where the things of a simulation are; none on a robot."""
        self.ages_s: dict[str, float] = {}
        """How old what the last observation is made of was then: ``arm``, ``gripper``, cameras."""
        self._taken_s: dict[str, float] = {}
        self._options = options
        self._task = task
        self._instruction = instruction

    def space(self) -> spaces.Dict:
        """Return the space of the observations."""
        joints = self._options.actions == "joints"
        fingers = spaces.Box(-0.1, 0.1, (2,), np.float64)
        return observation_space(
            cameras=dict.fromkeys(self._options.cameras, self._options.image_size),
            joints=6,
            gripper=spaces.Box(0.0, 1.0, (1,), np.float64) if joints else fingers,
            privileged=self._options.privileged,
        )

    def observe(self, sight: Sight, scene: Scene | None) -> dict[str, Any]:
        """Return the observation of a moment; a camera that is not in it keeps its last picture."""
        self.look(sight)
        self.boxes = scene.boxes() if scene else {}
        closed = min(1.0, max(0.0, sight.state.gripper))
        finger = (1.0 - closed) * FINGER_M
        joints = self._options.actions == "joints"
        position, turn = sight.state.tcp_pose[:3], sight.state.tcp_pose[3:]
        known = privileged_keys(self._task, self.boxes) if self._options.privileged else {}
        return {
            **{key: self.frames[key] for key in self._options.cameras},
            **known,
            TCP_POSE: np.concatenate([position, continuous(turn)]),
            JOINTS: sight.state.joints.copy(),
            GRIPPER: np.array([closed] if joints else [finger, -finger]),
            INSTRUCTION: self._instruction,
        }

    def look(self, sight: Sight) -> None:
        """Take the pictures that are in ``sight``, and note how old everything is."""
        state = sight.state
        now_s = state.time_s + state.age_s
        for key in self._options.watched:
            name = key.removeprefix("image.")
            if name in sight.images:
                self.frames[key] = fitted(sight.images[name], self._options.image_size)
                self._taken_s[key] = now_s - sight.image_ages_s[name]
        pictures = {key: now_s - taken_s for key, taken_s in self._taken_s.items()}
        self.ages_s = {"arm": state.age_s, "gripper": state.gripper_age_s, **pictures}
