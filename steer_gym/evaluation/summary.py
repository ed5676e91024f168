"""From rows to a table: rates, means, and differences paired over (task, initial state)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from steer_gym.statistics import Estimate, bootstrap_mean, student_mean, wilson

from .rows import Row

MEASURES = (
    "steps",
    "commanded_displacement",
    "speed_m_s",
    "path_m",
    "greatest_height_m",
    "carried_height_m",
    "mean_height_m",
    "invalid_token_rate",
    "saturated_rate",
    "latency_s",
)
"""The columns that are averaged."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the episodes of one condition come to; crashed ones are counted and left out."""

    condition: str
    success: Estimate
    """Success rate with Wilson's interval."""
    means: dict[str, Estimate]
    """Of each of ``MEASURES``, over all episodes that ended, solved or not."""
    crashed: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One condition against the baseline, on the cells that both have finished."""

    condition: str
    baseline: str
    success: Estimate
    """Difference of the success rates."""
    differences: dict[str, Estimate]
    """Mean of condition minus baseline, of each of ``MEASURES``."""


def summarise(rows: Sequence[Row]) -> list[Summary]:
    """Return one summary a condition, in the order in which the conditions first appear."""
    return [_summary(name, of(rows, name)) for name in dict.fromkeys(r["condition"] for r in rows)]


def compare(rows: Sequence[Row], condition: str, baseline: str) -> Comparison:
    """Return the paired differences, with intervals over tasks where there are several."""
    pairs = paired(rows, condition, baseline)
    return Comparison(
        condition=condition,
        baseline=baseline,
        success=difference(pairs, "success"),
        differences={name: difference(pairs, name) for name in MEASURES},
    )


def difference(pairs: Sequence[tuple[Row, Row]], measure: str) -> Estimate:
    """Return the mean of first minus second, over the pairs in which both have the measure."""
    known = [(a, b) for a, b in pairs if None not in (a[measure], b[measure])]
    values = [float(a[measure]) - float(b[measure]) for a, b in known]
    estimate = student_mean(values, [a["task"] for a, _ in known])
    return estimate.within(-1, 1) if measure == "success" else estimate


def paired(rows: Sequence[Row], condition: str, baseline: str) -> list[tuple[Row, Row]]:
    """Return the rows of both conditions that share task and initial state, crashed ones left out.

    The first of each pair is the condition's.
    """
    base = {(r["task"], r["init_state"]): r for r in of(rows, baseline) if r["error"] is None}
    ended = [row for row in of(rows, condition) if row["error"] is None]
    return [(row, base[place]) for row in ended if (place := _place(row)) in base]


def of(rows: Sequence[Row], condition: str) -> list[Row]:
    """Return the rows of one condition."""
    return [row for row in rows if row["condition"] == condition]


def _place(row: Row) -> tuple[object, object]:
    return row["task"], row["init_state"]


def _summary(condition: str, rows: Sequence[Row]) -> Summary:
    ended = [row for row in rows if row["error"] is None]
    return Summary(
        condition=condition,
        success=wilson(sum(row["success"] for row in ended), len(ended)),
        means={
            name: bootstrap_mean([row[name] for row in ended if row[name] is not None])
            for name in MEASURES
        },
        crashed=len(rows) - len(ended),
    )
