"""How an arm is driven: its address, tool, limits, rate and patience."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .kinematics import arm_model
from .limits import Limits
from .ranges import require_number, require_numbers
from .servo import ripple


@dataclass(frozen=True, kw_only=True)
class ArmSettings:
    """How the arm is driven."""

    host: str
    arm: str = "UR5e"
    """``UR5e`` or ``UR5``."""
    tcp: tuple[float, ...] = (0.0, 0.0, 0.145, 0.0, 0.0, 0.0)
    """Tool centre point as a pose to the flange; the default is a Robotiq 2F-85's."""
    payload_kg: float = 1.0
    """Mass at the flange; a Robotiq 2F-85 with its coupling and a camera."""
    payload_cog: tuple[float, float, float] = (0.0, 0.0, 0.06)
    """Its centre of gravity in the flange's frame [m]."""
    limits: Limits = field(default_factory=Limits)
    rate_hz: float = 125.0
    """Of the servo, 125 to 500."""
    lookahead_s: float = 0.1
    """``servoJ``'s smoothing, 0.03 to 0.2."""
    lag_s: float = 0.1
    """By which the arm follows ``servoJ`` late, and setpoints lead it. The simulator's is
    ``lookahead_s`` exactly; measure an arm's (``docs/ur5_bench_guide.md``), rather take less."""
    latency_s: float = 0.004
    """How old a reading is when it arrives [s]."""
    gain: float = 300.0
    """``servoJ``'s proportional gain, 100 to 2000."""
    watchdog_hz: float = 10.0
    """The controller stops the arm when it hears less often than this."""
    stale_s: float = 0.1
    """How old a reading of the controller's clock may be; half of it counts as late."""
    deadman_s: float = 0.2
    """After this long without a target the arm brakes and holds."""

    def __post_init__(self) -> None:
        """Refuse what the controller or the promises of this driver do not allow."""
        allowed = {
            "rate_hz": (125.0, 500.0),
            "lookahead_s": (0.03, 0.2),
            "lag_s": (0.0, 0.2),
            "latency_s": (0.0, 0.2),
            "gain": (100.0, 2000.0),
            "watchdog_hz": (2.0, 50.0),
            "stale_s": (0.02, 1.0),
            "deadman_s": (0.05, 5.0),
            "payload_kg": (0.0, 5.0),
        }
        for name, (low, high) in allowed.items():
            require_number(name, getattr(self, name), low, high)
        require_numbers("tcp", self.tcp, 6, -2.0 * math.pi, 2.0 * math.pi)
        require_numbers("The position in tcp [m]", self.tcp[:3], 3, -1.0, 1.0)
        require_numbers("payload_cog", self.payload_cog, 3, -1.0, 1.0)
        arm_model(self.arm)

    @property
    def ripple(self) -> float:
        """Return how much faster than its setpoints the arm is at first in each period."""
        return ripple(1.0 / self.rate_hz, self.lag_s)

    def to_json(self) -> dict[str, object]:
        """Return plain JSON data."""
        return {**asdict(self), "limits": self.limits.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> ArmSettings:
        """Return the settings that ``to_json`` wrote."""
        limits = Limits.from_json(data["limits"])  # type: ignore[arg-type]
        values: dict[str, Any] = dict(data)
        values.update(tcp=tuple(values["tcp"]), payload_cog=tuple(values["payload_cog"]))
        return cls(**{**values, "limits": limits})
