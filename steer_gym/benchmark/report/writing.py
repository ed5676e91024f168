"""Write the report of a folder: the page, and figures, tables, films and numbers as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from steer_gym.extras import require
from steer_gym.results import atomic_path

from .figures import save_figures
from .films import paired_film
from .folder import report_folder
from .numbers import answers, numbers
from .outcomes import OUTCOMES
from .page import Chapter, chapter_html, provenance
from .questions import questions
from .sentences import baseline_said
from .study import Study, read_studies
from .table import slug
from .tables import differences, means, tests
from .template import PAGE, about
from .verdicts import Verdict, headings, summary, verdicts

ANSWERS = "answers.csv"
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
    """Report on every study under ``folder``, in the place of the last report in ``out``.

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
    out = Path(folder) / "report" if out is None else Path(out)
    with report_folder(out) as partial:
        chapters = [_chapter(study, partial, alone=len(studies) == 1) for study in studies]
        _write(partial / NUMBERS, numbers(studies))
        _write(partial / ANSWERS, answers((c.study, each) for c in chapters for each in c.asked))
        _write(partial / INDEX, _page(chapters, title))
    words = "\n\n".join(_words(chapter, titled=len(studies) > 1) for chapter in chapters)
    return Report(page=out / INDEX, words=words)


def _page(chapters: Sequence[Chapter], title: str) -> str:
    studies = [chapter.study for chapter in chapters]
    policies = ", ".join(dict.fromkeys(study.policy for study in studies))
    return PAGE.substitute(
        title=escape(title or f"{policies}, steered by its neurons"),
        studies="\n".join(chapter_html(each, titled=len(chapters) > 1) for each in chapters),
        about=about({role.kind for study in studies for role in study.roles.values()}),
        provenance="<br>\n".join(map(escape, provenance(studies))),
    )


def _chapter(study: Study, out: Path, *, alone: bool) -> Chapter:
    prefix = "" if alone else f"{slug(study.name)}-"
    asked = questions(study)
    found = verdicts(study, asked)
    tables = [tests(study, asked), differences(study), means(study)]
    for table in tables:
        _write(out / TABLES / f"{prefix}{table.name}.csv", table.csv())
        _write(out / TABLES / f"{prefix}{table.name}.tex", table.latex())
    return Chapter(
        study=study,
        asked=asked,
        verdicts=found,
        figures=save_figures(study, asked, out / FIGURES, prefix),
        tables=tables,
        films=_films(study, found, out / FILMS, prefix),
    )


def _films(study: Study, found: Sequence[Verdict], folder: Path, prefix: str) -> dict[str, Path]:
    """Write paired films, of the conditions that speak for their concepts first."""
    speaking = [verdict.question.role.name for verdict in found]
    order = list(dict.fromkeys([*speaking, *study.roles]))
    rows = [row for row in study.rows if row["condition"] != study.baseline]
    rows.sort(key=lambda row: order.index(row["condition"]))
    films: dict[str, Path] = {}
    for row in rows:
        path = folder / f"{prefix}{row['key']}.mp4"
        if len(films) < MOST_FILMS and paired_film(study, row, path):
            films[row["key"]] = path
    return films


def _words(chapter: Chapter, *, titled: bool) -> str:
    lines = [f"{chapter.study.name}"] if titled else []
    lines += [summary(chapter.verdicts), baseline_said(chapter.study)]
    for heading, each in zip(headings(chapter.verdicts), chapter.verdicts, strict=True):
        said = f"{heading} {OUTCOMES[each.outcome]}. {each.said}"
        lines.append(" ".join([said, *each.beside, *each.cautions]))
    return "\n".join(lines)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")
