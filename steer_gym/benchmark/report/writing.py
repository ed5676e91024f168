"""Write the report of a folder: the page, and figures, tables, films and numbers as files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from steer_gym.extras import require
from steer_gym.results import atomic_path, writable_folder

from .columns import column
from .doses import lines, measured, published, surfaces
from .films import paired_film
from .forest import forest
from .numbers import numbers
from .page import Chapter, Figure, chapter_html, provenance
from .questions import Question, questions
from .study import Study, read_studies
from .style import colour, save
from .tables import differences, means, slug, tests
from .template import ABOUT, PAGE
from .traces import traces
from .tradeoff import tradeoff
from .verdicts import OUTCOMES, Verdict, baseline_said, summary, verdicts

INDEX, NUMBERS, FIGURES, TABLES, FILMS = "index.html", "numbers.csv", "figures", "tables", "paired"
MOST_FILMS = 12
"""On the page; a page of more is slow to open."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written."""

    page: Path
    words: str
    """The verdict as text."""


def write_report(folder: str | Path, out: str | Path | None = None, *, title: str = "") -> Report:
    """Report on every study under ``folder``.

    Args:
        folder: Of a benchmark, of ``steer-gym eval`` or of the demo.
        out: Folder of the report; ``None``: ``report`` inside ``folder``.
        title: Of the page; empty: the policies' names.

    Raises:
        ResultsError: There are no episodes, or ``out`` cannot be written.
        MissingPackageError: The extra ``bench`` is not installed.
    """
    require("matplotlib", extra="bench")
    studies = read_studies(folder)
    out = writable_folder(Path(folder) / "report" if out is None else out)
    chapters = [_chapter(study, out, alone=len(studies) == 1) for study in studies]
    policies = ", ".join(dict.fromkeys(study.policy for study in studies))
    page = PAGE.substitute(
        title=escape(title or f"{policies}, steered by its neurons"),
        studies="\n".join(chapter_html(each, titled=len(studies) > 1) for each in chapters),
        about=ABOUT,
        provenance=escape(provenance(studies)),
    )
    _write(out / NUMBERS, numbers(studies))
    _write(out / INDEX, page)
    words = "\n\n".join(_words(chapter, titled=len(studies) > 1) for chapter in chapters)
    return Report(page=out / INDEX, words=words)


def _chapter(study: Study, out: Path, *, alone: bool) -> Chapter:
    prefix = "" if alone else f"{slug(study.name)}-"
    asked = questions(study)
    found = verdicts(study, asked)
    figures = [*_figures(study, asked)]
    tables = [tests(study, asked), differences(study), means(study)]
    for figure in figures:
        save(figure.drawing, out / FIGURES, f"{prefix}{figure.name}")
    for table in tables:
        _write(out / TABLES / f"{prefix}{table.name}.csv", table.csv())
        _write(out / TABLES / f"{prefix}{table.name}.tex", table.latex())
    return Chapter(
        study=study,
        asked=asked,
        verdicts=found,
        figures=figures,
        tables=tables,
        films=_films(study, found, out / FILMS),
    )


def _figures(study: Study, asked: Sequence[Question]) -> Iterator[Figure]:
    """Yield the figures that the study has something for."""
    yield from _dose_figures(study)
    shown = list(dict.fromkeys(q.full.measure for q in asked if q.full.pairs))[:3]
    for name, title, drawing, caption in (
        (
            "differences", "All episodes, in pairs", forest(study, shown),
            "Faint dots are pairs, the large dot their mean, the line its 95 % interval over "
            "tasks; a ring is the mean over equal lengths.",
        ),
        (
            "tradeoff", "Success against effect", tradeoff(study, asked),
            "To the right is what the name promises. Diamond: the baseline; triangles: told in "
            "words; crosses: random neurons; vertical lines: Wilson's 95 % interval. The line "
            "joins what nothing beats in both.",
        ),
        (
            "traces", "The same initial state over time", _traces(study),
            "The first initial state of the first task.",
        ),
    ):  # fmt: skip
        if drawing is not None:
            yield Figure(name=name, title=title, caption=caption, drawing=drawing)


def _dose_figures(study: Study) -> Iterator[Figure]:
    for measure, group in published(study).items():
        concepts = " and ".join(dict.fromkeys(role.label for role in group))
        drawing = lines(study, group, measured(group, measure))
        if drawing is not None:
            yield Figure(
                name=f"dose-{slug(concepts)}",
                title=f"Dose: {concepts}",
                caption="Mean over all episodes; the band is the 95 % interval of the paired "
                "difference to the baseline (dotted). Dashed grey: random neurons. Rings: equal "
                "length.",
                drawing=drawing,
            )
        for each in measured(group, measure):
            surface = surfaces(study, group, each)
            if surface is not None:
                shown = column(each)
                yield Figure(
                    name=f"surface-{slug(concepts)}-{slug(each)}",
                    title=f"Dose and size: {concepts}, {shown.title}",
                    caption=f"Mean {shown.title} [{shown.unit}] over alpha and number of neurons.",
                    drawing=surface,
                )


def _traces(study: Study) -> object | None:
    """Return the plot of the first place that was kept, unsteered and steered."""
    shown = [study.baseline, *(role.name for role in study.of_kind("steered"))][:6]
    places = list(study.ended[study.baseline])
    for place in places[:1]:
        rows = [study.ended[name][place] for name in shown if place in study.ended[name]]
        steps = {row["condition"]: study.steps(row) for row in rows}
        steps = {name: taken for name, taken in steps.items() if taken}
        rate = (rows[0].get("convention") or {}).get("rate_hz", 20.0)
        tints = {name: colour(study.roles[name].label) for name in steps}
        tints[study.baseline] = colour("unsteered")
        return traces(steps, tints, rate) if steps else None
    return None


def _films(study: Study, found: Sequence[Verdict], folder: Path) -> dict[str, Path]:
    """Write paired films, of the conditions that speak for their concepts first."""
    speaking = [verdict.question.role.name for verdict in found]
    order = list(dict.fromkeys([*speaking, *study.roles]))
    rows = [row for row in study.rows if row["condition"] != study.baseline]
    rows.sort(key=lambda row: order.index(row["condition"]))
    films: dict[str, Path] = {}
    for row in rows:
        path = folder / f"{row['key']}.mp4"
        if len(films) < MOST_FILMS and paired_film(study, row, path):
            films[row["key"]] = path
    return films


def _words(chapter: Chapter, *, titled: bool) -> str:
    lines = [f"{chapter.study.name}"] if titled else []
    lines += [summary(chapter.verdicts), baseline_said(chapter.study)]
    for each in chapter.verdicts:
        said = f"{each.label} {OUTCOMES[each.outcome]}. {each.said}"
        lines.append(" ".join([said, *each.beside, *each.cautions]))
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")
