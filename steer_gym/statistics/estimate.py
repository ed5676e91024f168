"""A number with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

CONFIDENCE = 0.95
"""Of every interval."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval."""

    value: float
    """Not a number when there is nothing to estimate it from."""
    low: float
    high: float
    count: int
    """How many observations it rests on."""

    @property
    def excludes_zero(self) -> bool:
        """Tell whether the whole interval lies on one side of zero."""
        return self.low > 0 or self.high < 0

    def within(self, low: float, high: float) -> Estimate:
        """Return the same with its interval cut to what is possible."""
        if math.isinf(self.low) or math.isnan(self.low):
            return self
        return replace(self, low=max(self.low, low), high=min(self.high, high))


NOTHING = Estimate(value=math.nan, low=math.nan, high=math.nan, count=0)
"""The estimate of what nobody has observed."""
