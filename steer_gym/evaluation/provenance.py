"""What a result depends on besides its config: versions, commit, machine."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import steer_gym

PACKAGES = ("numpy", "gymnasium", "torch", "transformers", "mujoco", "robosuite", "jax")


@cache
def provenance() -> dict[str, Any]:
    """Return versions, commit and platform; the environment adds its own at every reset."""
    return {
        "steer_gym": steer_gym.__version__,
        "commit": commit(),
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: found for name in PACKAGES if (found := version(name))},
    }


def version(package: str) -> str | None:
    """Return the version of an installed package, found without importing it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


@cache
def commit() -> str | None:
    """Return the git commit that the code was run from, with ``+`` if files differ from it.

    ``None`` for an installed package.
    """
    root = Path(steer_gym.__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    head = _git(root, "rev-parse", "--short=10", "HEAD")
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{head}{'+' if changed else ''}" if head else None


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
