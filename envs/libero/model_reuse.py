"""Compile a scene once, and skip the dynamics that robosuite computes twice; results unchanged."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import numpy as np

from steer_gym.extras import require

from .mujoco_version import with_linear_textures

_NEVER_WRITTEN = ("mesh_", "tex_", "hfield_", "skin_", "name_", "text_", "names", "paths", "key_")
"""Large or constant arrays of a model, which no reset and no step writes to."""


class ModelStore:
    """Keeps the last compiled model, and gives it back as new when the same XML is asked for."""

    def __init__(self) -> None:
        self._xml: str | None = None
        self._model: Any = None
        self._pristine: dict[str, Any] = {}

    def simulation(self, xml: str) -> Any:
        """Return a robosuite ``MjSim`` of ``xml`` with fresh data."""
        if xml != self._xml:
            mujoco = require("mujoco", extra="libero")
            self._model = mujoco.MjModel.from_xml_string(with_linear_textures(xml))
            _forget_source(mujoco)
            self._pristine = {name: array.copy() for name, array in _arrays(self._model)}
            self._xml = xml
        for name, array in self._pristine.items():
            np.copyto(getattr(self._model, name), array)
        return _simulation_class()(self._model)


def _forget_source(mujoco: Any) -> None:
    """Free the parsed source of the last compiled model, which MuJoCo keeps for saving it as XML.

    It weighs 225 MB for a LIBERO scene. Python's bindings lack the function; where the library
    hides it, the memory stays. (Further 450 MB are MuJoCo's cache of decoded textures and meshes;
    it stays, since it compiles the next scene in 0.4 s instead of 3.)
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(mujoco._structs.__file__).mj_freeLastXML()


def _arrays(model: Any) -> Iterator[tuple[str, Any]]:
    for name in dir(model):
        if not name.startswith(("_", *_NEVER_WRITTEN)):
            value = getattr(model, name)
            if isinstance(value, np.ndarray) and value.size:
                yield name, value


@cache
def _simulation_class() -> type:
    """Return ``MjSim`` with a mode in which position-dependent quantities are computed once.

    In one simulation step robosuite runs the forward dynamics two or three times at the same
    positions and velocities; only controls and the solver's warm start differ. The stages that
    depend on positions and velocities alone would give the same numbers again, so they are skipped.
    """
    mujoco = require("mujoco", extra="libero")
    base = require("robosuite.utils.binding_utils", extra="libero").MjSim

    class Staged(base):  # type: ignore[misc,valid-type]
        _staging = False
        _current = False

        @contextmanager
        def fixed_pose_between_steps(self) -> Iterator[None]:
            """Promise that nothing but ``step`` changes positions and velocities inside."""
            self._staging, self._current = True, False
            try:
                yield
            finally:
                self._staging = False

        def forward(self) -> None:
            model, data = self.model._model, self.data._data
            if self._staging and self._current:
                mujoco.mj_forwardSkip(model, data, mujoco.mjtStage.mjSTAGE_VEL, 0)
            else:
                mujoco.mj_forward(model, data)
                self._current = True

        def step(self, with_udd: bool = True) -> None:
            model, data = self.model._model, self.data._data
            if self._staging and self._current:
                mujoco.mj_step2(model, data)
            else:
                mujoco.mj_step(model, data)
            self._current = False

    return Staged
