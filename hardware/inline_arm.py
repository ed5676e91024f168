"""A simulated arm in this process: its time passes only when it is told to."""

from __future__ import annotations

from collections.abc import Callable

from steer_gym.robot import Fault, FaultCode, RobotError, Target

from .arm_driver import ArmDriver
from .arm_settings import ArmSettings
from .controller import commands
from .controller.controller import Controller
from .controller.gripper import Gripper
from .controller.program import DONE
from .modes import RuntimeState
from .poses import Array
from .read_back import require_payload, require_tool
from .sample import ArmSample
from .status import ArmStatus
from .supervision import Finding

# What the simulator recognises as ur_rtde's control script.
_SCRIPT = '# int register offset\n0\ntextmsg("RTDE Control Script Loaded")\n'


class InlinePort:
    """An ``ArmPort`` to a controller in this process, through the registers ur_rtde uses."""

    def __init__(self, settings: ArmSettings, controller: Controller, gripper: Gripper) -> None:
        self._settings = settings
        self._controller = controller
        self._gripper = gripper

    def tick(self) -> None:
        """Let one period of the controller pass."""
        self._gripper.tick()
        self._controller.tick()

    def read(self) -> ArmSample | None:
        """Return the newest sample."""
        c = self._controller
        return ArmSample(
            time_s=c.time_s,
            q=c.plant.q.copy(),
            qd=c.plant.qd.copy(),
            tcp_pose=c.tool_pose.copy(),
            tcp_speed=c.tool_twist.copy(),
            force=c.force.copy(),
            robot_mode=int(c.mode),
            robot_bits=int(c.status_bits),
            safety_mode=int(c.safety.mode),
            safety_bits=int(c.safety.bits),
            runtime_state=int(c.runtime),
            speed_scaling=c.told_scaling,
        )

    def start(self) -> None:
        """Start the control program as ur_rtde does; see ``ArmPort.start``."""
        self._send(0)
        self._controller.upload(_SCRIPT)
        try:
            self._set_up()
        except BaseException:
            self.stop(4.0)
            raise

    def finding(self) -> Finding | None:
        """Return that remote control was lost; see ``ArmPort.finding``."""
        if self._controller.remote:
            return None
        return FaultCode.REMOTE_CONTROL_LOST, "the robot was switched to local control"

    def servo(self, q: Array) -> bool:
        """Send a setpoint; see ``ArmPort.servo``."""
        if self._controller.runtime is not RuntimeState.PLAYING:
            return False
        settings = self._settings
        period = 1.0 / settings.rate_hz
        self._send(commands.SERVO_J, *q, 0.0, 0.0, period, settings.lookahead_s, settings.gain)
        return True

    def stop(self, deceleration: float) -> None:
        """Stop the arm and end the program; see ``ArmPort.stop``."""
        if self._controller.runtime is RuntimeState.PLAYING:
            self._call(16, deceleration)
            self._send(commands.STOP_SCRIPT)
            self._until(lambda: self._controller.program is None)

    def _set_up(self) -> None:
        settings, controller = self._settings, self._controller
        done = (
            self._until(lambda: controller.runtime is RuntimeState.PLAYING)
            and self._call(29, *settings.tcp)
            and self._call(17, settings.payload_kg, *settings.payload_cog)
            and self._call(35, settings.watchdog_hz)
        )
        if not done:
            raise RobotError("The control program did not start, or stopped while arming.")
        require_tool(settings, controller.tcp_pose)
        require_payload(settings, controller.payload, controller.payload_cog)

    def _send(self, command: int, *numbers: float) -> None:
        values = {f"input_double_register_{i}": float(v) for i, v in enumerate(numbers)}
        self._controller.write_inputs({**values, "input_int_register_0": command})

    def _call(self, command: int, *numbers: float) -> bool:
        """Carry out a command that answers DONE, then clear it."""
        self._send(command, *numbers)
        done = self._until(lambda: self._controller.registers.output_int[0] == DONE)
        self._send(0)
        self.tick()
        return done

    def _until(self, condition: Callable[[], bool]) -> bool:
        for _ in range(1000):
            if condition():
                return True
            self.tick()
        return False


class InlineArm:
    """An ``Arm`` whose time passes only in ``wait``: deterministic, as fast as it computes."""

    def __init__(self, settings: ArmSettings, controller: Controller, gripper: Gripper) -> None:
        """Connect; moves nothing.

        Raises:
            RobotError: The controller has no cycles as fast as the settings want them.
        """
        most_hz = 1.0 / controller.dt_s
        if settings.rate_hz > most_hz * (1.0 + 1e-9):
            raise RobotError(
                f"rate_hz = {settings.rate_hz:g} is above the {most_hz:g} of a controller with "
                f"PolyScope {controller.polyscope}; ask for {most_hz:g}, or less."
            )
        self._controller = controller
        self._port = InlinePort(settings, controller, gripper)
        self._driver = ArmDriver(settings, self._port)
        self._cycles_a_tick = settings.rate_hz * controller.dt_s
        self._ticks = 0
        self._driver.cycle(controller.time_s)

    @property
    def fault(self) -> Fault | None:
        """Return the latched fault."""
        return self._driver.fault

    def status(self) -> ArmStatus:
        """Return the status after the last cycle."""
        return ArmStatus.of(self._driver, self._controller.time_s)

    def status_at(self, moment_s: float) -> ArmStatus:
        """Return the present status: nothing is late here."""
        return self.status()

    def still_armed(self) -> bool:
        """Tell whether the arm is armed; see ``Arm.still_armed``."""
        return self._driver.armed

    def arm(self) -> None:
        """Allow motion; see ``Arm.arm``.

        How evenly readings come is not asked: every tick is read as it passes, whoever waits.
        """
        self._driver.arm(self._controller.time_s)
        # Cycles are counted from here, so that an episode is the same every time.
        self._ticks = 0

    def aim(self, target: Target, pace: float) -> None:
        """Go there; see ``Arm.aim``."""
        self._driver.aim(target, pace, self._controller.time_s)

    def wait(self, seconds: float) -> None:
        """Let this much time pass; see ``Arm.wait``."""
        for _ in range(max(1, round(seconds / self._controller.dt_s))):
            self._port.tick()
            before, self._ticks = self._ticks, self._ticks + 1
            # 200 Hz is a cycle after two ticks and after three, in turn.
            if int(self._ticks * self._cycles_a_tick) > int(before * self._cycles_a_tick):
                self._driver.cycle(self._controller.time_s)
                self._driver.settle()

    def disarm(self) -> None:
        """Stop and disarm; see ``Arm.disarm``."""
        self._driver.disarm()

    def close(self) -> None:
        """Stop; there is nothing to free."""
        self._driver.disarm()
