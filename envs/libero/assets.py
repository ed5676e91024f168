"""LIBERO's scenes and meshes: part of the package, or brought from the hub by ``hf-libero``."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path

from steer_gym.errors import MissingPackageError

from .installed import import_libero, libero_path, libero_version


def require_assets() -> Path:
    """Return the folder of LIBERO's scenes and meshes; ``hf-libero`` may download them first.

    Raises:
        MissingPackageError: They are not there.
    """
    libero = import_libero()
    if hasattr(libero, "get_assets_path"):  # only hf-libero, which downloads in it and tells stdout
        with redirect_stdout(sys.stderr):
            folder = Path(libero.get_assets_path())
    else:
        folder = libero_path("assets")
    if not (folder / "scenes").is_dir():
        raise MissingPackageError(
            f"The installed LIBERO ({libero_version()}) has no scenes: "
            f"{folder}/scenes is no folder. "
            "hf-libero downloads them from the Hugging Face hub, which needs a connection; "
            'pip install "steer_gym[libero]" brings a LIBERO that holds them.'
        )
    return folder
