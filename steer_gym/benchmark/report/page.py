"""One study as HTML: verdict first, then films, figures, tables and rows."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from steer_gym.evaluation.rows import Row
from steer_gym.figure_style import colour

from .caveats import counted
from .columns import column
from .outcomes import OUTCOMES
from .questions import Question
from .roles import Role
from .sentences import baseline_said
from .study import Study
from .table import Table, slug
from .verdicts import Verdict, headings, summary

START = "for (const v of document.querySelectorAll('video')) { v.currentTime = 0; v.play(); }"
"""Starts all films together."""
TOGGLE = "this.paused ? this.play() : this.pause()"

LONG_TABLE = 30
"""A table of more lines is closed until somebody opens it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Figure:
    """A figure with the words below it."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Chapter:
    """What is told of one study."""

    study: Study
    asked: Sequence[Question]
    verdicts: Sequence[Verdict]
    figures: Sequence[Figure]
    tables: Sequence[Table]
    films: Mapping[str, Path]
    """Key of a row -> film of it beside its baseline."""


def chapter_html(chapter: Chapter, *, titled: bool) -> str:
    """Return one study; ``titled``: under its own name."""
    anchors = f"{slug(chapter.study.name)}-"
    name = f"<h2>{escape(chapter.study.name)}</h2>" if titled else ""
    lead = f'<p class="lead">{escape(summary(chapter.verdicts))}</p>'
    return "\n".join(
        [
            name,
            lead,
            f"<p>{escape(scope(chapter.study))}</p>",
            f"<ul>{_said(chapter)}</ul>",
            _films(chapter),
            *map(_figure, chapter.figures),
            *(_table(table, anchors) for table in chapter.tables),
            _rows(chapter, anchors),
        ]
    )


def data_uri(kind: str, content: bytes) -> str:
    """Return ``content`` as a URI that holds all of it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def scope(study: Study) -> str:
    """Return what was run, in a sentence or two."""
    told = {row["instruction"]: None for row in study.ended[study.baseline].values()}
    places = {place for episodes in study.ended.values() for place in episodes}
    tasks_run = counted(len({task for task, _ in places}), "task")
    states = f"{counted(len(places), 'initial state')} of {tasks_run}"
    listed = f": {'; '.join(told)}" if 0 < len(told) <= 4 else ""
    return (
        f"{counted(len(study.rows), 'episode')} in {study.rows[0]['env']} under {len(study.roles)} "
        f"conditions, from {states}{listed}."
    )


def _said(chapter: Chapter) -> str:
    study = chapter.study
    first = f'<li style="--c:{colour(study.baseline)}">{escape(baseline_said(study))}</li>'
    return first + "".join(
        f'<li style="--c:{colour(each.label)}"><h3><b>{escape(heading)}</b> '
        f"{escape(OUTCOMES[each.outcome])}</h3>{escape(each.said)}"
        f"{_further('', each.beside)}{_further('caution', each.cautions)}</li>"
        for heading, each in zip(headings(chapter.verdicts), chapter.verdicts, strict=True)
    )


def _further(kind: str, sentences: Sequence[str]) -> str:
    return f'<p class="{kind}">{escape(" ".join(sentences))}</p>' if sentences else ""


def _films(chapter: Chapter) -> str:
    by_key = {row["key"]: row for row in chapter.study.rows}
    cards = [
        _card(chapter.study.roles[by_key[key]["condition"]], by_key[key], path)
        for key, path in chapter.films.items()
    ]
    if not cards:
        return "<p>No film: none was made of a pair of episodes.</p>"
    button = f'<button type="button" onclick="{START}">start all together</button>'
    note = (
        "Left the baseline, right the condition, from the same initial state. A coloured frame "
        "shows that steering acts; a picture darkens when its episode is over."
    )
    return (
        f'<h2>Side by side {button}</h2><p class="note">{note}</p>'
        f'<div class="films">{"".join(cards)}</div>'
    )


def _card(role: Role, row: Row, path: Path) -> str:
    source = data_uri("video/mp4", path.read_bytes())
    return (
        f'<figure style="--c:{colour(role.label, role.kind)}"><video src="{source}" autoplay muted '
        f'loop playsinline onclick="{TOGGLE}"></video><figcaption><b>{escape(role.name)}</b><br>'
        f"{escape(_caption(row))}<br><small>{escape(row['key'])}</small></figcaption></figure>"
    )


def _caption(row: Row) -> str:
    end = "crashed" if row["error"] else "solved" if row["success"] else "not solved"
    facts = [f"{end} after {row['steps']} steps"]
    for measure in ("speed_m_s", "carried_height_m"):
        if row.get(measure) is not None:
            shown = column(measure)
            facts.append(f"{shown.title} {row[measure]:.{shown.decimals}f} {shown.unit}")
    return ", ".join(facts)


def _figure(figure: Figure) -> str:
    source = data_uri("image/svg+xml", figure.svg.encode())
    return (
        f"<h2>{escape(figure.title)}</h2>"
        f'<img alt="{escape(figure.title)}" src="{source}">'
        f'<p class="note">{escape(figure.caption)}</p>'
    )


def _table(table: Table, anchors: str) -> str:
    if len(table.lines) > LONG_TABLE:
        return (
            f'<h2>{escape(table.title)}</h2><details style="--c:var(--ink)"><summary>'
            f"{len(table.lines)} lines</summary>{table.html(anchors)}</details>"
        )
    return f"<h2>{escape(table.title)}</h2><section>{table.html(anchors)}</section>"


def _rows(chapter: Chapter, anchors: str) -> str:
    parts = ["<h2>The rows behind the numbers</h2>"]
    for role in chapter.study.roles.values():
        episodes = chapter.study.ended[role.name]
        body = "".join(f"<tr>{_row(row, chapter.study)}</tr>" for row in episodes.values())
        parts.append(
            f'<details class="rows" id="{anchors}{slug(role.name)}" '
            f'style="--c:{colour(role.label, role.kind)}"><summary>{escape(role.name)}: '
            f"{len(episodes)} episodes</summary><table><tbody>{body}</tbody></table></details>"
        )
    return "\n".join(parts)


def _row(row: Row, study: Study) -> str:
    base = study.ended[study.baseline].get((row["task"], row["init_state"]), {})
    against = base.get("key", "no baseline") if base is not row else ""
    return "".join(f"<td>{escape(str(text))}</td>" for text in (row["key"], against, _caption(row)))


def provenance(studies: Sequence[Study]) -> list[str]:
    """Return versions, commit, machine and policy of each study's last row, a line a study."""
    lines = []
    for study in studies:
        last = study.rows[-1]
        facts = {**last.get("provenance", {}), **last.get("policy", {})}
        said = ", ".join(f"{name} {value}" for name, value in facts.items() if value)
        lines.append(f"{study.name}: {said}" if len(studies) > 1 else said)
    return lines
