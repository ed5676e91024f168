"""Where to grip an object, and what of the hand must have room there.

The tool points down and its fingers close along y, or along x after a quarter turn. An object that
fits between them is gripped across, one that does not (a bowl) at its rim.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from .scene import Box, Scene, Vector

HALF_OPENING_M = 0.037
"""Half of the widest object that goes between the open fingers."""
TIP_M = 0.012
"""How far the fingers reach below the tool's point: no grasp is nearer to the support."""
PALM_M = 0.040
"""Height of the palm above the tool's point: how deep an object may stand between the fingers."""
RIMS_M = (0.008, 0.030)
"""How far inside its edge a wide object is gripped; the second where there is little room outside,
since the closing fingers then push the object to where the first would grip it."""
RIM_DEPTHS_M = (0.014, 0.002)
"""How far below its top; the second where the fingers would touch what stands beside it."""
SHIFTS = (0.0, 0.35, -0.35, 0.7, -0.7)
"""Where along the object to grip, in half extents from its middle."""
MARGIN_M = 0.006
"""Room wanted around the hand."""

HAND = (
    ((0.0, 0.105), (0.0, 0.035), PALM_M),
    ((0.052, 0.014), (0.0, 0.014), -TIP_M),
    ((-0.052, 0.014), (0.0, 0.014), -TIP_M),
)
"""The open hand's parts, palm and fingers, from the tool's point: centre and half extent along the
closing direction, the same across it, and the underside's height [m]. Upwards they do not end,
since the hand comes from there and the arm is above."""


@dataclass(frozen=True, kw_only=True)
class Grasp:
    """Where the tool must be to grip, relative to the object."""

    offset: Vector
    """(3,), from the middle of the object's box to the tool's point [m]."""
    quarter: bool = False
    """Whether the hand is turned by a quarter, so that the fingers close along x."""
    strain: float = 0.0
    """How far it is from the usual way to grip such an object [m]."""

    def point(self, scene: Scene) -> Vector:
        """Return where the tool must be now."""
        point: Vector = scene.object.centre + self.offset
        return point


def ranked_grasps(scene: Scene) -> list[Grasp]:
    """Return all grasps, the one with most room first; of equals, the least effort."""
    grasps = [grasp for quarter in (False, True) for grasp in _grasps(scene, quarter)]
    return sorted(
        grasps, key=lambda grasp: _crowding_on_the_way(scene, grasp) + _effort(scene, grasp)
    )


def _grasps(scene: Scene, quarter: bool) -> Iterator[Grasp]:
    box = scene.object
    closing, across = (0, 1) if quarter else (1, 0)
    if box.half[closing] > HALF_OPENING_M:
        for side, rim, depth in product((1.0, -1.0), RIMS_M, RIM_DEPTHS_M):
            offset = np.zeros(3)
            offset[closing] = side * (box.half[closing] - rim)
            offset[2] = _height(box, box.half[2] - depth)
            strain = rim - RIMS_M[0] + RIM_DEPTHS_M[0] - depth
            yield Grasp(offset=offset, quarter=quarter, strain=strain)
    else:
        for shift in SHIFTS:
            offset = np.zeros(3)
            offset[across] = shift * box.half[across]
            offset[2] = _height(box, max(0.0, box.half[2] - PALM_M))
            yield Grasp(offset=offset, quarter=quarter, strain=abs(float(offset[across])))


def _height(box: Box, wanted: float) -> float:
    """Return the tool's height above the middle of the box: as wanted, but above the support."""
    return max(TIP_M - float(box.half[2]), float(wanted))


def _effort(scene: Scene, grasp: Grasp) -> float:
    """Return a preference in metres: small next to what crowding costs."""
    aside = np.linalg.norm(grasp.point(scene)[:2] - scene.tool[:2])
    return float(0.01 * grasp.quarter + 0.1 * grasp.strain + 0.01 * aside)


def _crowding_on_the_way(scene: Scene, grasp: Grasp) -> float:
    """Return the crowding where the object is, and where it goes if that is a surface."""
    crowding = _crowding(scene, grasp, grasp.point(scene))
    if scene.goal.half[2] > 0:
        return crowding
    standing = np.array([0.0, 0.0, scene.goal.bottom + scene.object.half[2] - scene.goal.centre[2]])
    return crowding + _crowding(scene, grasp, scene.goal.centre + standing + grasp.offset)


def _crowding(scene: Scene, grasp: Grasp, point: Vector) -> float:
    """Return how deep the hand at ``point`` would stand in obstacles [m], summed over its parts."""
    closing, across = (0, 1) if grasp.quarter else (1, 0)
    centre, half = scene.obstacles[:, :3], np.abs(scene.obstacles[:, 3:])
    depth = 0.0
    for (along, along_half), (aside, aside_half), bottom in HAND:
        middle, size = np.zeros(2), np.zeros(2)
        middle[closing], middle[across] = along, aside
        size[closing], size[across] = along_half, aside_half
        gap = np.abs(centre[:, :2] - (point[:2] + middle)) - half[:, :2] - size - MARGIN_M
        inside = np.minimum(-gap.max(axis=1), centre[:, 2] + half[:, 2] - point[2] - bottom)
        depth += max(0.0, float(inside.max(initial=0.0)))
    return depth
