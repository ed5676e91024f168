"""What an episode's numbers depend on besides its seed, to be written beside every result."""

from __future__ import annotations

import platform
import warnings
from functools import cache
from importlib import metadata

from .installed import libero_version

REFERENCE_MUJOCO = "3.3.2"


def versions() -> dict[str, str]:
    """Return the versions of everything that moves results."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("mujoco", "robosuite", "numpy", "gymnasium")},
        "libero": libero_version(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:3] if part.isdigit())


def needs_texture_fix() -> bool:
    """Tell whether this MuJoCo reads textures as sRGB where LIBERO means linear numbers."""
    return _numbers(_version("mujoco")) >= (3, 3, 3)


@cache
def warn_of_other_mujoco() -> None:
    """Warn once where the installed MuJoCo gives other results than published ones."""
    version = _version("mujoco")
    if _numbers(version) <= _numbers(REFERENCE_MUJOCO):
        return
    contacts = (
        " Contacts changed in 3.4.0: bowls no longer sit on ramekins, libero_spatial's task 5 "
        "drops from 98 % to 12 %."
        if _numbers(version) >= (3, 4)
        else ""
    )
    warnings.warn(
        f"mujoco {version} changes LIBERO; published numbers need {REFERENCE_MUJOCO} or older "
        f'(pip install "mujoco=={REFERENCE_MUJOCO}"). Textures, which 3.3.3 and later draw darker, '
        f"are read as before (pictures then differ by less than 0.1 grey levels).{contacts}",
        stacklevel=2,
    )
