"""What the numbers say, in sentences, with what speaks against them."""

from __future__ import annotations

from collections.abc import Sequence

from steer_gym.evaluation.rows import Row
from steer_gym.evaluation.summary import Comparison, Summary, compare, summarise
from steer_gym.evaluation.table import COLUMNS, Column
from steer_gym.statistics import Estimate

from .design import Contrast, Design

FEW_PAIRS = 10
"""Below this a bootstrap interval is too narrow, see ``statistics.bootstrap_mean``."""
NOTABLE_RATE, NOTABLE_SUCCESS = 0.05, 0.1
"""Changes of saturation or invalid tokens, and losses of success, from which a caveat is due."""
LITTLE_SUCCESS = 0.3
"""An unsteered policy that solves less has little to lose."""

INVALID = (
    "{now} of its tokens are no actions ({before} {baseline}); such a token may be read as nearly "
    "full speed, so part of the change can be broken decoding."
)
SATURATED = (
    "{now} of its steps are at full deflection ({before} {baseline}): the effect coincides with "
    "saturation."
)

_GENERAL = ("speed_m_s", "carried_height_m")
_VERBS = {
    ("speed_m_s", 1): "moved faster",
    ("speed_m_s", -1): "moved more slowly",
    ("carried_height_m", 1): "carried higher",
    ("carried_height_m", -1): "carried lower",
}


def findings(rows: Sequence[Row], design: Design) -> list[list[str]]:
    """Return paragraphs, as sentences, on the baseline and on every contrast, findings first."""
    own = [_baseline(each) for each in summarise(rows) if each.condition == design.baseline]
    return [*own, *(_paragraph(rows, design, contrast) for contrast in design.contrasts)]


def _baseline(summary: Summary) -> list[str]:
    success, invalid = summary.success, summary.means["invalid_token_rate"].value
    if not success.count:
        return [f"{summary.condition}: no episode has ended."]
    solved = f"solved {column('success').text(success)} % of {_count(success.count, 'episode')}"
    sentences = [f"{summary.condition}: {solved}."]
    if success.value < LITTLE_SUCCESS:
        sentences.append("It solves little by itself, so that failure says little of steering.")
    if invalid >= NOTABLE_RATE:
        sentences.append(f"{invalid:.0%} of its tokens are no actions, before any steering.")
    return sentences


def _paragraph(rows: Sequence[Row], design: Design, contrast: Contrast) -> list[str]:
    against = compare(rows, contrast.steered, design.baseline)
    if not against.success.count:
        return [f"{contrast.steered}: no pair of episodes has ended, so nothing can be said."]
    measures = (contrast.concept.measure,) if contrast.concept else _GENERAL
    sentences = [_effect(contrast, against, column(name)) for name in measures]
    sentences += caveats(rows, against)
    for other in (contrast.random, contrast.told):
        if other is not None:
            comparison = compare(rows, other, design.baseline)
            sentences += [_beside(other, comparison, column(name)) for name in measures]
    return sentences


def column(measure: str) -> Column:
    """Return the column of a measure."""
    return next(each for each in COLUMNS if each.measure == measure)


def _effect(contrast: Contrast, against: Comparison, shown: Column) -> str:
    effect, name = shown.of(against), contrast.steered
    pairs = _count(effect.count, "pair")
    numbers = f"{_number(shown, effect)} against {against.baseline}, over {pairs}"
    if not effect.count:
        return f"{name}: nothing to measure of its {shown.title}."
    if effect.count == 1 or not effect.excludes_zero:
        return f"{name}: no clear change of {shown.title} ({numbers})."
    moved = _VERBS[shown.measure, 1 if effect.value > 0 else -1]
    wrong = contrast.concept is not None and contrast.concept.sign * effect.value < 0
    return f"{name}: the arm {moved} ({numbers}){', the opposite of its name' if wrong else ''}."


def _beside(other: str, comparison: Comparison, shown: Column) -> str:
    effect = shown.of(comparison)
    if not effect.count:
        return f"{other.capitalize()}: no pair has ended."
    verdict = "a clear change too" if effect.excludes_zero else "no clear change"
    verdict = "one pair only" if effect.count == 1 else verdict
    return f"{other.capitalize()}: {_number(shown, effect)}, {verdict}."


def caveats(rows: Sequence[Row], against: Comparison) -> list[str]:
    """Return what may explain the effect away: broken tokens, full deflection, failure, chance."""
    summaries = {summary.condition: summary for summary in summarise(rows)}
    steered, base = summaries[against.condition], summaries[against.baseline]
    found = [
        _rise(steered, base, "invalid_token_rate", INVALID),
        _rise(steered, base, "saturated_rate", SATURATED),
        _failure(against, steered, base),
    ]
    if against.success.count < FEW_PAIRS:
        found.append(
            f"{_count(against.success.count, 'pair')} only: intervals from so few are too narrow."
        )
    if steered.crashed or base.crashed:
        found.append(f"{_count(steered.crashed + base.crashed, 'crash')} left out.")
    return [sentence for sentence in found if sentence]


def _rise(steered: Summary, base: Summary, measure: str, sentence: str) -> str:
    now, before = steered.means[measure].value, base.means[measure].value
    if not now - before >= NOTABLE_RATE:  # also where one is not a number
        return ""
    return sentence.format(now=f"{now:.0%}", before=f"{before:.0%}", baseline=base.condition)


def _failure(against: Comparison, steered: Summary, base: Summary) -> str:
    if against.success.value > -NOTABLE_SUCCESS:
        return ""
    return (
        f"It solved {steered.success.value:.0%} of its episodes, {base.condition} "
        f"{base.success.value:.0%}: the change comes with failure."
    )


def _number(shown: Column, effect: Estimate) -> str:
    return f"{shown.text(effect, signed=True)} {shown.unit}"


def _count(number: int, noun: str) -> str:
    ending = "" if number == 1 else "es" if noun.endswith("sh") else "s"
    return f"{number} {noun}{ending}"
