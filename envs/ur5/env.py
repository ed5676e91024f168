"""The UR5, on a table or in the simulator, as a Gymnasium environment."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
from gymnasium.error import ResetNeeded

from steer_gym.convention import ActionConvention
from steer_gym.environment import Chunk
from steer_gym.observation import IMAGE_BASE
from steer_gym.robot import Fault, Robot, RobotError, RobotFault, RobotState, Sight, make_robot

from .acting import Actor
from .actions import Action, checked_action
from .options import UR5Options, episode_of
from .pictures import Frame
from .seeing import Observer
from .starting import SETTLE_S, go_home, set_scene
from .tasks import TASKS, is_done, task_of
from .telling import Info, provenance, told_action, told_state
from .watching import EpisodeWatch


class UR5Env(gym.Env[dict[str, Any], Action]):
    """A UR5 with a gripper and two cameras: the arm on a table, or its simulation.

    ## Description
    ``steer_gym/UR5Sim-v0`` starts a simulated controller with a UR5e, a Robotiq 2F-85 and a table
    in MuJoCo. ``steer_gym/UR5-v0`` talks to the controller at ``host=``. Both are this class, with
    the same limits, watchdogs and faults. **This is not a safety function, and was tested against
    the simulator, never on a robot**: read ``docs/ur5_bench_guide.md`` before the first day.

    ## Action Space
    At 20 Hz; numbers beyond are clipped, and ``info["clipped"]`` says so.

    ``actions="libero_delta"``, ``Box(-1, 1, (7,), float32)``: what LIBERO's controller makes of
    them in a hand without load (a full one is 0.26 m/s), as fast as the robot's limits allow.

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
    A ``Dict`` with the keys of ``steer_gym.observation``, all of one moment.

    | Key | Space | Meaning |
    |-----|-------|---------|
    | ``image.base`` | uint8 (height, width, 3) | fixed camera that looks at the arm, RGB |
    | ``image.wrist`` | uint8 (height, width, 3) | camera at the gripper, RGB |
    | ``tcp_pose`` | float64 (6,) | xyz [m] and rotation vector [rad], base frame |
    | ``joints`` | float64 (6,) | arm joints [rad] |
    | ``gripper`` | float64 (2,) | fingers from the middle [m], 0.0425 and -0.0425 are open; with \
``actions="joints"`` (1,), 0 open to 1 closed |
    | ``instruction`` | Text | what to do |

    x points from the base to the table, z up; the rotation vector's largest component is positive.

    ## Rewards
    1 in the step after which the task is done, else 0. In simulation: the toy lies in the basket or
    on the plate, and is let go. On a robot: ``judge`` says so, or a person's ``verdict``.

    ## Starting State
    In simulation the arm is at home and the things stand where ``(seed, task, episode)`` puts them.
    ``reset(seed=s)`` starts episode 0 of seed s, a further ``reset()`` the next one;
    ``options={"episode": k}`` (or ``{"init_state": k}``) asks for one. On a robot a reset opens the
    gripper, retracts upwards and goes home, slowly and supervised; ``confirm`` is asked before,
    with the arm disarmed. A reset that fails or is interrupted leaves it disarmed.

    ## Episode End
    Terminates when the task is done. Truncates after ``max_steps``. However an episode ends, the
    arm is stopped, holds, and is disarmed; ``step`` refuses, and the next ``reset`` arms it again.
    Gymnasium does not tell an environment of ``gym.make(max_episode_steps=...)`` and other limits
    from outside: after those the arm stays armed, and nobody is asked for a verdict.

    Truncates when more than ``max_clamped`` of the last targets had to be changed by limits, as
    when steering makes a policy act wildly, and after ``max_seconds``; ``info["stopped"]`` is
    ``clamped`` or ``out_of_time``. That holds for every episode: an environment is not told what
    is steered. Clipping to the action space does not count, nor does going slower than was asked.

    Truncates on a fault, which ``info["fault"]`` names. From then on ``step`` and ``reset`` raise
    ``RobotFault``, until a person has looked at the robot and called
    ``env.unwrapped.recover(acknowledged_by="name")``.

    ## Arguments
    The fields of ``UR5Options``, by name.

    ``shadow_of(action)`` tells what an action would do, and nothing moves: run the unsteered
    policy, and log beside it what the steered one wants.

    ``rendering_paused = True`` keeps the last pictures in the observations, for policies that do
    not look at every step; a simulation then draws none.

    ``info`` holds ``success``, ``task``, ``episode``, ``seed``, ``clipped``, ``clamps``, ``fault``
    and ``stopped`` (a reason, or ``None``), ``time_s`` (of the controller's clock since the reset),
    ``ages_s``, ``late`` (holds for want of an action), ``force`` and ``speed_scaling``; after a
    reset also ``provenance``. ``ages_s`` tells how old what the observation is made of was when it
    was made [s]: ``arm``, ``gripper``, and each camera by its key.

    ## Version History
    - v0: first version.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"], "render_fps": 20}  # noqa: RUF012

    def __init__(self, **options: Any) -> None:
        """Check the arguments, the fields of ``UR5Options``; the first ``reset`` connects."""
        self.options = UR5Options(**options)
        self.task = task_of(self.options.task)
        words = self.options.instruction
        self.instruction = self.task.instruction if words is None else words
        self.render_mode = self.options.render_mode
        self._actor = Actor(self.options.actions, shadow=bool(self.options.shadow))
        self._observer = Observer(self.options, self.task, self.instruction)
        self.action_convention: ActionConvention = self._actor.convention
        self.action_space = self._actor.space
        self.observation_space = self._observer.space()
        self._robot: Robot | None = None
        self._fault: Fault | None = None
        self._began: RobotState | None = None
        self._episode, self._steps, self._seen_s = -1, 0, 0.0
        self._over = ""
        """Why the episode has ended; empty while it runs."""
        self._watch = EpisodeWatch(self.options.allowance)
        self.rendering_paused = False

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
            RobotError: There is a fault, the robot cannot be armed, or the person said no.
        """
        super().reset(seed=seed)
        self._began = None
        if seed is not None:
            self._episode = -1
        episode = episode_of(options, following=self._episode + 1)
        robot = self.robot
        if fault := self._fault or robot.fault:
            raise RobotFault(fault)
        set_scene(robot, self.task, seed=max(self.np_random_seed or 0, 0), episode=episode)
        try:
            began, sight = self._start(robot)
        except BaseException:
            # Whoever is interrupted here has lost control of the arm.
            robot.stop()
            raise
        self._watch.start()
        # Only now: a reset that was refused is no episode.
        self._began, self._episode, self._steps, self._over = began, episode, 0, ""
        return self._observe(sight), self._info(sight) | {"provenance": self.provenance()}

    def step(self, action: Action) -> tuple[dict[str, Any], float, bool, bool, Info]:
        """Act for one step of 50 ms; a fault truncates, and the next call raises it.

        Raises ``ActionError`` unless it is seven finite numbers; then nothing was sent.
        """
        robot = self._started()
        numbers, clipped = checked_action(action, self._actor.space)
        accepted, sight = self._actor.act(robot, numbers, look=not self.rendering_paused)
        self._fault = robot.fault
        self._steps += 1
        observation = self._observe(sight)
        told = told_action(accepted, clipped=clipped)
        if self._fault is None:
            self._watch_over(told["clamps"], sight)
        if self._watch.reason:
            self._end(f"{self._watch.reason}: {self._watch.words}")
        elif self._out_of_steps:
            self._end("its steps are used up")
        success = self._fault is None and self._is_done(observation, sight)
        if success:
            self._end("the task is done")
        truncated = self._fault is not None or self._watch.reason is not None or self._out_of_steps
        return observation, float(success), success, truncated, self._info(sight, success) | told

    def shadow_of(self, action: Action) -> Info:
        """Return what ``action`` would do now; nothing is sent, nothing moves or is remembered."""
        robot = self._started()
        numbers, clipped = checked_action(action, self._actor.space)
        return told_action(self._actor.preview(robot, numbers), clipped=clipped)

    def fresh(self, chunk: Chunk) -> Chunk:
        """Return what is left of a plan; see ``steer_gym.environment.RealTime``.

        Absolute targets whose time has passed while the policy thought are left out, the last one
        never. Deltas all stay: the arm has held, and they begin where it is.
        """
        state = self._started().state()
        late = self._actor.late(state.time_s + state.age_s - self._seen_s)
        return chunk[min(late, len(chunk) - 1) :]

    def recover(self, *, acknowledged_by: str) -> None:
        """Take back a fault on the word of a person; then ``reset`` may be called."""
        robot = self.robot
        if self._fault is None or robot.fault:
            robot.recover(acknowledged_by=acknowledged_by)
        elif not acknowledged_by.strip():
            raise RobotError("A person has to look at the robot first; give their name.")
        self._fault, self._over = None, "there was a fault"

    def render(self) -> Frame | None:
        """Return the base camera's newest picture."""
        robot = self._connected()
        if self.render_mode is None:
            return None
        if self.rendering_paused:
            with contextlib.suppress(RobotFault):
                self._observer.look(robot.observe())
        return self._observer.frames[IMAGE_BASE]

    def close(self) -> None:
        """Stop, disconnect and free everything, in bounded time; ``reset`` may connect again.

        A fault stays, until ``recover``.
        """
        robot, self._robot, self._began = self._robot, None, None
        if robot is None:
            return
        try:
            # A new connection knows nothing of it.
            self._fault = self._fault or robot.fault
        finally:
            robot.close()

    @staticmethod
    def task_languages(**options: Any) -> list[str]:
        """Return the instructions of the tasks, in their order."""
        del options
        return [task.instruction for task in TASKS]

    def provenance(self) -> dict[str, Any]:
        """Return what results depend on besides the seed; write it beside every result."""
        return provenance(self.robot, self.options)

    def _connected(self) -> Robot:
        if self._robot is None or self._began is None:
            raise ResetNeeded("Call reset() first; it connects the robot.")
        return self._robot

    def _started(self) -> Robot:
        robot = self._connected()
        if self._fault:
            raise RobotFault(self._fault)
        if self._over:
            raise ResetNeeded(f"The episode is over, the arm disarmed: {self._over}. Call reset().")
        return robot

    def _start(self, robot: Robot) -> tuple[RobotState, Sight]:
        """Bring the arm home and to rest; return how it stands, and what is seen then."""
        if not self.options.shadow:
            go_home(robot, self.instruction, self.options.confirm)
        robot.wait(SETTLE_S)
        began = robot.state()
        self._actor.start(robot, began)
        return began, robot.observe()

    def _observe(self, sight: Sight) -> dict[str, Any]:
        self._seen_s = sight.state.time_s
        return self._observer.observe(sight, self.robot.scene)

    def _is_done(self, observation: dict[str, Any], sight: Sight) -> bool:
        boxes, judge, verdict = self._observer.boxes, self.options.judge, self.options.verdict
        if judge:
            done = bool(judge(observation))
        else:
            done = bool(boxes) and is_done(self.task, boxes, sight.state.gripper)
        if verdict and self._over and not done:
            done = verdict(f"Is it done: {self.instruction!r}?")
        return done

    def _watch_over(self, clamps: Sequence[str], sight: Sight) -> None:
        """Take note of what the episode is allowed only so much of."""
        assert self._began is not None
        now_s = sight.state.time_s + sight.state.age_s
        self._watch.see(clamped=bool(clamps), time_s=now_s - self._began.time_s)

    def _end(self, why: str) -> None:
        """End the episode and disarm: nobody steers the arm any more, and somebody may step up."""
        if not self._over:
            self._over = why
            self.robot.stop(why=why)

    @property
    def _out_of_steps(self) -> bool:
        return self._steps >= self.options.max_steps

    def _info(self, sight: Sight, success: bool = False) -> Info:
        assert self._began is not None
        return {
            "success": success,
            "task": self.task.name,
            "episode": self._episode,
            "seed": self.np_random_seed,
            "stopped": self._watch.reason,
            "ages_s": self._observer.ages_s,
            **told_state(sight.state, self._fault, since=self._began),
        }
