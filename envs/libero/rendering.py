"""Draw a scene's cameras straight from MuJoCo, only when somebody looks."""

from __future__ import annotations

import atexit
import weakref
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

from .culling import out_of_sight
from .fast_meshes import simplified_meshes
from .gl import GLContext, let_go, make_context, renderer_name

Rendering = Literal["reference", "fast"]

_HIDDEN_GROUP = 5
"""Geoms of this group are not drawn."""

_DRAWN = (
    "geom_xpos",
    "geom_xmat",
    "site_xpos",
    "site_xmat",
    "cam_xpos",
    "cam_xmat",
    "light_xpos",
    "light_xdir",
)
"""The arrays of MuJoCo's data that a picture depends on."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the cameras would see at one moment; drawing it later gives the same picture."""

    poses: dict[str, NDArray[np.float64]]
    """Copies of the arrays named in ``_DRAWN``."""
    site_rgba: NDArray[np.float32]
    """Colours of the sites; LIBERO shows a burning stove by them."""

    @classmethod
    def of(cls, model: Any, data: Any) -> View:
        """Return the present view of a simulation."""
        return cls(
            poses={name: getattr(data, name).copy() for name in _DRAWN},
            site_rgba=model.site_rgba.copy(),
        )


class Renderer:
    """Draws views of one compiled model.

    It holds an OpenGL context, which ``close()`` releases, as do its own end and the program's.
    """

    def __init__(self, model: Any, *, height: int, width: int, rendering: Rendering) -> None:
        """Create the context and upload the model's meshes and textures.

        Args:
            model: Compiled model; it is left as it was.
            height: Of the largest picture, in pixels.
            width: Of the largest picture, in pixels.
            rendering: ``reference`` draws as upstream does, ``fast`` draws simplified meshes
                without multisampling.
        """
        self._mujoco = mujoco = require("mujoco", extra="libero")
        self.model = model
        self._data = mujoco.MjData(model)
        self._gl = make_context(width, height)
        self._gl.make_current()
        self._scene = mujoco.MjvScene(model, maxgeom=1000)
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._options = mujoco.MjvOption()
        self._options.geomgroup[:2] = 0, 1  # robosuite's groups: 0 collides, 1 is seen
        self._perturbation = mujoco.MjvPerturb()
        self._mirrors = _mirrors(model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        with _uploaded_as(rendering, model):
            self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_150)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self.name = renderer_name()
        self.close = weakref.finalize(self, _release, self._gl, self._context)
        self.close.atexit = False
        _close_at_exit(self)
        let_go()

    def draw(self, view: View, camera: str, height: int, width: int) -> NDArray[np.uint8]:
        """Return a camera's picture, (height, width, 3), upright as the camera sees it."""
        mujoco = self._mujoco
        self._gl.make_current()
        for name, array in view.poses.items():
            np.copyto(getattr(self._data, name), array)
        self._camera.fixedcamid = self.model.camera(camera).id
        self._update_scene(view, width / height)
        viewport = mujoco.MjrRect(0, 0, width, height)
        mujoco.mjr_render(viewport=viewport, scn=self._scene, con=self._context)
        picture = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_readPixels(rgb=picture, depth=None, viewport=viewport, con=self._context)
        let_go()
        return np.ascontiguousarray(picture[::-1])  # OpenGL's first row is the lowest

    def _update_scene(self, view: View, aspect: float) -> None:
        """Collect what is drawn, with the view's colours and without what the camera misses."""
        model, mujoco = self.model, self._mujoco
        rgba, groups = model.site_rgba.copy(), model.geom_group.copy()
        model.site_rgba[:] = view.site_rgba
        camera = self._camera.fixedcamid
        unseen = out_of_sight(model, self._data, camera, aspect, self._mirrors)
        model.geom_group[unseen] = _HIDDEN_GROUP
        mujoco.mjv_updateScene(
            model,
            self._data,
            self._options,
            self._perturbation,
            self._camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        model.site_rgba[:], model.geom_group[:] = rgba, groups


def _mirrors(model: Any) -> NDArray[np.intp]:
    """Return the drawn geoms that reflect."""
    kinds = require("mujoco", extra="libero").mjtGeom
    flat = np.isin(model.geom_type, (int(kinds.mjGEOM_PLANE), int(kinds.mjGEOM_BOX)))
    shiny = (model.geom_matid >= 0) & (model.mat_reflectance[model.geom_matid] > 0)
    return np.flatnonzero(flat & shiny & (model.geom_group > 0))


def _uploaded_as(rendering: Rendering, model: Any) -> AbstractContextManager[None]:
    return simplified_meshes(model) if rendering == "fast" else nullcontext()


def _release(gl: GLContext, context: Any) -> None:
    """Free both contexts in the order that OpenGL needs, the drawing one while it is current."""
    gl.make_current()
    context.free()
    gl.free()


_open: weakref.WeakSet[Renderer] = weakref.WeakSet()


def _close_at_exit(renderer: Renderer) -> None:
    """See to it that ``renderer`` is closed before MuJoCo ends EGL at exit.

    MuJoCo registers its own handler with the first context, and handlers run last in, first out.
    """
    _open.add(renderer)
    atexit.unregister(_close_all)
    atexit.register(_close_all)


def _close_all() -> None:
    for renderer in list(_open):
        renderer.close()
