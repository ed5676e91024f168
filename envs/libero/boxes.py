"""Axis-aligned boxes around the bodies of a scene, as far as they collide."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


class SceneBoxes:
    """Boxes of a problem's objects and fixtures, for one compiled model."""

    def __init__(self, problem: Any) -> None:
        """Find out which shapes belong to which object."""
        self._problem = problem
        self.model = problem.sim.model._model
        solid = (self.model.geom_contype | self.model.geom_conaffinity) > 0
        owner = _owners(self.model, set(problem.obj_body_id.values()))[self.model.geom_bodyid]
        self._shapes = {
            name: np.flatnonzero(solid & (owner == body))
            for name, body in problem.obj_body_id.items()
        }

    def of(self, name: str) -> Boxes:
        """Return the box around one object or region: (6,), centre and half extents [m]."""
        if name in self._problem.object_sites_dict:
            return self._region(name)
        return _around(self._pieces(self._shapes[name]))

    def around(self, name: str, *, number: int) -> Boxes:
        """Return boxes of all but one object: (``number``, 6), the nearest first, zeros after.

        Movable objects are one box each; fixtures, which can be hollow, one for each piece.
        """
        movable = set(self._problem.objects_dict)
        others = [other for other in self._shapes if other != name]
        boxes = np.concatenate(
            [self.of(other)[None] for other in others if other in movable]
            + [self._pieces(self._shapes[other]) for other in others if other not in movable]
            + [np.zeros((0, 6))]
        )
        middle = self.of(name)[:3]
        outside = np.maximum(np.abs(boxes[:, :3] - middle) - boxes[:, 3:], 0.0)
        nearest = boxes[np.argsort(np.linalg.norm(outside, axis=1), kind="stable")][:number]
        return np.pad(nearest, ((0, number - len(nearest)), (0, 0)))

    def _pieces(self, shapes: NDArray[np.intp]) -> Boxes:
        data = self._problem.sim.data._data
        rotation = data.geom_xmat[shapes].reshape(-1, 3, 3)
        local = self.model.geom_aabb[shapes]
        centre = data.geom_xpos[shapes] + np.einsum("gij,gj->gi", rotation, local[:, :3])
        half = np.einsum("gij,gj->gi", np.abs(rotation), local[:, 3:])
        return np.concatenate([centre, half], axis=1)

    def _region(self, name: str) -> Boxes:
        site = self._problem.sim.data._data.site(name)
        size = np.asarray(self._problem.object_sites_dict[name].size, np.float64)
        return np.concatenate([site.xpos, np.abs(site.xmat.reshape(3, 3) @ size)])


def _around(boxes: Boxes) -> Boxes:
    low = (boxes[:, :3] - boxes[:, 3:]).min(axis=0)
    high = (boxes[:, :3] + boxes[:, 3:]).max(axis=0)
    return np.concatenate([(low + high) / 2, (high - low) / 2])


def _owners(model: Any, bodies: set[int]) -> NDArray[np.intp]:
    """Return for each body which of ``bodies`` it is part of, or 0."""

    @cache
    def owner(body: int) -> int:
        return body if body in bodies or body == 0 else owner(int(model.body_parentid[body]))

    return np.array([owner(body) for body in range(model.nbody)])
