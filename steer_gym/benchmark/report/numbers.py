"""Every number of a study with the rows that it rests on, as one file of data."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence

from steer_gym.benchmark.columns import MEASURES
from steer_gym.statistics import NOTHING, bootstrap_mean, wilson

from .differences import Version, difference
from .questions import Question
from .study import Study

HEAD = (
    "policy", "suite", "condition", "reference", "measure", "over", "value", "low", "high", "count",
    "mean_of_condition", "mean_of_reference", "rows",
)  # fmt: skip
ANSWERS = (
    "policy", "suite", "condition", "kind", "measure", "expected_sign", "pairs", "value", "low",
    "high", "equal_value", "equal_low", "equal_high", "bootstrap_low", "bootstrap_high", "relative",
    "d", "greater", "p", "p_holm", "p_max_t", "beyond_random", "beyond_low", "beyond_high",
    "p_beyond_max_t", "random", "rows",
)  # fmt: skip
VERSIONS: tuple[Version, ...] = ("full", "equal")


def numbers(studies: Sequence[Study]) -> str:
    """Return comma-separated values: means without a reference, and differences with one.

    ``rows`` holds the keys of the episodes, separated by blanks; of a difference pair by pair, the
    condition's before the reference's, joined by ``|``.
    """
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(HEAD)
    for study in studies:
        for measure in ("success", *MEASURES):
            for name in study.roles:
                writer.writerows(_mean(study, name, measure))
                writer.writerows(_differences(study, name, measure))
    return written.getvalue()


def _mean(study: Study, condition: str, measure: str) -> Iterator[Sequence[str]]:
    known = [row for row in study.ended[condition].values() if row.get(measure) is not None]
    if not known:
        return
    values = [float(row[measure]) for row in known]
    found = (
        wilson(round(sum(values)), len(values))
        if measure == "success"
        else bootstrap_mean(values, [row["task"] for row in known])
    )
    keys = " ".join(row["key"] for row in known)
    bounds = [_text(value) for value in (found.value, found.low, found.high)]
    where = (study.policy, study.suite, condition, "", measure, "full")
    yield (*where, *bounds, str(found.count), "", "", keys)


def _differences(study: Study, condition: str, measure: str) -> Iterator[Sequence[str]]:
    for version in VERSIONS:
        found = difference(study, condition, study.baseline, measure, version)
        if found.pairs and condition != study.baseline:
            estimate = found.estimate
            keys = " ".join("|".join(pair.keys) for pair in found.pairs)
            where = (study.policy, study.suite, condition, study.baseline, measure, version)
            bounds = [_text(value) for value in (estimate.value, estimate.low, estimate.high)]
            means = [_text(found.after), _text(found.before)]
            yield (*where, *bounds, str(estimate.count), *means, keys)


def _text(value: float) -> str:
    """Return a number in full; empty where there is none, or an endless interval."""
    return repr(value) if math.isfinite(value) else ""


def answers(asked: Iterable[tuple[Study, Question]]) -> str:
    """Return comma-separated values: what was asked, with every test; rows as in ``numbers``."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(ANSWERS)
    for study, each in asked:
        full, equal, boot = each.full.estimate, each.equal.estimate, each.bootstrap
        beyond = each.beyond.estimate if each.beyond else NOTHING
        values = (
            full.value, full.low, full.high, equal.value, equal.low, equal.high, boot.low,
            boot.high, each.full.relative, each.size.standardised, each.size.greater, each.p,
            each.p_holm, each.p_max_t, beyond.value, beyond.low, beyond.high, each.p_beyond,
        )  # fmt: skip
        where = (study.policy, study.suite, each.role.name, each.role.kind, each.full.measure)
        random = each.beyond.reference if each.beyond else ""
        rows = " ".join("|".join(pair.keys) for pair in each.full.pairs)
        numbers = [_text(value) for value in values]
        writer.writerow([*where, each.expected.sign, full.count, *numbers, random, rows])
    return written.getvalue()
