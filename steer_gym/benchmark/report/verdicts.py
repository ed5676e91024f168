"""The verdict on each concept, as a person would say it, with what speaks against it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from .caveats import BAD_SUCCESS, as_much, caveats, counted, fails, length_said, lost
from .columns import MORE, column
from .controls import draw_means, random_for, still_for
from .differences import Difference
from .questions import LEVEL, Question
from .roles import Role
from .study import Study

LITTLE_SUCCESS = 0.3
"""An unsteered policy that solves less has little to lose."""

OUTCOMES = {
    "works": "does what its name says",
    "costly": "does what its name says, but the policy fails",
    "unspecific": "moves the arm as its name says, but so do the controls",
    "opposite": "does the opposite of its name",
    "moves": "moves the arm",
    "shared": "moves the arm, but so do the controls",
    "broken": "breaks the policy",
    "unclear": "changes nothing that can be told",
    "few": "was tried too rarely to tell",
}
"""What can become of a concept, from best to worst."""


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
    """Return the sentence that stands above all others."""
    if not found:
        return "Nothing was steered."
    counts = Counter(each.outcome for each in found)
    parts = [
        f"{counts[key]} {_plural(words) if counts[key] > 1 else words}"
        for key, words in OUTCOMES.items()
        if counts[key]
    ]
    return f"Of {counted(len(found), 'concept')} {', '.join(parts)}."


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
    if sum(rates) / len(rows) >= LEVEL:
        share = sum(rates) / len(rows)
        said += f" {share:.0%} of its tokens are no actions, before any steering."
    return said


def outcome(study: Study, question: Question, controls: Sequence[Question]) -> str:
    """Return what became of one condition: a key of ``OUTCOMES``."""
    success = lost(study, question.role.name)
    doubtful = any(as_much(question, each) for each in controls)
    if question.smallest > LEVEL or question.full.estimate.count < 2:
        return "few"
    if not question.moved:
        return "broken" if success.estimate.value <= -BAD_SUCCESS else "unclear"
    if question.expected.sign == 0:
        return "shared" if doubtful else "moves"
    if question.along < 0:
        return "opposite"
    if doubtful:
        return "unspecific"
    return "costly" if fails(success) else "works"


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
        *_doses(group, became, key),
        *(_beside(study, best, each) for each in controls(best) if each.role.kind == "random"),
        *_words(label, best, asked),
        *_kept(*length_said(study, best)),
    ]
    return Verdict(
        label=label,
        outcome=key,
        question=best,
        said=_said(study, best),
        beside=tuple(beside),
        cautions=tuple(caveats(study, best, controls(best))),
    )


def _kept(said: str, fine: bool) -> list[str]:
    return [said] if said and fine else []


def _said(study: Study, best: Question) -> str:
    full, shown = best.full, column(best.full.measure)
    name = best.role.name
    pairs = counted(full.estimate.count, "pair")
    if not full.estimate.count:
        return f"{name}: no pair of episodes has ended, so nothing can be said."
    verb = MORE[full.measure, 1 if full.estimate.value > 0 else -1]
    what = f"the arm {verb}" if best.moved else f"no clear change of {shown.title}"
    share = f", {full.relative:+.0%}" if best.moved and full.before else ""
    numbers = f"{number(full)}{share}, over {pairs}, {p_text(best.corrected)}"
    success = lost(study, name)
    rate = f"it solved {success.after:.0%} ({full.reference} {success.before:.0%})"
    said = f"{what} ({numbers}); {rate}."
    return f"{said[:1].upper()}{said[1:]}" if name == best.role.label else f"{name}: {said}"


def _doses(group: Sequence[Question], became: dict[str, str], key: str) -> list[str]:
    if len(group) == 1:
        return []
    counts = Counter(became.values())
    same = f"{counts[key]} of its {len(group)} settings {'come' if counts[key] > 1 else 'comes'}"
    others = [
        f"{counts[k]} {_plural(OUTCOMES[k], 'the name says') if counts[k] > 1 else OUTCOMES[k]}"
        for k in OUTCOMES
        if k != key and counts[k]
    ]
    return ["; ".join([f"{same} to that", *others]) + "."]


def _beside(study: Study, best: Question, control: Question) -> str:
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


def _words(label: str, best: Question, asked: Sequence[Question]) -> list[str]:
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


def _plural(words: str, name: str = "their names say") -> str:
    first, _, rest = words.partition(" ")
    plain = {"does": "do", "moves": "move", "breaks": "break", "changes": "change", "was": "were"}
    return f"{plain[first]} {rest.replace('its name says', name)}"
