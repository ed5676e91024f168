"""Sentences with numbers, as a person would say them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from .caveats import NOTABLE_RATE, counted, lost
from .columns import MORE, column
from .controls import draw_means
from .differences import Difference
from .outcomes import OUTCOMES, plural
from .questions import LEVEL, Question
from .study import Study

LITTLE_SUCCESS = 0.3
"""An unsteered policy that solves less has little to lose."""


def baseline_said(study: Study) -> str:
    """Return the sentences on the unsteered policy."""
    rows = study.ended[study.baseline].values()
    if not rows:
        return f"{study.baseline}: no episode has ended."
    solved = sum(row["success"] for row in rows)
    said = f"{study.baseline}: solved {solved} of {counted(len(rows), 'episode')}."
    if solved / len(rows) < LITTLE_SUCCESS:
        said += " It solves little by itself, so that failure says little of steering."
    rates = [row["invalid_token_rate"] for row in rows if row.get("invalid_token_rate")]
    if sum(rates) / len(rows) >= NOTABLE_RATE:
        share = sum(rates) / len(rows)
        said += f" {share:.0%} of its tokens are no actions, before any steering."
    return said


def effect_said(study: Study, best: Question) -> str:
    """Return the sentence with the numbers of the condition that speaks for a concept."""
    full, shown = best.full, column(best.full.measure)
    name = best.role.name
    pairs = counted(full.estimate.count, "pair")
    if not full.estimate.count:
        return f"{name}: no pair of episodes has ended, so nothing can be said."
    verb = MORE[full.measure, 1 if full.estimate.value > 0 else -1]
    unclear = "too few pairs to tell" if best.smallest > LEVEL else "no clear change"
    what = f"the arm {verb}" if best.moved else f"{unclear} of {shown.title}"
    share = f", {full.relative:+.0%}" if best.moved and full.before else ""
    numbers = f"{number(full)}{share}, over {pairs}, {p_text(best.corrected)}"
    success = lost(study, name)
    rate = f"it solved {success.after:.0%} ({full.reference} {success.before:.0%})"
    said = f"{what} ({numbers}); {rate}."
    return f"{said[:1].upper()}{said[1:]}" if name == best.role.label else f"{name}: {said}"


def doses_said(group: Sequence[Question], became: dict[str, str], key: str) -> list[str]:
    """Return what became of a concept's other settings."""
    if len(group) == 1:
        return []
    counts = Counter(became.values())
    same = f"{counts[key]} of its {len(group)} settings {'come' if counts[key] > 1 else 'comes'}"
    others = [
        f"{counts[k]} {plural(OUTCOMES[k], 'the name says') if counts[k] > 1 else OUTCOMES[k]}"
        for k in OUTCOMES
        if k != key and counts[k]
    ]
    return ["; ".join([f"{same} to that", *others]) + "."]


def random_said(study: Study, best: Question, control: Question) -> str:
    """Return what random neurons did, and how the concept differs from them."""
    full = control.full
    if not full.estimate.count:
        return f"{_capital(full.condition)}: no pair has ended."
    between, beyond = best.beyond, ""
    if between is not None and between.estimate.count and between.reference == full.condition:
        beyond = f"; against them {number(between)}, {p_text(best.p_beyond)}"
    said = f"{_capital(full.condition)}: {number(full)}, {_clear(control)}"
    return f"{said}{_spread(study, full)}{beyond}."


def _spread(study: Study, random: Difference) -> str:
    draws, shown = draw_means(study, random), column(random.measure)
    if len(draws) < 2:
        return ""
    low, high = (f"{shown.factor * end:+.{shown.decimals}f}" for end in (min(draws), max(draws)))
    return f" ({len(draws)} draws from {low} to {high})"


def words_said(label: str, best: Question, asked: Sequence[Question]) -> list[str]:
    """Return what asking for the same in words did."""
    return [
        f"{_capital(each.role.name)}: {number(each.full)}, {_clear(each)}."
        for each in asked
        if each.role.kind == "prompt"
        and each.role.concept == label
        and each.full.measure == best.full.measure
    ]


def number(found: Difference) -> str:
    """Return a difference with its interval and unit."""
    shown = column(found.measure)
    return f"{shown.text(found.estimate, signed=True)} {shown.unit}"


def p_text(value: float) -> str:
    """Return a p value as papers print it."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"


def _clear(question: Question) -> str:
    if question.smallest > LEVEL:
        return "too few to tell"
    return "a clear change" if question.moved else "no clear change"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
