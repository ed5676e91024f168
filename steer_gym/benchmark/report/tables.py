"""Tables of a study, as HTML, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

from steer_gym.evaluation.table import Column
from steer_gym.statistics import bootstrap_mean, wilson

from .columns import SHOWN, column
from .differences import Version, difference
from .questions import Question
from .study import Study
from .style import colour

DASH = "-"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of a table."""

    name: str
    """Of the condition; the row's numbers come from its episodes."""
    tint: str
    cells: tuple[str, ...]
    muted: bool = False
    """Whether it goes with the row above."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table whose first column names conditions."""

    name: str
    """Of its files."""
    title: str
    head: tuple[tuple[str, str], ...]
    """Title and unit of every further column."""
    lines: tuple[Line, ...]
    linked: bool = True
    """Whether the page also lists the rows of every condition."""

    def html(self, anchors: str) -> str:
        """Return a table element; names link to ``#<anchors><slug>``, where their rows are."""
        titles = "".join(
            f"<th>{escape(t)}<br><small>{escape(u)}</small></th>" for t, u in self.head
        )
        body = "".join(_html_line(line, anchors if self.linked else None) for line in self.lines)
        return f"<table><thead><tr><th></th>{titles}</tr></thead><tbody>{body}</tbody></table>"

    def csv(self) -> str:
        """Return comma-separated values."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(["condition", *(f"{t} [{u}]" if u else t for t, u in self.head)])
        writer.writerows([line.name, *line.cells] for line in self.lines)
        return written.getvalue()

    def latex(self) -> str:
        """Return a tabular of the package booktabs."""
        rows = [
            ["", *(t for t, _ in self.head)],
            ["", *(f"[{u}]" if u else "" for _, u in self.head)],
        ]
        head = [" & ".join(map(latex_text, row)) + r" \\" for row in rows]
        body = [
            " & ".join(map(latex_text, (line.name, *line.cells))) + r" \\" for line in self.lines
        ]
        columns = "l" + "r" * len(self.head)
        return "\n".join(
            [
                rf"\begin{{tabular}}{{{columns}}}",
                *(r"\toprule", *head, r"\midrule", *body, r"\bottomrule"),
                r"\end{tabular}",
                "",
            ]
        )


def slug(text: str) -> str:
    """Return a name that is fit for files and anchors."""
    return "".join(c if c.isalnum() else "-" for c in text.lower()).strip("-")


def latex_text(text: str) -> str:
    """Return text with what LaTeX takes for commands escaped."""
    marks = {"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "²": "$^2$", "³": "$^3$"}
    return "".join(marks.get(letter, letter) for letter in text.replace("<", "$<$"))


def tests(study: Study, asked: Sequence[Question]) -> Table:
    """Return the table of what was asked: sizes, intervals, p values and what success did."""
    head = [
        ("measure", ""), ("pairs", ""), ("full length", "95 % interval"),
        ("equal length", "95 % interval"), ("relative", "%"), ("d", "of pairs"),
        ("greater", "% of pairs"), ("success", "% points"), ("p", "alone and corrected"),
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
    shown = _columns(study)
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
    shown = _columns(study)
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


def _html_line(line: Line, anchors: str | None) -> str:
    kind = ' class="muted"' if line.muted else ""
    name = "" if line.muted else escape(line.name)
    if name and anchors is not None:
        name = f'<a href="#{anchors}{slug(line.name)}">{name}</a>'
    cells = "".join(f"<td>{_cell(text)}</td>" for text in line.cells)
    return f'<tr{kind} style="--c:{line.tint}"><th>{name}</th>{cells}</tr>'


def _cell(text: str) -> str:
    value, bracket, interval = escape(text).partition(" [")
    return f"{value}<br><small>[{interval}</small>" if bracket else value


def _columns(study: Study) -> list[Column]:
    return [
        column(name)
        for name in SHOWN
        if any(row.get(name) is not None for row in study.rows if row["error"] is None)
    ]


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
    yield _plain(100 * each.size.greater, ".0f")
    yield _plain(100 * success.estimate.value, "+.0f")
    corrected = f" [Holm {_p(each.p_holm)}, max-T {_p(each.p_max_t)}]"
    yield _p(each.p) + (corrected if np.isfinite(each.p_holm) else "")
    yield DASH if each.beyond is None else shown.text(each.beyond.estimate, signed=True)
    yield _p(each.p_beyond)


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else _plain(value, ".3f")


def _plain(value: float, form: str) -> str:
    return format(value, form) if np.isfinite(value) else DASH
