"""Write the comparison of two runs: a page, a figure, a table."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from steer_gym.errors import ResultsError
from steer_gym.extras import require
from steer_gym.figure_style import INK, colour, drawn, save
from steer_gym.results import atomic_path

from .columns import column
from .comparison import Comparison, Shift, compare_studies, matched, said, shift_text
from .folder import report_folder
from .page import data_uri
from .study import read_studies
from .table import Line, Table, slug
from .template import PAGE
from .writing import FIGURES, INDEX, TABLES, Report

ABOUT = """
<p>An effect is a condition minus its baseline, within each task and initial state. Its change is
taken within the places (environment, task, initial state) that both runs have; brackets hold its
95 % interval, Student's over tasks where there are several; p is by flipping signs, not corrected.
The report of each run says how its own numbers came about.</p>
"""


def write_comparison(one: str | Path, other: str | Path, out: str | Path) -> Report:
    """Compare the run in ``other`` with that in ``one``.

    Raises:
        ResultsError: A folder holds no episodes, or they share no policy and suite.
    """
    require("matplotlib", extra="bench")
    studies = read_studies(one), read_studies(other)
    pairs = matched(*studies)
    if not pairs:
        ours, theirs = (", ".join(study.name for study in each) for each in studies)
        raise ResultsError(
            f"{one} ({ours}) and {other} ({theirs}) share no policy in a suite, so there is no "
            "change. Give two runs of the same."
        )
    found = [compare_studies(*pair) for pair in pairs]
    names = Path(one).name, Path(other).name
    with report_folder(out) as folder:
        page = PAGE.substitute(
            title=escape(f"{names[0]} and then {names[1]}"),
            studies="\n".join(_study_html(each, folder, names, len(found) > 1) for each in found),
            about=ABOUT,
            provenance=escape(f"{one}, {other}"),
        )
        with atomic_path(folder / INDEX) as partial:
            partial.write_text(page, encoding="utf-8")
    return Report(
        page=Path(out) / INDEX, words="\n\n".join("\n".join(said(each)) for each in found)
    )


def _study_html(found: Comparison, out: Path, names: tuple[str, str], titled: bool) -> str:
    first, *rest = said(found)
    prefix = f"{slug(found.one.name)}-" if titled else ""
    table = _table(found.shifts, names)
    for kind, text in (("csv", table.csv()), ("tex", table.latex())):
        with atomic_path(out / TABLES / f"{prefix}changes.{kind}") as partial:
            partial.write_text(text, encoding="utf-8")
    parts = [f"<h2>{escape(found.one.name)}</h2>" if titled else ""]
    parts += [f'<p class="lead">{escape(first)}</p>']
    parts += [f"<p>{escape(sentence)}</p>" for sentence in rest]
    if found.shifts:
        svg = save(_drawing(found.shifts, names), out / FIGURES, f"{prefix}changes")
        source = data_uri("image/svg+xml", svg.encode())
        parts.append(f'<h2>Effects, before and now</h2><img alt="Effects" src="{source}">')
        parts.append(f"<section>{table.html('')}</section>")
    return "\n".join(parts)


def _table(shifts: Sequence[Shift], names: tuple[str, str]) -> Table:
    head = [("measure", ""), *((name, "effect") for name in names), ("change", "95 % interval, p")]
    lines = [
        Line(
            name=each.one.role.name,
            tint=colour(each.one.role.label, each.one.role.kind),
            cells=(
                _titled(each),
                *(
                    column(q.full.measure).text(q.full.estimate, signed=True)
                    for q in (each.one, each.other)
                ),
                shift_text(each),
            ),
        )
        for each in shifts
    ]
    return Table(
        name="changes", title="Changes", head=tuple(head), lines=tuple(lines), linked=False
    )


def _titled(shift: Shift) -> str:
    shown = column(shift.one.full.measure)
    return f"{shown.title} [{shown.unit}]"


def _drawing(shifts: Sequence[Shift], names: tuple[str, str]) -> Any:
    """Return both runs' effects, a panel a measure."""
    panels: dict[str, list[Shift]] = {}
    for each in shifts:
        panels.setdefault(each.one.full.measure, []).append(each)

    def draw(axes: Sequence[Any]) -> None:
        for axis, (measure, inside) in zip(axes, panels.items(), strict=True):
            shown = column(measure)
            for place, each in enumerate(inside):
                tint = colour(each.one.role.label, each.one.role.kind)
                for question, offset in ((each.one, -0.14), (each.other, 0.14)):
                    full, filled = question.full.estimate, question is each.other
                    bounds = [shown.factor * full.low, shown.factor * full.high]
                    axis.plot(bounds, [place + offset] * 2, color=tint, linewidth=1.6)
                    axis.plot(
                        [shown.factor * full.value], [place + offset], "o", markersize=6,
                        markeredgecolor=tint, markerfacecolor=tint if filled else "white",
                    )  # fmt: skip
            axis.axvline(0, color=INK, linewidth=0.8)
            axis.set_yticks(range(len(inside)), [each.one.role.name for each in inside])
            axis.set_ylim(len(inside) - 0.5, -0.5)
            axis.grid(axis="y", visible=False)
            axis.set_xlabel(f"effect on {shown.title} [{shown.unit}]")
            axis.set_title(f"ring: {names[0]}, dot: {names[1]}", weight="normal", fontsize=8.5)

    height = 1.3 + 0.36 * max(len(inside) for inside in panels.values())
    return drawn(draw, panels=len(panels), height_in=height)
