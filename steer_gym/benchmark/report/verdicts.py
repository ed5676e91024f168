"""The verdict on each concept, with what stands beside it and what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .caveats import caveats, counted, length_said
from .columns import column
from .controls import random_for, still_for
from .outcomes import OUTCOMES, outcome, plural
from .questions import Question
from .roles import Role
from .sentences import doses_said, effect_said, random_said, words_said
from .study import Study


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be said of one concept."""

    label: str
    outcome: str
    """One of ``OUTCOMES``."""
    question: Question
    """The condition that speaks for the concept."""
    said: str
    """One sentence with the numbers."""
    beside: tuple[str, ...]
    """Further sentences: other doses, random neurons, words, equal lengths."""
    cautions: tuple[str, ...]
    """What speaks against it."""


def verdicts(study: Study, asked: Sequence[Question]) -> list[Verdict]:
    """Return the verdict on every steered concept and measure."""
    groups: dict[tuple[str, str], list[Question]] = {}
    for each in asked:
        if each.role.kind == "steered":
            groups.setdefault((each.role.label, each.full.measure), []).append(each)
    return [_verdict(study, label, group, asked) for (label, _), group in groups.items()]


def summary(found: Sequence[Verdict]) -> str:
    """Return the sentence that stands above all others; of a concept's verdicts the best counts."""
    if not found:
        return "Nothing was steered."
    ranks = [*OUTCOMES]
    best: dict[str, str] = {}
    for each in found:
        best[each.label] = min(each.outcome, best.get(each.label, each.outcome), key=ranks.index)
    counts = Counter(best.values())
    parts = [
        f"{counts[key]} {plural(words) if counts[key] > 1 else words}"
        for key, words in OUTCOMES.items()
        if counts[key]
    ]
    return f"Of {counted(len(best), 'concept')} {', '.join(parts)}."


def headings(found: Sequence[Verdict]) -> list[str]:
    """Return what each verdict is on: the concept, and the measure where it has several."""
    counts = Counter(each.label for each in found)
    return [
        f"{each.label}, {column(each.question.full.measure).title}:"
        if counts[each.label] > 1
        else each.label
        for each in found
    ]


def controls_of(
    study: Study, role: Role, measure: str, asked: Sequence[Question]
) -> list[Question]:
    """Return what was asked of a condition's controls in one measure."""
    names = {each.name for each in (*random_for(study, role, measure), *still_for(study, role))}
    return [each for each in asked if each.role.name in names and each.full.measure == measure]


def _verdict(
    study: Study, label: str, group: Sequence[Question], asked: Sequence[Question]
) -> Verdict:
    ranks = [*OUTCOMES]

    def controls(question: Question) -> list[Question]:
        return controls_of(study, question.role, question.full.measure, asked)

    became = {each.role.name: outcome(study, each, controls(each)) for each in group}
    best = min(group, key=lambda q: (ranks.index(became[q.role.name]), -abs(q.along)))
    key = became[best.role.name]
    beside = [
        *doses_said(group, became, key),
        *(random_said(study, best, each) for each in controls(best) if each.role.kind == "random"),
        *words_said(label, best, asked),
        *_kept(*length_said(study, best)),
    ]
    return Verdict(
        label=label,
        outcome=key,
        question=best,
        said=effect_said(study, best),
        beside=tuple(beside),
        cautions=tuple(caveats(study, best, controls(best))),
    )


def _kept(said: str, fine: bool) -> list[str]:
    return [said] if said and fine else []
