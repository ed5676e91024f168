"""Two runs against each other: which verdicts changed, by how much, and what else differs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steer_gym.statistics import Estimate, sign_flips, student_mean

from .caveats import counted
from .columns import column
from .outcomes import OUTCOMES
from .questions import LEVEL, Question, questions
from .sentences import p_text
from .study import Study
from .verdicts import Verdict, verdicts

SETTINGS = ("policy", "env_options", "provenance", "seed", "convention")
"""Columns that say under what a row came about."""
UNTOLD = ("wall_s", "latency_s", "ended", "attempt", "provenance", "policy_label", "draw")
"""Columns that may differ between equal episodes."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One question that both runs asked."""

    one: Question
    other: Question
    change: Estimate
    """Effect in the other run minus in the one, within the places that both have."""
    p: float
    """By flipping signs; not a number where they share no place."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two studies of the same conditions."""

    one: Study
    other: Study
    shifts: tuple[Shift, ...]
    verdicts: tuple[tuple[Verdict, Verdict], ...]
    """Of the concepts and measures that both have."""
    repeated: int
    """Episodes whose digest both runs have."""
    equal: int
    """Those of them whose numbers are all equal."""
    differing: Mapping[str, tuple[str, str]]
    """Settings that differ, of the first row of each: name -> the one's, the other's."""
    alone: tuple[str, ...]
    """Conditions that only one of the runs has."""


def compare_studies(one: Study, other: Study) -> Comparison:
    """Return what changed between two studies."""
    asked = [questions(study) for study in (one, other)]
    theirs = {(q.role.name, q.full.measure): q for q in asked[1]}
    both = [(q, theirs[key]) for q in asked[0] if (key := (q.role.name, q.full.measure)) in theirs]
    judged = [verdicts(study, found) for study, found in zip((one, other), asked, strict=True)]
    again = {_about(verdict): verdict for verdict in judged[1]}
    repeated = _repeated(one, other)
    return Comparison(
        one=one,
        other=other,
        shifts=tuple(_shift((one, other), *pair) for pair in both),
        verdicts=tuple((v, again[_about(v)]) for v in judged[0] if _about(v) in again),
        repeated=len(repeated),
        equal=sum(_numbers(mine) == _numbers(yours) for mine, yours in repeated),
        differing=dict(_differing(one.rows[0], other.rows[0])),
        alone=tuple(sorted(set(one.roles) ^ set(other.roles))),
    )


def said(found: Comparison) -> list[str]:
    """Return the comparison in sentences, the verdict first."""
    if not found.verdicts:
        return ["The two runs share no steered concept."]
    changed = [(a, b) for a, b in found.verdicts if a.outcome != b.outcome]
    total = counted(len(found.verdicts), "verdict")
    first = (
        f"Of {total} {len(changed)} changed."
        if changed
        else f"All {total} stay the same."
        if len(found.verdicts) > 1
        else "The verdict stays the same."
    )
    return [
        first,
        *(
            f"{a.label} {OUTCOMES[a.outcome]} before, and now {OUTCOMES[b.outcome]}."
            for a, b in changed
        ),
        *_moved(found),
        *_sameness(found),
    ]


def shift_text(shift: Shift) -> str:
    """Return how much an effect changed, with interval, unit and p."""
    if not shift.change.count:
        return "no place in common"
    shown = column(shift.one.full.measure)
    return f"{shown.text(shift.change, signed=True)} {shown.unit}, {p_text(shift.p)}"


def _moved(found: Comparison) -> Iterator[str]:
    clear = [each for each in found.shifts if each.p <= LEVEL]
    for each in clear:
        yield (
            f"{each.one.role.name}: its effect on {column(each.one.full.measure).title} changed by "
            f"{shift_text(each)}."
        )
    if not any(each.change.count for each in found.shifts):
        yield (
            "They share no task and initial state of the same environment, so effects cannot be "
            "compared pair by pair."
        )
    elif not clear:
        yield "No effect changed clearly."
    elif len(found.shifts) > 1:
        yield (
            f"Among {len(found.shifts)} effects about {len(found.shifts) * LEVEL:.1f} would seem "
            "to change so by chance alone."
        )


def _sameness(found: Comparison) -> Iterator[str]:
    if found.repeated:
        yield (
            f"{counted(found.repeated, 'episode')} are of the same configuration in both; "
            f"{found.equal} of them have equal numbers throughout."
        )
    else:
        yield "No episode has the same configuration in both."
    for what, mine, yours in _others(found.one, found.other):
        yield f"They are of different {what}: {mine} before, {yours} now."
    if found.alone:
        yield f"In one of the runs only: {', '.join(found.alone)}."
    for name, (mine, yours) in found.differing.items():
        yield f"{name}: {mine} before, {yours} now."


def _others(one: Study, other: Study) -> Iterator[tuple[str, str, str]]:
    """Yield what is not the same in both: policies, environments."""
    if one.policy != other.policy:
        yield "policies", one.policy, other.policy
    mine, yours = (", ".join(dict.fromkeys(r["env"] for r in s.rows)) for s in (one, other))
    if mine != yours:
        yield "environments", mine, yours


def _about(verdict: Verdict) -> tuple[str, str]:
    return verdict.label, verdict.question.full.measure


def _shift(studies: tuple[Study, Study], one: Question, other: Question) -> Shift:
    mine, theirs = (_effects(*each) for each in zip(studies, (one, other), strict=True))
    shared = [place for place in mine if place in theirs]
    values = [theirs[place] - mine[place] for place in shared]
    p = sign_flips([[value] for value in values]).p[0] if values else float("nan")
    change = student_mean(values, [task for _, task, _ in shared])
    return Shift(one=one, other=other, change=change, p=float(p))


def _effects(study: Study, question: Question) -> dict[tuple[Any, Any, Any], float]:
    """Return the effect in each place, by environment too: task 2 is another one in another."""
    rows = study.ended[question.role.name]
    return {(rows[pair.place]["env"], *pair.place): pair.difference for pair in question.full.pairs}


def _repeated(one: Study, other: Study) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Return the pairs of rows with equal digests, crashed ones left out."""
    theirs = {row.get("digest"): row for row in other.rows if row["error"] is None}
    mine = [row for row in one.rows if row["error"] is None and row.get("digest") in theirs]
    return [(row, theirs[row["digest"]]) for row in mine]


def _numbers(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in UNTOLD}


def _differing(
    one: Mapping[str, Any], other: Mapping[str, Any]
) -> Iterator[tuple[str, tuple[str, str]]]:
    for column_name in SETTINGS:
        mine, yours = _flat(one, column_name), _flat(other, column_name)
        for name in dict.fromkeys([*mine, *yours]):
            if mine.get(name) != yours.get(name):
                yield name, (str(mine.get(name, "-")), str(yours.get(name, "-")))


def _flat(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = row.get(name)
    return dict(value) if isinstance(value, Mapping) else {name: value}


def matched(ones: Sequence[Study], others: Sequence[Study]) -> list[tuple[Study, Study]]:
    """Return the studies of the same policy and suite; of two runs with one each, those."""
    if len(ones) == len(others) == 1:
        return [(ones[0], others[0])]
    theirs = {study.name: study for study in others}
    return [(study, theirs[study.name]) for study in ones if study.name in theirs]
