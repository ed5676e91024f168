"""Tables of numbers with their intervals, as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from steer_gym.statistics import Estimate

from .rows import Row
from .summary import Comparison, Summary, compare, summarise


@dataclass(frozen=True, kw_only=True)
class Column:
    """One measure as people read it."""

    measure: str
    """``success``, or one of ``summary.MEASURES``."""
    title: str
    unit: str
    decimals: int
    factor: float = 1.0
    """From the measure's unit to ``unit``."""

    def of(self, source: Summary | Comparison) -> Estimate:
        """Return the column's estimate, in the measure's own unit."""
        if self.measure == "success":
            return source.success
        means = source.means if isinstance(source, Summary) else source.differences
        return means[self.measure]

    def text(self, estimate: Estimate, *, signed: bool = False) -> str:
        """Return an estimate and its interval; a lone observation has none."""
        if math.isnan(estimate.value):
            return "-"
        sign = "+" if signed else ""
        value, low, high = (
            f"{self.factor * number:{sign}.{self.decimals}f}"
            for number in (estimate.value, estimate.low, estimate.high)
        )
        return value if math.isinf(estimate.low) else f"{value} [{low}, {high}]"


COLUMNS = (
    Column(measure="success", title="success", unit="%", decimals=0, factor=100),
    Column(measure="commanded_displacement", title="commanded", unit="1 = full", decimals=2),
    Column(measure="speed_m_s", title="speed", unit="m/s", decimals=3),
    Column(measure="greatest_height_m", title="greatest height", unit="m", decimals=3),
    Column(measure="carried_height_m", title="carried height", unit="m", decimals=3),
    Column(measure="invalid_token_rate", title="invalid tokens", unit="%", decimals=1, factor=100),
    Column(measure="saturated_rate", title="saturated", unit="%", decimals=0, factor=100),
    Column(measure="steps", title="length", unit="steps", decimals=0),
)
"""What tables show. *commanded*: mean norm of the commanded translation; *saturated*: share of
steps at full deflection."""


def report(rows: Sequence[Row]) -> str:
    """Return the table of all conditions, and their paired differences against the baseline.

    That is what the rows call so; of rows that call none so, the first condition.
    """
    summaries = summarise(rows)
    if not summaries:
        return "No episode has ended."
    parts = [
        "Mean of each condition [95 % interval]",
        grid_text([*_head("episodes"), *map(_means, summaries)]),
    ]
    names = [summary.condition for summary in summaries]
    baseline = rows[0].get("baseline") or names[0]
    others = [name for name in names if name != baseline]
    if baseline not in names:
        parts.append(f"\nNo episode of {baseline} has been run, so there are no differences to it.")
    elif others:
        comparisons = [compare(rows, name, baseline) for name in others]
        parts += [
            f"\nDifference to {baseline}, paired over task and initial state [95 % interval]",
            grid_text([*_head("pairs"), *map(_differences, comparisons)]),
        ]
    return "\n".join(parts)


def grid_text(rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            text.ljust(width) if place == 0 else text.rjust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def _head(counted: str) -> list[list[str]]:
    titles, units = [column.title for column in COLUMNS], [column.unit for column in COLUMNS]
    return [["", counted, *titles], ["", "", *units]]


def _means(summary: Summary) -> list[str]:
    count = f"{summary.success.count}"
    crashed = f" + {summary.crashed} crashed" if summary.crashed else ""
    cells = [column.text(column.of(summary)) for column in COLUMNS]
    return [summary.condition, f"{count}{crashed}", *cells]


def _differences(comparison: Comparison) -> list[str]:
    cells = [column.text(column.of(comparison), signed=True) for column in COLUMNS]
    return [comparison.condition, f"{comparison.success.count}", *cells]
