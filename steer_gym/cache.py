"""Where derived files are kept between runs, and how a folder gets there whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """Return the user's cache folder of steer_gym (``STEER_GYM_CACHE`` overrides it)."""
    if override := os.environ.get("STEER_GYM_CACHE"):
        return Path(override)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "steer_gym"


def cached_folder(name: str, make: Callable[[Path], None]) -> Path:
    """Return the cached folder ``name``; where it is missing, ``make`` fills it first.

    A folder appears under its name only when ``make`` has returned, so one that an interrupted
    run left half-filled is never used; of two processes that make it at once, one wins.
    """
    folder = cache_folder() / name
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        make(partial)
        partial.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return folder
