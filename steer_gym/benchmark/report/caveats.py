"""What may explain an effect away, in words: a sentence for each reason to doubt it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from steer_gym.statistics import sign_flips

from .columns import column
from .differences import Difference, difference
from .questions import LEVEL, Question
from .study import Study

FEW_PAIRS = 10
NOTABLE_RATE, NOTABLE_SUCCESS, BAD_SUCCESS = 0.05, 0.1, 0.3
"""Changes of saturation or invalid tokens, and losses of success, from which a caveat is due; the
last one counts as failure even where so few episodes could show it by chance."""
AS_LARGE = 1.0
"""Mean size of a steering, relative to the residual stream (``SteeringSize``), from which it is
told. There what is added outweighs what is there: at right angles to the stream it makes up half of
what the next layer's norm lets through, by energy, and from there on it may turn the stream round.
The greatest size is no such sign: Pocket's "fast", which breaks little, passes 1 at positions."""
SHORTER = 0.9
"""Length of steered episodes, relative to the baseline's, from which on it is told."""
AS_MUCH = 0.5
"""A control that moves by this share of an effect, in the same direction, puts it in doubt."""

INVALID = (
    "{now:.0%} of its tokens are no actions ({before:.0%} {baseline}); such a token may be read as "
    "nearly full speed, so part of the change can be broken decoding."
)
SATURATED = (
    "{now:.0%} of its steps are at full deflection ({before:.0%} {baseline}): the effect coincides "
    "with saturation."
)
FAILURE = (
    "It solved {now:.0%} of its episodes, {baseline} {before:.0%}: the change comes with failure."
)
LARGE = (
    "What it adds to the residual stream is {mean:.2f} times as large as the stream, {most:.1f} "
    "times at the most, which can break a policy whatever its neurons mean."
)
FEWER = "It solved fewer, {now:.0%} against {before:.0%}, which may be chance."

ALONE = "No random neurons were run for this measure: others might do the same."


def caveats(study: Study, question: Question, controls: Sequence[Question] = ()) -> list[str]:
    """Return the sentences on one condition; ``controls`` are those of the same measure."""
    length, fine = length_said(study, question)
    found = [
        _rise(study, question, "invalid_token_rate", INVALID),
        _rise(study, question, "saturated_rate", SATURATED),
        _failure(study, question),
        _large(study, question.role.name),
        "" if fine else length,
        *(_control(question, control) for control in controls),
        _untold(question),
        *_evidence(study, question),
    ]
    return [sentence for sentence in found if sentence]


def lost(study: Study, condition: str) -> Difference:
    """Return what a condition does to success."""
    return difference(study, condition, study.baseline, "success")


def fails(success: Difference) -> bool:
    """Tell whether success fell badly, or notably and not by chance (McNemar's exact test)."""
    fall = -success.estimate.value
    if not fall >= NOTABLE_SUCCESS:  # also where it is not a number
        return False
    flips = sign_flips([[pair.difference] for pair in success.pairs])
    return fall >= BAD_SUCCESS or bool(flips.p[0] <= LEVEL)


def as_much(question: Question, control: Question) -> bool:
    """Tell whether a control moves so much that the effect cannot be ascribed to the concept."""
    own, other = question.full.estimate.value, control.full.estimate.value
    return control.moved and own * other > 0 and abs(other) >= AS_MUCH * abs(own)


def _rise(study: Study, question: Question, measure: str, sentence: str) -> str:
    found = difference(study, question.role.name, study.baseline, measure)
    if not found.estimate.value >= NOTABLE_RATE:  # also where it is not a number
        return ""
    return sentence.format(now=found.after, before=found.before, baseline=study.baseline)


def _failure(study: Study, question: Question) -> str:
    found = lost(study, question.role.name)
    if not (question.moved and found.estimate.value <= -NOTABLE_SUCCESS):
        return ""  # a policy that broke without moving otherwise is told so first of all
    sentence = FAILURE if fails(found) else FEWER
    return sentence.format(now=found.after, before=found.before, baseline=study.baseline)


def _large(study: Study, condition: str) -> str:
    rows = study.ended[condition].values()
    known = [row for row in rows if row.get("steering_size") is not None]
    if not known:
        return ""
    mean = sum(row["steering_size"] for row in known) / len(known)
    most = sum(row["greatest_steering_size"] for row in known) / len(known)
    return LARGE.format(mean=mean, most=most) if mean >= AS_LARGE else ""


def length_said(study: Study, question: Question) -> tuple[str, bool]:
    """Return what is left of an effect over equal lengths, and whether that is no caveat."""
    steps = difference(study, question.role.name, study.baseline, "steps")
    full, equal = question.full.estimate, question.equal.estimate
    if not question.moved or not steps.before:
        return "", True
    ratio, shown = steps.after / steps.before, column(question.full.measure)
    if SHORTER < ratio < 1 / SHORTER:
        return "", True
    change = f"{abs(ratio - 1):.0%} {'shorter' if ratio < 1 else 'longer'}"
    said = f"Its episodes are {change if ratio < 2 else f'{ratio:.1f} times as long'}"
    if not equal.count:
        return f"{said}, and steps to compare over equal lengths were not kept.", False
    left = f"{shown.text(equal, signed=True)} {shown.unit}"
    if full.value * equal.value > 0 and abs(equal.value) >= AS_MUCH * abs(full.value):
        return f"{said}; cut to equal length the change stays: {left}.", True
    return f"{said}, and cut to equal length little of the change is left: {left}.", False


def _control(question: Question, control: Question) -> str:
    if not as_much(question, control):
        return ""
    shown = column(control.full.measure)
    moved = f"{shown.text(control.full.estimate, signed=True)} {shown.unit}"
    name, kind = control.role.name, control.role.kind
    if kind == "random":
        return f"{name[:1].upper()}{name[1:]} moves it as well ({moved})."
    return f"{name[:1].upper()}{name[1:]}, which changes nothing, moves it as well ({moved})."


def _untold(question: Question) -> str:
    """Say where random neurons were not run, or where they are not told from the concept."""
    if not question.moved or (question.beyond and question.told_from_random):
        return ""
    beyond = question.beyond
    if beyond is None:
        return ALONE
    pairs = counted(beyond.estimate.count, "pair")
    return f"{pairs} do not tell it from random neurons."


def _evidence(study: Study, question: Question) -> list[str]:
    full, found = question.full, []
    tasks = {pair.place[0] for pair in full.pairs}
    crashed = study.crashed(question.role.name) + study.crashed(study.baseline)
    if full.estimate.count < FEW_PAIRS:
        found.append(f"{counted(full.estimate.count, 'pair')} only.")
    if question.moved and not full.estimate.excludes_zero and math.isfinite(full.estimate.low):
        found.append("Tasks differ in it: over tasks its interval holds zero.")
    if question.p <= LEVEL < question.corrected:
        found.append(
            f"Alone it would count as found (p = {question.p:.2g}); among all that was asked it "
            "does not."
        )
    if len(tasks) == 1:
        found.append("One task only: it says nothing of others.")
    if crashed:
        found.append(f"{counted(crashed, 'crash')} left out.")
    return found


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    ending = "" if number == 1 else "es" if noun.endswith("sh") else "s"
    return f"{number} {noun}{ending}"
