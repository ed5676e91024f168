"""What an episode's numbers depend on besides its seed, to be written beside every result."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

from .installed import libero_version


@cache
def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def versions() -> dict[str, str]:
    """Return the versions of everything that moves results."""
    return {
        "python": platform.python_version(),
        **{name: _version(name) for name in ("mujoco", "robosuite", "numpy", "gymnasium")},
        "libero": libero_version(),
    }
