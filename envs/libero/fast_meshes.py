"""Let a model be uploaded to OpenGL with simplified meshes, and leave it as it was.

MuJoCo copies meshes to OpenGL when a rendering context is made and does not look at them again.
So the simplified ones stand in the model's own arrays during that moment alone: physics, which
reads the same arrays, never sees them, and poses need no translation.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.cache import cache_folder
from steer_gym.extras import require

from .simplification import Mesh, simplify

FACES, MOST_FACES = 75, 2400
"""Faces that a mesh is simplified to, the fewest and the most; smaller ones stay."""
VERSION = "6"
"""Of the algorithm: a new one makes cached meshes void."""

_LISTS = {
    "vertices": ("mesh_vert", "mesh_vertadr", "mesh_vertnum"),
    "normals": ("mesh_normal", "mesh_normaladr", "mesh_normalnum"),
    "texcoords": ("mesh_texcoord", "mesh_texcoordadr", "mesh_texcoordnum"),
    "faces": ("mesh_face", "mesh_faceadr", "mesh_facenum"),
    "face_normals": ("mesh_facenormal", "mesh_faceadr", "mesh_facenum"),
    "face_texcoords": ("mesh_facetexcoord", "mesh_faceadr", "mesh_facenum"),
}
"""Part of a mesh -> MuJoCo's arrays of its numbers, of its first row and of its row count."""


@contextmanager
def simplified_meshes(model: Any) -> Iterator[None]:
    """Hold simplified meshes in ``model``'s arrays while inside; samples are not taken."""
    names = {name for triple in _LISTS.values() for name in triple}
    saved = {name: getattr(model, name).copy() for name in names}
    samples = model.vis.quality.offsamples
    try:
        model.vis.quality.offsamples = 0
        for index in _drawn_meshes(model):
            mesh = _mesh(model, index)
            if len(mesh.faces) > FACES:
                _replace(model, index, _cached(mesh))
        yield
    finally:
        model.vis.quality.offsamples = samples
        for name, array in saved.items():
            getattr(model, name)[:] = array


def _drawn_meshes(model: Any) -> list[int]:
    kind = require("mujoco", extra="libero").mjtGeom.mjGEOM_MESH
    drawn = (model.geom_type == int(kind)) & (model.geom_group > 0)
    return sorted({int(index) for index in model.geom_dataid[drawn]})


def _mesh(model: Any, index: int) -> Mesh:
    parts = {}
    for part, (array, address, count) in _LISTS.items():
        first, rows = int(getattr(model, address)[index]), int(getattr(model, count)[index])
        parts[part] = getattr(model, array)[max(first, 0) :][:rows].copy()
    return Mesh(**parts)


def _replace(model: Any, index: int, mesh: Mesh) -> None:
    """Write ``mesh`` over the first rows of the one at ``index``, where it fits."""
    rows = {part: len(getattr(mesh, part)) for part in _LISTS}
    if any(rows[part] > getattr(model, count)[index] for part, (_, _, count) in _LISTS.items()):
        return
    for part, (array, address, count) in _LISTS.items():
        if rows[part]:
            first = int(getattr(model, address)[index])
            getattr(model, array)[first : first + rows[part]] = getattr(mesh, part)
        getattr(model, count)[index] = rows[part]


def _cached(mesh: Mesh) -> Mesh:
    """Return ``mesh`` simplified, from the user's cache if it was simplified before."""
    digest = hashlib.sha256(f"{VERSION} {FACES} {MOST_FACES}".encode())
    for part in _LISTS:
        digest.update(np.ascontiguousarray(getattr(mesh, part)).tobytes())
    file = cache_folder() / "meshes" / f"{digest.hexdigest()[:32]}.npz"
    if file.is_file():
        with np.load(file) as parts:
            return Mesh(**parts)
    simplified = simplify(mesh, FACES, MOST_FACES)
    _save(file, simplified)
    return simplified


def _save(file: Path, mesh: Mesh) -> None:
    """Write the file whole or not at all; a cache that cannot be written is no error."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(dir=file.parent, suffix=".npz")
        os.close(handle)
        np.savez(partial, **{part: getattr(mesh, part) for part in _LISTS})
        os.replace(partial, file)
    except OSError:
        return
