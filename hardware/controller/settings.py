"""How a simulated controller starts, and what is refused before anything does."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from steer_gym.errors import SteerGymError, UnknownNameError

from ..kinematics import ARMS
from ..modes import RobotMode
from .controller import WatchdogTrip
from .polyscope import PolyScope

Clock = Literal["real", "locked"]
PlantName = Literal["kinematic", "mujoco"]
CHOICES: dict[str, tuple[str, ...]] = {
    "plant": get_args(PlantName),
    "arm": tuple(ARMS),
    "start": tuple(RobotMode.__members__),
    "clock": get_args(Clock),
    "watchdog_trip": get_args(WatchdogTrip),
}
"""Setting -> what it may be; the others are no names."""
PIXELS = {"height": (16, 960), "width": (16, 1280)}
"""At most what the scene's off-screen buffer holds."""
MOST_FPS = 500.0
"""One picture a tick."""


@dataclass(frozen=True, kw_only=True)
class SimulatorSettings:
    """How a simulated controller starts."""

    host: str = "auto"
    """A loopback address of this machine; ``auto`` finds a free one in 127.0.0.0/8."""
    plant: PlantName = "mujoco"
    """``kinematic`` moves nothing but the arm and needs numpy alone."""
    polyscope: str = "5.11.5"
    """3.15 (CB3) or 5.0 to 5.23 (e-Series)."""
    arm: str = "UR5e"
    """``UR5e``, or ``UR5`` with the kinematic plant."""
    start: str = "RUNNING"
    """Robot mode at the start, for example ``POWER_OFF``."""
    local: bool = False
    """Start in local control."""
    clock: Clock = "real"
    """``locked`` advances only by the admin order ``advance``."""
    watchdog_trip: WatchdogTrip = "protective_stop"
    """What the RTDE watchdog does: ``protective_stop`` (as URSim shows) or ``stop``."""
    gripper_active: bool = False
    """Start with the gripper activated."""
    height: int = 240
    """Of the cameras' images, in pixels."""
    width: int = 320
    """Of the cameras' images, in pixels."""
    fps: float = 30.0
    """Of the cameras; fewer where drawing takes longer."""
    programs: str = ""
    """A folder of programs (``name.urp`` with ``name.script``) that the dashboard loads."""
    allow_remote: bool = False
    """Allow an address that other machines can reach."""

    def __post_init__(self) -> None:
        """Refuse what no simulator can be.

        Raises:
            SteerGymError: Names what was given and what is allowed.
        """
        for name, allowed in CHOICES.items():
            given = getattr(self, name)
            if given not in allowed:
                raise UnknownNameError(name, given, allowed)
        PolyScope.parse(self.polyscope)
        self._require_pictures()
        self._require_address()
        if self.programs and not Path(self.programs).is_dir():
            raise SteerGymError(f"There is no folder of programs at {self.programs}.")

    def _require_pictures(self) -> None:
        for name, (least, most) in PIXELS.items():
            given = getattr(self, name)
            if type(given) is not int or not least <= given <= most:
                raise SteerGymError(
                    f"{name} is {given!r}; the cameras draw {least} to {most} pixels."
                )
        if type(self.fps) not in (int, float) or not 0 < self.fps <= MOST_FPS:
            raise SteerGymError(f"fps is {self.fps!r}; above 0 and up to {MOST_FPS:g} is allowed.")

    def _require_address(self) -> None:
        if self.host == "auto":
            return
        try:
            loopback = ipaddress.IPv4Address(self.host).is_loopback
        except ValueError:
            raise SteerGymError(
                f"host is {self.host!r}; an IPv4 address such as 127.0.0.1 is needed, or 'auto'."
            ) from None
        if not (loopback or self.allow_remote):
            raise SteerGymError(
                f"The simulator listens on loopback addresses, not on {self.host}, because "
                "anyone who reaches it commands it. Pass --allow-remote if you mean it."
            )
