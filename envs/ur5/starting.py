"""How an episode starts: the things in their places, the arm at home, with a person's consent."""

from __future__ import annotations

from steer_gym.robot import Robot, RobotError, Target

from .options import Ask
from .tasks import Task, arrange

OPENING_S = 1.0
"""Given to the gripper to open before the arm goes home."""
SETTLE_S = 0.4
"""Between the last motion and the first observation."""
_OPEN = 0.05


def set_scene(robot: Robot, task: Task, *, seed: int, episode: int) -> None:
    """Put a simulation's things where ``(seed, task, episode)`` says; a robot's are a person's."""
    if robot.scene is not None:
        robot.stop()
        robot.scene.restart()
        arrange(robot.scene, task, seed=seed, episode=episode)


def go_home(robot: Robot, instruction: str, confirm: Ask | None) -> None:
    """Open the gripper and go home, slowly and supervised.

    Raises:
        RobotFault: Something went wrong on the way.
        RobotError: The robot cannot be armed, or the person said no.
    """
    if confirm:
        # Whoever is asked may be placing things beside the arm, which holds since the last episode.
        robot.stop()
        question = f"The arm will go home for {instruction!r}. Is the space around it free?"
        if not confirm(question):
            raise RobotError("The reset was not confirmed; nothing has moved.")
    robot.arm()
    state = robot.state()
    if state.gripper > _OPEN:
        robot.command(Target(joints=state.joints, gripper=0.0))
        robot.wait(OPENING_S)
    robot.home()
