"""The figures of a study, with the words below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from steer_gym.figure_style import colour, save

from .columns import column
from .doses import lines, measured, published, surfaces
from .forest import DENSE, forest
from .page import Figure
from .questions import Question
from .study import Study
from .table import slug
from .traces import traces
from .tradeoff import tradeoff

Drawn = tuple[str, str, str, Any]
"""Name of its files, title, caption, matplotlib figure or ``None``."""
MOST_TRACES = 6

DIFFERENCES = (
    "Dots are means of pairs, a line is the 95 % interval over tasks (none where pairs are too "
    "few); a ring is the mean over equal lengths. Faint dots are the pairs, left out from "
    f"{DENSE} conditions on."
)
TRADEOFF = (
    "To the right is what the name promises. Diamond: the baseline; triangles: told in words; "
    "crosses: random neurons; vertical lines: Wilson's 95 % interval. The line joins what nothing "
    "beats in both."
)
DOSE = (
    "Mean over all episodes; the band is the 95 % interval of the paired difference to the "
    "baseline (dotted), none where pairs are too few. Crosses: random neurons. Rings: equal length."
)


def save_figures(
    study: Study, asked: Sequence[Question], folder: Path, prefix: str
) -> list[Figure]:
    """Draw what the study has something for, and write it as SVG and PNG."""
    return [
        Figure(title=title, caption=caption, svg=save(drawing, folder, f"{prefix}{name}"))
        for name, title, caption, drawing in (*_doses(study), *_general(study, asked))
        if drawing is not None
    ]


def _general(study: Study, asked: Sequence[Question]) -> Iterator[Drawn]:
    shown = list(dict.fromkeys(q.full.measure for q in asked if q.full.pairs))[:3]
    yield "differences", "All episodes, in pairs", DIFFERENCES, forest(study, asked, shown)
    yield "tradeoff", "Success against effect", TRADEOFF, tradeoff(study, asked)
    yield "traces", "One initial state over time", *_traces(study, asked)


def _doses(study: Study) -> Iterator[Drawn]:
    for measure, group in published(study).items():
        concepts = " and ".join(dict.fromkeys(role.label for role in group))
        both = measured(group, measure)
        yield f"dose-{slug(concepts)}", f"Dose: {concepts}", DOSE, lines(study, group, both)
        for each in both:
            shown = column(each)
            yield (
                f"surface-{slug(concepts)}-{slug(each)}",
                f"Dose and size: {concepts}, {shown.title}",
                f"Means over all episodes, {shown.title} [{shown.unit}] upwards.",
                surfaces(study, group, each),
            )


def _traces(study: Study, asked: Sequence[Question]) -> tuple[str, Any]:
    """Return caption and plot of the first place, unsteered and under each concept's most."""
    strongest: dict[str, Question] = {}
    for each in asked:
        known = strongest.get(each.role.label)
        if each.role.kind == "steered" and (known is None or abs(each.along) > abs(known.along)):
            strongest[each.role.label] = each
    names = [study.baseline, *dict.fromkeys(each.role.name for each in strongest.values())]
    for place in [*study.ended[study.baseline]][:1]:
        rows = [study.ended[n][place] for n in names[:MOST_TRACES] if place in study.ended[n]]
        found = {row["condition"]: study.steps(row) for row in rows}
        steps = {name: taken for name, taken in found.items() if taken}
        tints = {name: colour(study.roles[name].label) for name in steps}
        tints[study.baseline] = colour("unsteered")
        rate = (rows[0].get("convention") or {}).get("rate_hz", 20.0)
        keys = ", ".join(row["key"] for row in rows)
        return f"Episodes: {keys}.", traces(steps, tints, rate) if steps else None
    return "", None
