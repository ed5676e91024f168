"""The task suites and their step limits, known without importing LIBERO."""

from __future__ import annotations

from dataclasses import dataclass

from steer_gym.errors import UnknownNameError


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One task suite."""

    name: str
    """LIBERO's own name, for example ``"libero_spatial"``."""
    max_steps: int
    """Steps of an episode in published evaluations, the waiting steps not counted."""
    perturbed: bool
    """Whether it is one of LIBERO-PRO's variations of an original suite."""


_LIMITS = {
    "libero_spatial": 220,  # longest training demonstration: 193 steps
    "libero_object": 280,  # 254
    "libero_goal": 300,  # 270
    "libero_10": 520,  # 505
    "libero_90": 400,  # 373
}

_PERTURBATIONS = ("lan", "object", "swap", "task")
"""LIBERO-PRO's paper: instruction reworded, object replaced, places swapped, goal changed."""

_DISTRACTORS = {
    "libero_spatial": "mug red_stick yellow_book blue_stick green_mug diffpos_stick milk red_box",
    "libero_object": "mug red_stick blue_stick yellow_book red_box diffpos_stick",
    "libero_goal": "mug red_stick yellow_book green_mug blue_stick rotated_stick diffpos_stick "
    "milk red_box",
    "libero_10": "red_stick mug blue_stick diffpos_stick milk red_box",
}
"""Objects that LIBERO-PRO's repository adds to the scene."""


def _table() -> dict[str, Suite]:
    original = {
        name: Suite(name=name, max_steps=limit, perturbed=False) for name, limit in _LIMITS.items()
    }
    names = [
        (f"{base}_{variant}", base)
        for base, distractors in _DISTRACTORS.items()
        for variant in (*_PERTURBATIONS, *(f"with_{thing}" for thing in distractors.split()))
    ]
    return original | {
        name: Suite(name=name, max_steps=_LIMITS[base], perturbed=True) for name, base in names
    }


SUITES: dict[str, Suite] = _table()
"""Every suite by name. LIBERO-PRO's need a LIBERO that carries their files."""


def suite_named(name: str) -> Suite:
    """Return the suite called ``name``.

    Raises:
        UnknownNameError: Lists the known suites.
    """
    if name not in SUITES:
        raise UnknownNameError("suite", name, SUITES)
    return SUITES[name]
