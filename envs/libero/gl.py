"""Which OpenGL draws the pictures, chosen without asking, and a context of it.

``MUJOCO_GL`` is respected where it is set. Otherwise EGL is taken where a device answers (it works
without a display, on GPUs and on Mesa's software driver), else OSMesa.
"""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache
from typing import Any, Protocol

from steer_gym.errors import MissingPackageError
from steer_gym.extras import require

_EGL_PLATFORM_DEVICE = 0x313F
_NO_GL = (
    "No OpenGL without a display was found: neither EGL with a device nor OSMesa. On Debian or "
    "Ubuntu: apt-get install libegl1 libgl1 libopengl0 libgl1-mesa-dri"
)


class GLContext(Protocol):
    """What MuJoCo's context classes have in common."""

    def make_current(self) -> None:
        """Make the thread's OpenGL calls go to this context."""

    def free(self) -> None:
        """Release the context."""


@cache
def choose_backend() -> str:
    """Return the backend and set ``MUJOCO_GL`` to it; must run before robosuite is imported."""
    chosen = os.environ.get("MUJOCO_GL", "").strip().lower()
    if not chosen:
        chosen = _available_backend()
        os.environ["MUJOCO_GL"] = chosen
    return chosen


def _available_backend() -> str:
    if platform.system() != "Linux":
        return {"Darwin": "cgl", "Windows": "wgl"}.get(platform.system(), "glfw")
    if os.environ.get("PYOPENGL_PLATFORM", "egl").lower() == "egl" and _egl_answers():
        return "egl"
    if _loads("libOSMesa.so.8") or _loads("libOSMesa.so.6") or _loads("libOSMesa.so"):
        return "osmesa"
    raise MissingPackageError(_NO_GL)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _egl_answers() -> bool:
    """Tell whether EGL is installed and one of its devices can be initialised."""
    if not (_loads("libEGL.so.1") and (_loads("libOpenGL.so.0") or _loads("libGL.so.1"))):
        return False
    egl = ctypes.CDLL("libEGL.so.1")
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    addresses = [egl.eglGetProcAddress(name) for name in _EXTENSIONS]
    if not all(addresses):
        return False
    query = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    display_of = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)(
        addresses[1]
    )
    egl.eglInitialize.argtypes = [ctypes.c_void_p] * 3
    devices, count = (ctypes.c_void_p * 32)(), ctypes.c_int()
    query(addresses[0])(32, devices, ctypes.byref(count))
    displays = (display_of(_EGL_PLATFORM_DEVICE, d, None) for d in devices[: count.value])
    return any(display and egl.eglInitialize(display, None, None) for display in displays)


_EXTENSIONS = (b"eglQueryDevicesEXT", b"eglGetPlatformDisplayEXT")


def make_context(width: int, height: int) -> GLContext:
    """Return a new context that can draw pictures up to ``width`` x ``height``."""
    backend = choose_backend()
    # mujoco picks its class when it is first imported, which may have been before the choice.
    module = f"mujoco.{backend}" if backend in ("egl", "osmesa") else "mujoco"
    context: GLContext = require(module, extra="libero").GLContext(width, height)
    return context


def let_go() -> None:
    """Leave no context current in this thread.

    Robosuite frees what it drew with in whatever context is current. Were that ours, an upstream
    environment in the same process would free our textures when it is reset.
    """
    backend = choose_backend()
    if backend == "egl":
        egl: Any = require("OpenGL.EGL", extra="libero")
        display = require("mujoco.egl", extra="libero").EGL_DISPLAY
        egl.eglMakeCurrent(display, egl.EGL_NO_SURFACE, egl.EGL_NO_SURFACE, egl.EGL_NO_CONTEXT)
    elif backend == "osmesa":
        require("OpenGL.osmesa", extra="libero").OSMesaMakeCurrent(None, None, 0, 0, 0)


def renderer_name() -> str:
    """Return vendor and name of the OpenGL that the current context draws with."""
    gl: Any = require("OpenGL.GL", extra="libero")
    vendor, name = (gl.glGetString(key).decode() for key in (gl.GL_VENDOR, gl.GL_RENDERER))
    return f"{vendor}, {name}"
