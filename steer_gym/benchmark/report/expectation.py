"""What steering by a concept should change, by the concept's name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What a concept's name promises."""

    measure: str
    """Column of a row: what was measured at the arm, not commanded."""
    sign: int
    """+1: the measure should grow; -1: it should shrink; 0: the name promises nothing."""
    published: str = "commanded_displacement"
    """The column that the paper plots for such a concept."""


EXPECTED = {
    "fast": Expectation(measure="speed_m_s", sign=1),
    "slow": Expectation(measure="speed_m_s", sign=-1),
    "careful": Expectation(measure="speed_m_s", sign=-1),
    "high": Expectation(measure="carried_height_m", sign=1, published="commanded_z"),
    "low": Expectation(measure="carried_height_m", sign=-1, published="commanded_z"),
    # The paper scored "up" on y; the vertical is z, and its own column says both.
    "up": Expectation(measure="mean_height_m", sign=1, published="commanded_y"),
    "down": Expectation(measure="mean_height_m", sign=-1, published="commanded_y"),
}

UNNAMED = (
    Expectation(measure="speed_m_s", sign=0),
    Expectation(measure="carried_height_m", sign=0, published="commanded_z"),
)
"""What is looked at where nobody promised anything."""


def expectations(concept: str | None) -> tuple[Expectation, ...]:
    """Return what to look at for a concept."""
    return (EXPECTED[concept],) if concept in EXPECTED else UNNAMED
