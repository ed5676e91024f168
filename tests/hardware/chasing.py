"""How every bench of the arm moves it: after a target that runs ahead of the tool."""

from __future__ import annotations

from typing import Any

import numpy as np

from steer_gym.robot import RobotFault, Target

AWAY = np.array([0.0, 0.25, 0.0, 0.0, 0.0, 0.0])


class Chaser:
    """What has a robot, and can let it chase."""

    robot: Any

    def go(self, seconds: float, offset: np.ndarray = AWAY) -> None:
        """Chase a target ahead of the tool, renewed every 50 ms, until a fault or the end."""
        for _ in range(round(seconds / 0.05)):
            try:
                self.robot.command(Target(pose=self.robot.state().tcp_pose + offset))
            except RobotFault:
                return
            self.robot.wait(0.05)
