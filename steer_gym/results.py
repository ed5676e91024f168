"""Write results whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from steer_gym.errors import ResultsError, SteerGymError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``, renamed to ``path`` when the block ends well.

    Raises:
        ResultsError: It cannot be written.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    writable_folder(path.parent)
    try:
        yield partial
        partial.replace(path)
    except SteerGymError:
        raise
    except OSError as error:
        raise unwritten(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def unwritten(path: Path, error: OSError) -> ResultsError:
    """Return what to raise where ``path`` could not be written."""
    return ResultsError(
        f"Cannot write {path}: {error}. Make room there, or choose another place; what was written "
        "before is kept."
    )


def writable_folder(folder: str | Path) -> Path:
    """Create ``folder`` where it is missing and return it.

    Raises:
        ResultsError: It cannot be created or written to.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(f"Cannot create {folder}: {error}. Choose another --out.") from error
    if not os.access(folder, os.W_OK):
        raise ResultsError(f"Cannot write to {folder}. Choose another --out.")
    return folder
