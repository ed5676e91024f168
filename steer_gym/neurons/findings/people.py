"""What people said on a labelling sheet, by layer, and whether the criterion agrees with them."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .patterns import TOP, patterned
from .sheet import KEY
from .stage import FindingsError, Stage

ANSWERS = {"yes": True, "no": False}


@dataclass(frozen=True, kw_only=True, eq=False)
class People:
    """Labels of one sheet."""

    by_layer: list[NDArray[np.float64]]
    """For each model the share of yes by layer; NaN where no neuron was labelled."""
    labelled: int
    agreement: float
    """Share of labelled neurons of which people and the criterion say the same."""
    kappa: float
    """Cohen's: 0 where they agree as by chance, 1 where always; NaN where both always say one and
    the same."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as plain JSON data."""
        return {
            "labelled": self.labelled,
            "agreement": round(self.agreement, 4),
            "kappa": None if np.isnan(self.kappa) else round(self.kappa, 4),
            "by_layer": [
                [None if np.isnan(share) else round(float(share), 4) for share in shares]
                for shares in self.by_layer
            ],
        }

    def line(self) -> str:
        """Return the labels in words."""
        return (
            f"People labelled {self.labelled} neurons; the criterion agrees on "
            f"{self.agreement:.0%} of them (Cohen's kappa {self.kappa:.2f})."
        )


def read_people(
    path: Path, stages: Sequence[Stage], folder: Path | None = None, *, top: int = TOP
) -> People:
    """Return what a filled sheet says.

    Args:
        path: The sheet, as CSV.
        stages: The models that it was written of.
        folder: Where it was written, if it has left its key: browsers save among the downloads.
        top: Tokens of a neuron that the criterion looks at.

    Raises:
        FindingsError: Sheet or key is broken, of other weights, or nothing is labelled.
    """
    said, key = _answers(path), _key(path, folder)
    for stage in stages:
        found = key["weights"].get(stage.name)
        if found != stage.table.space.fingerprint:
            raise FindingsError(
                f"The key's {stage.name} has weights {found}, the table's has "
                f"{stage.table.space.fingerprint}. Write a new sheet with --sheet."
            )
    unknown = [name for name in said if name not in key["neurons"]]
    if unknown or not said:
        raise FindingsError(
            f"{path} labels {', '.join(unknown[:5]) or 'no neuron'}"
            f"{', which the key does not know' if unknown else '; write yes or no'}."
        )
    people, criterion, shares = [], [], []
    for stage in stages:
        own = {
            key["neurons"][name]["neuron"]: answer
            for name, answer in said.items()
            if key["neurons"][name]["model"] == stage.name
        }
        neurons, answers = np.array(list(own), int), np.array(list(own.values()), bool)
        people.append(answers)
        criterion.append(patterned(stage.table, stage.traits, top=top)[neurons])
        shares.append(_share_by_layer(stage, neurons, answers))
    one, other = np.concatenate(people), np.concatenate(criterion)
    return People(
        by_layer=shares,
        labelled=len(one),
        agreement=float((one == other).mean()),
        kappa=kappa(one, other),
    )


def kappa(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return Cohen's kappa of two series of yes and no; NaN where both are constant and alike."""
    expected = one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
    if expected == 1:
        return float("nan")
    return float(((one == other).mean() - expected) / (1 - expected))


def _share_by_layer(
    stage: Stage, neurons: NDArray[np.int64], answers: NDArray[np.bool_]
) -> NDArray[np.float64]:
    space = stage.table.space
    layers = neurons // space.width
    asked = np.bincount(layers, minlength=space.layers)
    yes = np.bincount(layers, weights=answers, minlength=space.layers)
    return np.where(asked > 0, yes / np.maximum(asked, 1), np.nan)


def _answers(path: Path) -> dict[str, bool]:
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
        answers = {row["id"]: row["pattern"].strip().lower() for row in rows}
    except (OSError, KeyError, AttributeError, csv.Error) as error:
        raise FindingsError(f"{path} is no labelling sheet ({error!r}).") from error
    wrong = {name: said for name, said in answers.items() if said and said not in ANSWERS}
    if wrong:
        name, given = next(iter(wrong.items()))
        raise FindingsError(f"{path}: the pattern of {name} is {given!r}, not yes, no or empty.")
    return {name: ANSWERS[said] for name, said in answers.items() if said}


def _key(sheet: Path, folder: Path | None) -> dict[str, Any]:
    places = dict.fromkeys(place / KEY for place in (sheet.parent, folder) if place)
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise FindingsError(
            f"The sheet's key is missing: there is no {' and no '.join(map(str, places))}. Give as "
            "--out the folder that --sheet wrote to."
        )
    try:
        key: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FindingsError(f"The sheet's key {path} cannot be read ({error}).") from error
    if not {"weights", "neurons"} <= key.keys():
        raise FindingsError(f"{path} is no key of a labelling sheet.")
    return key
