"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How bad it is; the value is the mark that is printed."""

    GOOD = "ok"
    WARNING = "warn"
    """Works, with a difference that matters."""
    OPTIONAL = "-"
    """Absent; the demo does not need it."""
    GAP = "GAP"
    """The demo cannot run."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was looked at, and what was found."""

    subject: str
    level: Level
    found: str
    """A version, a device, or what is wrong."""
    mend: str = ""
    """The exact command that mends it."""
    purpose: str = ""
    """What it is for, shown where it is absent."""

    def text(self) -> str:
        """Return one or two lines."""
        purpose = f" ({self.purpose})" if self.purpose and self.level is not Level.GOOD else ""
        line = f"{self.level.value:<5}{self.subject:<20}{self.found}{purpose}"
        return line if not self.mend else f"{line}\n{'':<25}{self.mend}"
