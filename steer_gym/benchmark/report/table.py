"""A table as HTML, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from html import escape


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
