"""Simplify a textured triangle mesh, keeping its texture and its shading where they were.

Positions are welded and decimated by quadrics. Every corner of a new face then takes its texture
coordinate from an old face that lies there, on the same side of the texture's seams, and its
normal from the old faces around it that look the same way, so that edges stay edges.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]

_SAMPLES = 15_000
_NEIGHBOURS = 16
_WELD_DIGITS = 7


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A triangle mesh as MuJoCo keeps it: three lists, each indexed by faces of its own."""

    vertices: Floats
    """Shape (vertices, 3), in metres."""
    normals: Floats
    """Shape (normals, 3), unit length."""
    texcoords: Floats
    """Shape (texcoords, 2); none where the mesh has no texture."""
    faces: Integers
    """Shape (faces, 3): vertices."""
    face_normals: Integers
    """Shape (faces, 3): normals."""
    face_texcoords: Integers
    """Shape (faces, 3): texcoords."""


def simplify(mesh: Mesh, faces: int, most: int) -> Mesh:
    """Return ``mesh`` with ``faces`` faces, or twice, four times, ... up to ``most`` if needed.

    More are needed where the surface would be off by more than 2 mm and a hundredth of its size.
    """
    size = float(np.linalg.norm(np.ptp(mesh.vertices, axis=0)))
    target = min(faces, len(mesh.faces))
    vertices, new_faces = _decimated(mesh, target)
    while 2 * target <= most and _deviation(mesh, vertices[new_faces]) > max(0.0115 * size, 2e-3):
        target *= 2
        vertices, new_faces = _decimated(mesh, target)
    normals, texcoords = _attributes(mesh, vertices[new_faces])
    unique_normals, face_normals = _indexed(normals, digits=2)
    unique_texcoords, face_texcoords = _indexed(texcoords, digits=5)
    return Mesh(
        vertices=vertices.astype(np.float32),
        normals=unique_normals,
        texcoords=unique_texcoords,
        faces=new_faces.astype(np.int32),
        face_normals=face_normals,
        face_texcoords=face_texcoords,
    )


def _decimated(mesh: Mesh, faces: int) -> tuple[Any, Any]:
    """Return vertices and faces of ``mesh`` with its doubled vertices welded, then decimated.

    Without the welding every triangle is an island, and decimation makes the mesh vanish.
    """
    welded, index = np.unique(mesh.vertices.round(_WELD_DIGITS), axis=0, return_inverse=True)
    welded_faces = index.reshape(-1)[mesh.faces]
    distinct = (welded_faces != np.roll(welded_faces, 1, axis=1)).all(axis=1)
    simplification = require("fast_simplification", extra="libero")
    vertices, new_faces = simplification.simplify(
        welded,
        welded_faces[distinct].astype(np.int32),
        target_count=min(faces, len(mesh.faces) - 1),
        agg=3,  # the library's 7 is faster, and twice as far off
    )
    return vertices, new_faces


def _deviation(mesh: Mesh, corners: Any) -> float:
    """Return how far the old surface is from the new one [m], nearly everywhere at most.

    About 0.007 of the mesh's size is the distance between the samples that this measures with.
    """
    tree = require("scipy.spatial", extra="libero").cKDTree(_samples(corners)[0])
    distances, _ = tree.query(_samples(mesh.vertices[mesh.faces].astype(np.float64))[0])
    return float(np.quantile(distances, 0.98))


def _indexed(corners: Any, *, digits: int) -> tuple[Floats, Integers]:
    """Return the distinct rows of (faces, 3, n), and which of them each corner has."""
    faces, _, width = corners.shape
    if width == 0:
        return np.zeros((0, 0), np.float32), np.zeros((faces, 3), np.int32)
    rows, index = np.unique(corners.reshape(-1, width).round(digits), axis=0, return_inverse=True)
    return rows.astype(np.float32), index.reshape(faces, 3).astype(np.int32)


def _attributes(mesh: Mesh, corners: Any) -> tuple[Any, Any]:
    """Return normals and texture coordinates for ``corners``, (new faces, 3, 3)."""
    triangles = mesh.vertices[mesh.faces].astype(np.float64)
    samples, owner = _samples(triangles)
    tree = require("scipy.spatial", extra="libero").cKDTree(samples)
    neighbours = min(_NEIGHBOURS, len(samples))
    middles = corners.mean(axis=1, keepdims=True)
    near_middle = owner[tree.query(middles[:, 0], k=neighbours)[1]]
    near = owner[tree.query(0.9 * corners + 0.1 * middles, k=neighbours)[1]]
    old, new = _unit_normals(triangles), _unit_normals(corners)
    middle = _first(near_middle, _alike(old[near_middle], new[:, None]))
    alike = _alike(old[near], new[:, None, None])
    normals = _shading(mesh, near, alike, new)
    if not len(mesh.texcoords):
        return normals, np.zeros((*corners.shape[:2], 0))
    return normals, _texture(mesh, triangles, corners, near, alike, middle)


def _shading(mesh: Mesh, near: Any, alike: Any, new: Any) -> Any:
    """Return the mean normal of the old faces around each corner, or the new face's own."""
    old = mesh.normals[mesh.face_normals].mean(axis=1)
    total = (old[near] * alike[..., None]).sum(axis=2) + 1e-3 * new[:, None]
    return total / (np.linalg.norm(total, axis=-1, keepdims=True) + 1e-12)


def _texture(mesh: Mesh, triangles: Any, corners: Any, near: Any, alike: Any, middle: Any) -> Any:
    """Return the texture coordinates of ``corners``, (new faces, 3, 2).

    Of the old faces around a corner the nearest counts whose texture continues the one in the new
    face's middle; where a seam lies between them, the middle's own is continued.
    """
    old = mesh.texcoords[mesh.face_texcoords].astype(np.float64)

    def at(faces: Any, points: Any) -> Any:
        weights = _barycentric(triangles[faces], points)
        return (old[faces] * weights[..., None]).sum(axis=-2)

    centres = corners.mean(axis=1, keepdims=True)
    start = at(middle, centres[:, 0])[:, None]
    reach = np.linalg.norm(corners - centres, axis=-1) * _texture_per_metre(triangles, old)
    candidates = at(near, corners[:, :, None])
    jump = np.linalg.norm(candidates - start[:, :, None], axis=-1)
    fits = alike & (jump <= 3 * reach[..., None])
    chosen = np.take_along_axis(candidates, fits.argmax(axis=-1)[..., None, None], axis=2)[:, :, 0]
    return np.where(fits.any(axis=-1)[..., None], chosen, at(middle[:, None], corners))


def _texture_per_metre(triangles: Any, texcoords: Any) -> float:
    """Return how far the texture moves along a metre of the surface, at most places at most."""
    sides = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=-1)
    moves = np.linalg.norm(texcoords - np.roll(texcoords, 1, axis=1), axis=-1)
    return float(np.quantile(moves[sides > 0] / sides[sides > 0], 0.9))


def _alike(old: Any, new: Any) -> Any:
    return (old * new).sum(axis=-1) > 0.5


def _first(candidates: Any, matches: Any) -> Any:
    """Return the first candidate on the last axis that matches, or the first at all."""
    first = matches.argmax(axis=-1)
    return np.take_along_axis(candidates, first[..., None], axis=-1)[..., 0]


def _samples(triangles: Any) -> tuple[Any, Any]:
    """Return points spread over the faces by area, and the face of each; the same every time."""
    edges = triangles[:, 1:] - triangles[:, :1]
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    count = 1 + (_SAMPLES * area / max(float(area.sum()), 1e-12)).astype(int)
    owner = np.repeat(np.arange(len(triangles)), count)
    weights = np.random.default_rng(0).dirichlet((1.0, 1.0, 1.0), len(owner))
    return np.einsum("nv,nvx->nx", weights, triangles[owner]), owner


def _unit_normals(triangles: Any) -> Any:
    edges = triangles[:, 1:] - triangles[:, :1]
    normals = np.cross(edges[:, 0], edges[:, 1])
    return normals / (np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12)


def _barycentric(triangles: Any, points: Any) -> Any:
    """Return weights of ``points`` in ``triangles``, both (..., 3) wide, kept near the triangle."""
    a, b, c = (triangles[..., corner, :] for corner in range(3))
    u, v, w = b - a, c - a, points - a
    uu, uv, vv = (u * u).sum(-1), (u * v).sum(-1), (v * v).sum(-1)
    wu, wv = (w * u).sum(-1), (w * v).sum(-1)
    area = uu * vv - uv * uv
    area = np.where(area < 1e-20, np.inf, area)
    second = np.clip((vv * wu - uv * wv) / area, -0.25, 1.25)
    third = np.clip((uu * wv - uv * wu) / area, -0.25, 1.25)
    return np.stack([1.0 - second - third, second, third], axis=-1)
