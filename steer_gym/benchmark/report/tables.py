"""The tables of a study: what was asked, differences, means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from steer_gym.evaluation.rows import Row
from steer_gym.evaluation.table import Column
from steer_gym.figure_style import colour
from steer_gym.statistics import bootstrap_mean, wilson

from .columns import SHOWN, column
from .differences import Version, difference
from .questions import Question
from .study import Study
from .table import Line, Table

DASH = "-"


def tests(study: Study, asked: Sequence[Question]) -> Table:
    """Return the table of what was asked: sizes, intervals, p values and what success did."""
    head = [
        ("measure", ""), ("pairs", ""), ("full length", "95 % interval"),
        ("equal length", "95 % interval"), ("relative", "%"), ("d", "of pairs"),
        ("success", "% points"), ("p", "alone and corrected"),
        ("against random", "95 % interval"), ("p", "max-T"),
    ]  # fmt: skip
    lines = [
        Line(
            name=each.role.name,
            tint=colour(each.role.label, each.role.kind),
            cells=tuple(_test_cells(study, each)),
        )
        for each in asked
        if each.full.pairs
    ]
    return Table(name="tests", title="What was asked", head=tuple(head), lines=tuple(lines))


def means(study: Study) -> Table:
    """Return the means of every condition, over all episodes that ended, solved or not."""
    shown = _columns(row for row in study.rows if row["error"] is None)
    head = [("episodes", ""), *((each.title, each.unit) for each in shown)]
    lines = [
        Line(
            name=role.name,
            tint=colour(role.label, role.kind),
            cells=(_episodes(study, role.name), *(_mean(study, role.name, c) for c in shown)),
        )
        for role in study.roles.values()
    ]
    return Table(name="means", title="Means", head=tuple(head), lines=tuple(lines))


def differences(study: Study) -> Table:
    """Return the paired differences to the baseline, over full and over equal lengths."""
    shown = _columns(study.ended[study.baseline].values())
    head = [("over", ""), ("pairs", ""), *((each.title, each.unit) for each in shown)]
    versions: tuple[Version, ...] = ("full", "equal") if study.equal else ("full",)
    lines = [
        Line(
            name=role.name,
            tint=colour(role.label, role.kind),
            cells=tuple(_difference_cells(study, role.name, shown, version)),
            muted=version == "equal",
        )
        for role in study.roles.values()
        if role.name != study.baseline
        for version in versions
    ]
    title = f"Differences to {study.baseline}"
    return Table(name="differences", title=title, head=tuple(head), lines=tuple(lines))


def _columns(rows: Iterable[Row]) -> list[Column]:
    """Return the columns that some row has."""
    known = {name for row in rows for name in SHOWN if row.get(name) is not None}
    return [column(name) for name in SHOWN if name in known]


def _episodes(study: Study, condition: str) -> str:
    crashed = study.crashed(condition)
    return f"{len(study.ended[condition])}" + (f", {crashed} crashed" if crashed else "")


def _mean(study: Study, condition: str, shown: Column) -> str:
    rows = list(study.ended[condition].values())
    if shown.measure == "success":
        return shown.text(wilson(sum(row["success"] for row in rows), len(rows)))
    known = [row for row in rows if row.get(shown.measure) is not None]
    values = [float(row[shown.measure]) for row in known]
    return shown.text(bootstrap_mean(values, [row["task"] for row in known]))


def _difference_cells(
    study: Study, condition: str, shown: Iterable[Column], version: Version
) -> Iterable[str]:
    found = [difference(study, condition, study.baseline, c.measure, version) for c in shown]
    yield "full length" if version == "full" else "equal length"
    yield str(max((each.estimate.count for each in found), default=0))
    for each in found:
        yield column(each.measure).text(each.estimate, signed=True)


def _test_cells(study: Study, each: Question) -> Iterable[str]:
    shown = column(each.full.measure)
    success = difference(study, each.role.name, study.baseline, "success")
    yield f"{shown.title} [{shown.unit}]"
    yield str(each.full.estimate.count)
    yield shown.text(each.full.estimate, signed=True)
    yield shown.text(each.equal.estimate, signed=True)
    yield _plain(100 * each.full.relative, "+.0f")
    yield _plain(each.size.standardised, "+.2f")
    yield _plain(100 * success.estimate.value, "+.0f")
    corrected = f" [Holm {_p(each.p_holm)}, max-T {_p(each.p_max_t)}]"
    yield _p(each.p) + (corrected if np.isfinite(each.p_holm) else "")
    yield DASH if each.beyond is None else shown.text(each.beyond.estimate, signed=True)
    yield _p(each.p_beyond)


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else _plain(value, ".3f")


def _plain(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else DASH
