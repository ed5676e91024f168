"""The UR5, on a table or in the simulator, as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from steer_gym.convention import ActionConvention
from steer_gym.errors import EnvironmentOptionError
from steer_gym.observation import (
    CAMERAS,
    GRIPPER,
    IMAGE_BASE,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    observation_space,
)
from steer_gym.robot import (
    Accepted,
    Fault,
    Robot,
    RobotError,
    RobotFault,
    RobotState,
    Target,
    make_robot,
)

from .actions import STEERSMEN, Action, Actions, checked_action
from .options import Ask, Judge, UR5Options, episode_of
from .pictures import Frame, fitted
from .privileged import privileged_keys
from .rotation import Array, continuous
from .tasks import TASKS, arrange, is_done, task_of

FINGER_M = 0.0425
"""Way of each finger of a Robotiq 2F-85, from the middle to wide open [m]."""
_SETTLE_S = 0.4
"""Between the reset's last motion and the first observation."""

Info = dict[str, Any]


class UR5Env(gym.Env[dict[str, Any], Action]):
    """A UR5 with a gripper and two cameras: the arm on a table, or its simulation.

    ## Description
    ``steer_gym/UR5Sim-v0`` starts a simulated controller with a UR5e, a Robotiq 2F-85 and a table
    in MuJoCo. ``steer_gym/UR5-v0`` talks to the controller at ``host=``. Both are this class, with
    the same limits, watchdogs and faults. **This is not a safety function, and it was tested
    against the simulator, never on a robot**: read ``docs/ur5_bench_guide.md`` before the first
    day.

    ## Action Space
    At 20 Hz; numbers beyond are clipped, and ``info["clipped"]`` says so.

    ``actions="libero_delta"``, ``Box(-1, 1, (7,), float32)``: what LIBERO's controller makes of
    them in a hand without load (a full action moves at 0.26 m/s), so that policies for LIBERO act
    alike.

    | Num | Action | Min | Max | Unit |
    |-----|--------|-----|-----|------|
    | 0-2 | pull along x, y, z of the base frame | -1 | 1 | 1 = 0.05 m ahead |
    | 3-5 | pull of the orientation, axis-angle in the base frame | -1 | 1 | 1 = 0.5 rad ahead |
    | 6 | gripper: negative opens, positive closes, 0 leaves it | -1 | 1 | sign |

    ``actions="joints"``, as openpi's UR5 policies have it.

    | Num | Action | Min | Max | Unit |
    |-----|--------|-----|-----|------|
    | 0-5 | joint targets | -2 pi | 2 pi | rad |
    | 6 | gripper: 0 open to 1 closed | 0 | 1 | |

    Both go through the limits of the robot; ``info["clamps"]`` names those that changed a target.

    ## Observation Space
    A ``Dict`` with the keys of ``steer_gym.observation``.

    | Key | Space | Meaning |
    |-----|-------|---------|
    | ``image.base`` | uint8 (height, width, 3) | fixed camera that looks at the arm, RGB |
    | ``image.wrist`` | uint8 (height, width, 3) | camera at the gripper, RGB |
    | ``tcp_pose`` | float64 (6,) | xyz [m] and rotation vector [rad], base frame |
    | ``joints`` | float64 (6,) | arm joints [rad] |
    | ``gripper`` | float64 (2,) | fingers from the middle [m], 0.0425 and -0.0425 are open; with \
``actions="joints"`` (1,), 0 open to 1 closed |
    | ``instruction`` | Text | what to do |

    x points from the base to the table, z up. The largest component of the rotation vector is
    positive, so that a hand that points down does not flip its sign.

    ## Rewards
    1 in the step after which the task is done, else 0. In simulation: the toy lies in the basket or
    on the plate, and is let go. On a robot: ``judge`` says so; without one it is never done.

    ## Starting State
    In simulation the arm is at home and the things stand where ``(seed, task, episode)`` puts them.
    ``reset(seed=s)`` starts episode 0 of seed s, a further ``reset()`` the next one;
    ``options={"episode": k}`` (or ``{"init_state": k}``) asks for one. On a robot a reset opens the
    gripper, retracts upwards and goes home, slowly and supervised; ``confirm`` is asked before.

    ## Episode End
    Terminates when the task is done. Truncates after ``max_steps``, or after the
    ``max_episode_steps`` of ``gym.make`` where that is given instead; and on a fault, which
    ``info["fault"]`` names. From then on ``step`` and ``reset`` raise ``RobotFault``, until a
    person has looked at the robot and ``env.unwrapped.recover(acknowledged_by="name")`` was called.

    ## Arguments
    - ``robot``: ``ur5`` or ``ur5-sim``; set by the id.
    - ``host``: address of the controller (UR5 only).
    - ``task``: index, name or instruction of one of ``tasks.TASKS``.
    - ``instruction``: other words for it.
    - ``actions``: see Action Space.
    - ``cameras``: image keys wanted in the observation.
    - ``image_size``: pixels of a side, or (height, width); a camera's middle is scaled to it.
    - ``sources``: image key -> device, address or the fields of ``CameraSettings`` (UR5 only).
    - ``shadow``: dry run: never armed, nothing moves, ``info`` tells what would have. By default
      true for UR5 and false for UR5Sim: a robot moves only when you write ``shadow=False``.
    - ``privileged``: also observe the keys of ``steer_gym.privileged`` (UR5Sim only).
    - ``judge``: from an observation to whether the task is done; replaces the simulation's own.
    - ``confirm``: from a question to yes or no; asked before a reset moves. ``ask_person`` is one.
    - ``max_steps``: of an episode.
    - ``render_mode``: ``"rgb_array"``: the base camera.
    - ``robot_options``: for ``steer_gym.robot.make_robot``, for example ``{"clock": "real"}`` or
      ``{"journal": "run.jsonl", "limits": ...}``.

    ``shadow_of(action)`` tells at any time what an action would do, and writes nothing anywhere:
    run the unsteered policy, and log beside it what the steered one wants.

    ``info`` holds ``success``, ``task``, ``episode``, ``seed``, ``clipped``, ``clamps``, ``fault``
    (a code or ``None``), ``time_s`` (of the controller's clock since the reset), ``age_s`` (how old
    the reading is), ``late`` (holds for want of an action), ``force`` and ``speed_scaling``; after
    a reset also ``provenance``.

    ## Version History
    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(
        self,
        *,
        robot: str = "ur5-sim",
        host: str | None = None,
        task: int | str = 0,
        instruction: str | None = None,
        actions: Actions = "libero_delta",
        cameras: Sequence[str] = CAMERAS,
        image_size: int | tuple[int, int] = 256,
        sources: Mapping[str, Any] | None = None,
        shadow: bool | None = None,
        privileged: bool = False,
        judge: Judge | None = None,
        confirm: Ask | None = None,
        max_steps: int = 300,
        render_mode: str | None = None,
        robot_options: Mapping[str, Any] | None = None,
    ) -> None:
        """Check the arguments; the first ``reset`` connects."""
        self.options = UR5Options(
            robot=robot,
            host=host,
            actions=actions,
            cameras=(cameras,) if isinstance(cameras, str) else tuple(cameras),
            image_size=image_size,
            sources=sources or {},
            judge=judge,
            confirm=confirm,
            max_steps=max_steps,
            render_mode=render_mode,
            robot_options=robot_options or {},
        )
        if privileged and not self.options.simulated:
            raise EnvironmentOptionError("A robot has no privileged knowledge; UR5Sim has.")
        self.task = task_of(task)
        self.instruction = self.task.instruction if instruction is None else instruction
        self.shadow = not self.options.simulated if shadow is None else shadow
        self.render_mode = render_mode
        self._privileged = privileged
        self._steersman = STEERSMEN[actions]()
        self.action_convention: ActionConvention = self._steersman.convention
        self.action_space = self._steersman.space
        self.observation_space = self._observation_space()
        self._robot: Robot | None = None
        self._fault: Fault | None = None
        self._frames: dict[str, Frame] = {}
        self._boxes: Mapping[str, Array] = {}
        self._episode, self._steps = -1, 0
        self._began_s, self._late_before = 0.0, 0

    @property
    def robot(self) -> Robot:
        """Return the robot, connected."""
        if self._robot is None:
            self._robot = make_robot(self.options.robot, **self.options.for_robot())
        return self._robot

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], Info]:
        """Start an episode; see "Starting State".

        Raises:
            RobotFault: There is a fault, from before or on the way home.
            RobotError: The robot cannot be armed, or the person said no.
        """
        super().reset(seed=seed)
        following = 0 if seed is not None else self._episode + 1
        self._episode = episode_of(options, following=following)
        self._steps = 0
        robot = self.robot
        if robot.fault:
            raise RobotFault(robot.fault)
        self._set_scene(robot)
        if not self.shadow:
            self._go_home(robot)
        robot.wait(_SETTLE_S)
        state = robot.state()
        self._began_s, self._late_before = state.time_s, state.late
        self._steersman.start(state)
        observation = self._observe(state, self._look(robot))
        return observation, self._info(state) | {"provenance": self.provenance()}

    def step(self, action: Action) -> tuple[dict[str, Any], float, bool, bool, Info]:
        """Act for one step of 50 ms; a fault truncates, and the next call raises it.

        Raises:
            ActionError: Not seven finite numbers; nothing was sent.
            RobotFault: The episode ended by a fault.
        """
        robot = self._started()
        numbers, clipped = checked_action(action, self._steersman.space)
        accepted: Accepted | None = None
        try:
            accepted = self._send(robot, self._steersman.target(numbers))
            robot.wait(1.0 / self.action_convention.rate_hz)
            frames = self._look(robot)
        except RobotFault:
            frames = self._frames
        except BaseException:
            # Whoever is interrupted here has lost control of the arm.
            robot.stop()
            raise
        self._fault = robot.fault
        state = robot.state()
        self._steps += 1
        observation = self._observe(state, frames)
        success = self._fault is None and self._judge(observation, state)
        info = self._info(state, success) | _told(accepted, clipped=clipped)
        truncated = self._fault is not None or self._out_of_steps()
        return observation, float(success), success, truncated, info

    def shadow_of(self, action: Action) -> Info:
        """Return what ``action`` would do now; nothing is sent, nothing moves or is remembered."""
        robot = self._started()
        numbers, clipped = checked_action(action, self._steersman.space)
        thought = STEERSMEN[self.options.actions]()
        thought.start(robot.state())
        return _told(robot.preview(thought.target(numbers)), clipped=clipped)

    def recover(self, *, acknowledged_by: str) -> None:
        """Take back a fault on the word of a person; then ``reset`` may be called."""
        self.robot.recover(acknowledged_by=acknowledged_by)
        self._fault = None

    def render(self) -> Frame | None:
        """Return the base camera's newest picture."""
        self._started()
        return self._frames[IMAGE_BASE] if self.render_mode else None

    def close(self) -> None:
        """Stop, disconnect and free everything, in bounded time; ``reset`` may connect again."""
        if self._robot is not None:
            self._robot.close()
        self._robot = None

    @staticmethod
    def task_languages(**options: Any) -> list[str]:
        """Return the instructions of the tasks, in their order."""
        del options
        return [task.instruction for task in TASKS]

    def provenance(self) -> dict[str, Any]:
        """Return what results depend on besides the seed; write it beside every result."""
        identity = self.robot.identity
        return {
            "host": identity.host,
            "model": identity.model,
            "serial": identity.serial,
            "software": identity.software,
            "simulated": identity.simulated,
            "actions": self.options.actions,
            "image_size": list(self.options.image_size),
            "max_steps": self.options.max_steps,
            "shadow": self.shadow,
        }

    def _started(self) -> Robot:
        if self._robot is None or self._episode < 0:
            raise ResetNeeded("Call reset() first; it connects the robot.")
        if self._fault:
            raise RobotFault(self._fault)
        return self._robot

    def _set_scene(self, robot: Robot) -> None:
        if robot.scene is None:
            return
        robot.stop()
        robot.scene.restart()
        seed = max(self.np_random_seed or 0, 0)
        arrange(robot.scene, self.task, seed=seed, episode=self._episode)

    def _go_home(self, robot: Robot) -> None:
        confirm = self.options.confirm
        question = f"The arm will go home for {self.instruction!r}. Is the space around it free?"
        if confirm and not confirm(question):
            raise RobotError("The reset was not confirmed; nothing has moved.")
        robot.arm()
        state = robot.state()
        if state.gripper > 0.05:
            robot.command(Target(joints=state.joints, gripper=0.0))
            robot.wait(1.0)
        robot.home()

    def _send(self, robot: Robot, target: Target) -> Accepted:
        if self.shadow:
            accepted = robot.preview(target)
            self._steersman.start(robot.state())
        else:
            accepted = robot.command(target)
            self._steersman.accept(accepted)
        return accepted

    def _look(self, robot: Robot) -> dict[str, Frame]:
        taken = robot.images()
        size = self.options.image_size
        self._frames = {
            key: fitted(taken[key.removeprefix("image.")], size) for key in self.options.watched
        }
        return self._frames

    def _judge(self, observation: dict[str, Any], state: RobotState) -> bool:
        if self.options.judge:
            return bool(self.options.judge(observation))
        return bool(self._boxes) and is_done(self.task, self._boxes, state.gripper)

    def _out_of_steps(self) -> bool:
        """Tell whether the budget is spent; ``gym.make(max_episode_steps=...)`` takes it over."""
        if self.spec is not None and self.spec.max_episode_steps is not None:
            return False
        return self._steps >= self.options.max_steps

    def _observation_space(self) -> spaces.Dict:
        joints = self.options.actions == "joints"
        fingers = spaces.Box(-0.1, 0.1, (2,), np.float64)
        return observation_space(
            cameras=dict.fromkeys(self.options.cameras, self.options.image_size),
            joints=6,
            gripper=spaces.Box(0.0, 1.0, (1,), np.float64) if joints else fingers,
            privileged=self._privileged,
        )

    def _observe(self, state: RobotState, frames: Mapping[str, Frame]) -> dict[str, Any]:
        scene = self.robot.scene
        self._boxes = scene.boxes() if scene else {}
        closed = min(1.0, max(0.0, state.gripper))
        finger = (1.0 - closed) * FINGER_M
        joints = self.options.actions == "joints"
        position, turn = state.tcp_pose[:3], state.tcp_pose[3:]
        return {
            **{key: frames[key] for key in self.options.cameras},
            **(privileged_keys(self.task, self._boxes) if self._privileged else {}),
            TCP_POSE: np.concatenate([position, continuous(turn)]),
            JOINTS: state.joints.copy(),
            GRIPPER: np.array([closed] if joints else [finger, -finger]),
            INSTRUCTION: self.instruction,
        }

    def _info(self, state: RobotState, success: bool = False) -> Info:
        return {
            "success": success,
            "task": self.task.name,
            "episode": self._episode,
            "seed": self.np_random_seed,
            "fault": self._fault.code.value if self._fault else None,
            "time_s": round(state.time_s - self._began_s, 6),
            "age_s": state.age_s,
            "late": state.late - self._late_before,
            "force": state.force.tolist(),
            "speed_scaling": state.speed_scaling,
        }


def _told(accepted: Accepted | None, *, clipped: bool) -> Info:
    """Return what became of an action; ``accepted`` ``None``: a fault came before it was sent."""
    if accepted is None:
        return {"clipped": clipped, "clamps": [], "target": None}
    target = accepted.target
    values = target.joints if target.pose is None else target.pose
    assert values is not None
    return {"clipped": clipped, "clamps": list(accepted.clamps), "target": values.tolist()}
