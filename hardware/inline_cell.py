"""A whole simulated robot in this process: controller, gripper, cameras, things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from steer_gym.robot import RobotError, RobotIdentity, Scene

from .arm_link import Arm
from .arm_settings import ArmSettings
from .cell import Picture, StillArmed
from .controller.cameras import Artist, TestCard
from .controller.controller import Controller
from .controller.gripper import Gripper
from .controller.settings import SimulatorSettings
from .controller.simulator import build_controller, build_plant
from .inline_arm import InlineArm
from .modes import RuntimeState, SafetyMode
from .orders import Orders
from .poses import Array
from .robotiq import RobotiqSettings
from .supervision import Finding


class InlineHand:
    """The simulated gripper, without its socket."""

    def __init__(self, gripper: Gripper, controller: Controller, latency_s: float) -> None:
        self._gripper = gripper
        self._controller = controller
        self._latency_s = latency_s
        self._orders = Orders()

    def activate(self) -> None:
        """Be active at once; only the fingers' motion takes time here."""
        self._gripper.activate()

    def aim(self, opening: float, in_s: float, still_armed: StillArmed) -> None:
        """Go to ``opening`` when it is due by the controller's clock; see ``Hand.aim``."""
        controller = self._controller
        # Between two ticks, so that an episode is the same whenever it begins.
        ticks = round((in_s - self._latency_s) / controller.dt_s) - 0.5
        hold_s = max(0.0, ticks * controller.dt_s)
        self._orders.add(opening, controller.time_s + hold_s)
        controller.after(hold_s, partial(self._tell, still_armed))
        self._tell(still_armed)

    def forget(self) -> None:
        """Take back what is not due yet."""
        self._orders.forget()

    def opening(self, moment_s: float | None = None) -> float:
        """Return the opening in the gripper's own steps."""
        return self._gripper.position / 255

    def age_s(self, moment_s: float | None = None) -> float:
        """Return 0: it is read when it is asked for."""
        return 0.0

    def finding(self) -> Finding | None:
        """Return nothing: a gripper in this process has no wire that could fail."""
        return None

    def close(self) -> None:
        """Do nothing."""

    def _tell(self, still_armed: StillArmed) -> None:
        opening = self._orders.take(self._controller.time_s)
        if opening is not None and still_armed():
            self._gripper.set("POS", round(opening * 255))


class InlineEyes:
    """Cameras that draw when they are asked."""

    def __init__(self, artist: Artist, cameras: Mapping[str, tuple[int, int]]) -> None:
        self._artist = artist
        self._cameras = dict(cameras)

    def moment_s(self) -> float | None:
        """Return nothing: what is drawn on demand is of the present moment."""
        return None

    def pictures(self, moment_s: float | None = None) -> dict[str, Picture]:
        """Return what each camera sees now."""
        snapshot = self._artist.capture()
        return {
            name: Picture(image=self._artist.draw(snapshot, name, height, width), age_s=0.0)
            for name, (height, width) in self._cameras.items()
        }

    def finding(self) -> Finding | None:
        """Return nothing: what is drawn on demand is never old."""
        return None

    def close(self) -> None:
        """Free the drawing contexts."""
        close = getattr(self._artist, "close", None)
        if close:
            close()


class InlineCell:
    """A controller, a gripper and a world in this process; see ``Cell``."""

    def __init__(
        self,
        settings: ArmSettings,
        simulator: SimulatorSettings,
        cameras: Mapping[str, tuple[int, int]],
        gripper: RobotiqSettings | None = None,
    ) -> None:
        plant, artist, _ = build_plant(simulator)
        self.controller = build_controller(simulator, plant)
        self.gripper = Gripper(self.controller)
        self._settings = settings
        card = TestCard(self.controller.tool_pose)
        latency_s = (gripper or RobotiqSettings()).latency_s
        self.hand = InlineHand(self.gripper, self.controller, latency_s)
        self.eyes = InlineEyes(artist or card, cameras)
        self.scene: Scene | None = None
        if simulator.plant == "mujoco":
            self.scene = InlineScene(plant, self.controller, self.gripper)
        self.identity = RobotIdentity(
            host="in this process",
            model=simulator.arm,
            serial="simulated",
            software=simulator.polyscope,
            simulated=True,
        )

    def connect_arm(self) -> Arm:
        """Return a new connection; see ``Cell.connect_arm``."""
        return InlineArm(self._settings, self.controller, self.gripper)

    def reason_not_to_move(self) -> str:
        """Return why the robot cannot be armed; see ``Cell``."""
        if not self.controller.remote:
            return "it is in local control"
        if self.controller.runtime is RuntimeState.PLAYING:
            return "another program is running"
        return ""

    def renew(self) -> None:
        """Do nothing: what is in this process is not connected."""

    def clear_stop(self) -> None:
        """End a protective stop after five seconds of the controller's time."""
        c = self.controller
        while c.safety.mode is SafetyMode.PROTECTIVE_STOP and not c.unlock_protective_stop():
            for _ in range(round(0.5 / c.dt_s)):
                self.gripper.tick()
                c.tick()
        if not c.safety.allows_motion:
            raise RobotError(f"Safety mode is {c.safety.mode.name}; a person has to end this.")

    def close(self) -> None:
        """Free the drawing contexts."""
        self.eyes.close()


class InlineScene:
    """The things of a plant in this process; see ``Scene``."""

    def __init__(self, plant: Any, controller: Controller, gripper: Gripper) -> None:
        self._plant = plant
        self._controller = controller
        self._gripper = gripper

    def things(self) -> Mapping[str, Array]:
        """Return position and quaternion of each thing (7,)."""
        return {name: np.array(pose) for name, pose in self._plant.things().items()}

    def boxes(self) -> Mapping[str, Array]:
        """Return boxes around the parts of each thing (parts, 6)."""
        return {name: np.array(boxes) for name, boxes in self._plant.boxes().items()}

    def restart(self) -> None:
        """Begin anew."""
        self._controller.restart()
        self._gripper.restart()

    def move_thing(self, name: str, position: Sequence[float], yaw: float) -> None:
        """Put a thing somewhere."""
        self._plant.move_thing(name, np.asarray(position, dtype=np.float64), yaw)
