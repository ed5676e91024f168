"""Every number of a study with the rows that it rests on, as one file of data."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence

from steer_gym.benchmark.columns import MEASURES
from steer_gym.statistics import bootstrap_mean, wilson

from .differences import Version, difference
from .study import Study

HEAD = (
    "policy", "suite", "condition", "reference", "measure", "over", "value", "low", "high", "count",
    "mean_of_condition", "mean_of_reference", "rows",
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
