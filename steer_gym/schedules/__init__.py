"""How steering changes within an episode: ramps, windows, predicates, PID. Frozen values."""

from .base import Schedule
from .moment import QUANTITIES, Moment
from .pid import Pid
from .ramp import Ramp
from .when import When
from .window import Window

__all__ = ["QUANTITIES", "Moment", "Pid", "Ramp", "Schedule", "When", "Window"]
