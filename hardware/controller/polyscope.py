"""PolyScope versions."""

from __future__ import annotations

from dataclasses import dataclass

from steer_gym.errors import SteerGymError

SPOKEN = ((3, 15), *((5, minor) for minor in range(24)))
"""Major and minor versions."""


class PolyScopeError(SteerGymError, ValueError):
    """A version that is none, or that is not spoken here."""


@dataclass(frozen=True, order=True)
class PolyScope:
    """A PolyScope version; 3.x is CB3 (125 Hz), 5.x e-Series (500 Hz)."""

    major: int
    minor: int
    bugfix: int = 0

    @classmethod
    def parse(cls, text: str) -> PolyScope:
        """Return the version written as ``"5.11.5"``.

        Raises:
            PolyScopeError: It is not 3.15, nor one of 5.0 to 5.23.
        """
        try:
            version = cls(*(int(part) for part in text.split(".")))
        except (TypeError, ValueError):
            raise PolyScopeError(f"A PolyScope version is written 5.11.5, not {text!r}.") from None
        if (version.major, version.minor) not in SPOKEN or version.bugfix < 0:
            raise PolyScopeError(f"PolyScope {text} is not spoken; 3.15 and 5.0 to 5.23 are.")
        return version

    @property
    def cb3(self) -> bool:
        """Tell whether it runs on a CB3 controller, before the e-Series."""
        return self.major == 3

    @property
    def rate_hz(self) -> int:
        """Return the rate of the control loop."""
        return 125 if self.cb3 else 500

    def reached(self, cb3: str, e_series: str) -> bool:
        """Tell whether this is at least the version of its own series; "" is never."""
        first = cb3 if self.cb3 else e_series
        wanted = tuple(int(part) for part in first.split(".")) if first else (99,)
        return (self.major, self.minor, self.bugfix) >= wanted

    def __str__(self) -> str:
        """Return the version as written, ``5.11.5``."""
        return f"{self.major}.{self.minor}.{self.bugfix}"
