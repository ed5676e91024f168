"""The demo's page: one HTML file that needs nothing else, films and plots inside."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from steer_gym.evaluation.rows import Row
from steer_gym.evaluation.steps import has_steps, read_steps
from steer_gym.evaluation.summary import Comparison, Summary, compare, summarise
from steer_gym.evaluation.table import COLUMNS
from steer_gym.results import atomic_path

from .design import Design
from .findings import findings
from .plots import colour, differences, traces
from .template import ABOUT, PAGE

PLOTTED = ("speed_m_s", "carried_height_m")


def write_page(
    path: Path, rows: Sequence[Row], design: Design, *, policy: str, rate_hz: float
) -> None:
    """Write the page, whole or not at all.

    Args:
        path: Of the HTML file; ``films`` and ``steps`` of the evaluation are beside it.
        rows: Of the episodes.
        design: What was compared.
        policy: Its name.
        rate_hz: Control rate.
    """
    page = PAGE.substitute(
        policy=escape(policy),
        scope=escape(_scope(rows, design)),
        findings=_items(findings(rows, design)),
        films=_films(path.parent, rows, design),
        traces=_plot(_traces(path.parent, design, rate_hz), "Speed and height over time"),
        differences=_plot(
            differences(rows, design.baseline, _measured(rows)), "Differences to the baseline"
        ),
        means=_table("episodes", map(_means, summarise(rows))),
        paired=_table("pairs", _paired(rows, design.baseline)),
        baseline=escape(design.baseline),
        about=ABOUT,
        provenance=escape(_provenance(rows)),
    )
    with atomic_path(path) as partial:
        partial.write_text(page, encoding="utf-8")


def data_uri(kind: str, content: bytes) -> str:
    """Return ``content`` as a URI that holds all of it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _scope(rows: Sequence[Row], design: Design) -> str:
    grid = design.grid
    solved = {row["instruction"] for row in rows if row["condition"] == design.baseline}
    tasks = "; ".join(sorted(solved))
    planned = len(grid.cells())
    return (
        f"{len(rows)} episodes of {planned} planned, in {grid.env}, under {len(grid.conditions)} "
        f"conditions from the same initial states. Tasks: {tasks or 'none yet'}."
    )


def _measured(rows: Sequence[Row]) -> list[str]:
    """Return what is plotted, without measures that no episode has."""
    return [m for m in PLOTTED if any(row[m] is not None for row in rows)] or [PLOTTED[0]]


def _items(paragraphs: Iterable[Sequence[str]]) -> str:
    lines = []
    for first, *rest in paragraphs:
        name, _, said = first.partition(": ")
        more = f"<br><span>{escape(' '.join(rest))}</span>" if rest else ""
        lines.append(
            f'<li style="--c:{colour(name)}"><b>{escape(name)}</b> {escape(said)}{more}</li>'
        )
    return "\n".join(lines)


def _films(folder: Path, rows: Sequence[Row], design: Design) -> str:
    by_key = {row["key"]: row for row in rows}
    cards = []
    for key, condition in design.films().items():
        film = folder / "films" / f"{key}.mp4"
        if key in by_key and film.is_file():
            source = data_uri("video/mp4", film.read_bytes())
            cards.append(
                f'<figure style="--c:{colour(condition)}"><video src="{source}" autoplay muted '
                f"loop playsinline controls></video><figcaption><b>{escape(condition)}</b><br>"
                f"{escape(_caption(by_key[key]))}</figcaption></figure>"
            )
    return "\n".join(cards) or "<p>No film: its episodes have not ended.</p>"


def _caption(row: Row) -> str:
    end = "crashed" if row["error"] else "solved" if row["success"] else "not solved"
    facts = [f"{end} after {row['steps']} steps"]
    facts += [f"{row['speed_m_s']:.3f} m/s"] if row["speed_m_s"] is not None else []
    carried = row["carried_height_m"]
    return ", ".join([*facts, *([] if carried is None else [f"carried to {carried:.2f} m"])])


def _traces(folder: Path, design: Design, rate_hz: float) -> str | None:
    """Return the plot of the filmed episodes, unsteered and steered."""
    shown = {design.baseline, *(contrast.steered for contrast in design.contrasts)}
    keys = {name: key for key, name in design.films().items() if name in shown}
    found = {name: read_steps(folder, key) for name, key in keys.items() if has_steps(folder, key)}
    steps = {name: taken for name, taken in found.items() if taken}
    return traces(steps, rate_hz) if steps else None


def _plot(svg: str | None, words: str) -> str:
    if svg is None:
        return ""
    return f'<img alt="{escape(words)}" src="{data_uri("image/svg+xml", svg.encode())}">'


def _table(counted: str, rows: Iterable[Sequence[str]]) -> str:
    titles = [f"{escape(c.title)}<br><small>{escape(c.unit)}</small>" for c in COLUMNS]
    head = "".join(f"<th>{title}</th>" for title in ("", counted, *titles))
    body = "".join(
        f'<tr style="--c:{colour(name)}"><th>{escape(name)}</th>'
        + "".join(f"<td>{_cell(text)}</td>" for text in cells)
        + "</tr>"
        for name, *cells in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(text: str) -> str:
    value, bracket, interval = escape(text).partition(" [")
    return f"{value}<br><small>[{interval}</small>" if bracket else value


def _means(summary: Summary) -> list[str]:
    crashed = f", {summary.crashed} crashed" if summary.crashed else ""
    cells = [column.text(column.of(summary)) for column in COLUMNS]
    return [summary.condition, f"{summary.success.count}{crashed}", *cells]


def _paired(rows: Sequence[Row], baseline: str) -> Iterable[list[str]]:
    names = dict.fromkeys(row["condition"] for row in rows)
    for name in names:
        if name != baseline:
            against: Comparison = compare(rows, name, baseline)
            cells = [column.text(column.of(against), signed=True) for column in COLUMNS]
            yield [name, f"{against.success.count}", *cells]


def _provenance(rows: Sequence[Row]) -> str:
    facts: Mapping[str, Any] = {} if not rows else rows[-1]["provenance"] | rows[-1]["policy"]
    return ", ".join(f"{name} {value}" for name, value in facts.items() if value)
