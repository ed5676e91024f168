"""What is best where two things are wanted at once."""

from __future__ import annotations

from collections.abc import Sequence


def frontier(points: Sequence[tuple[float, float]]) -> list[int]:
    """Return the places of the points that no other one beats, by the first number.

    A point beats another that is smaller in one number and not greater in the other (Pareto).
    """

    def beaten(one: tuple[float, float]) -> bool:
        return any(a >= one[0] and b >= one[1] and (a, b) != one for a, b in points)

    kept = [place for place, point in enumerate(points) if not beaten(point)]
    return sorted(kept, key=lambda place: points[place])
