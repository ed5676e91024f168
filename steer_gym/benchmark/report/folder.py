"""A report's folder: written aside, then put in the place of the last one, and of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from steer_gym.results import atomic_path, writable_folder

WRITTEN = "files.sha256"
"""Lists what a report wrote, with digests, as ``sha256sum --check`` reads it."""


@contextmanager
def report_folder(out: str | Path) -> Iterator[Path]:
    """Yield a temporary folder, whose files replace those of the last report in ``out``.

    What the last report wrote and this one does not is deleted, unless it was changed since. Files
    of anybody else stay, and so does everything if the block raises.

    Raises:
        ResultsError: ``out`` cannot be created or written to.
    """
    out = writable_folder(out)
    with TemporaryDirectory(prefix=".report.", suffix=".partial", dir=out) as name:
        partial = Path(name)
        yield partial
        files = {file for file in partial.rglob("*") if file.is_file()}
        digests = {file.relative_to(partial).as_posix(): _digest(file) for file in files}
        before = _listed(out / WRITTEN)
        for each in digests:
            (out / each).parent.mkdir(parents=True, exist_ok=True)
            (partial / each).replace(out / each)
        for each, digest in before.items():
            if each not in digests:
                _delete(out, each, digest)
        with atomic_path(out / WRITTEN) as listing:
            lines = sorted(f"{digest}  {each}\n" for each, digest in digests.items())
            listing.write_text("".join(lines), encoding="utf-8")


def _listed(file: Path) -> dict[str, str]:
    """Return the digests of the last report's files, by path."""
    if not file.is_file():
        return {}
    lines = file.read_text(encoding="utf-8").splitlines()
    return {path: digest for digest, _, path in (line.partition("  ") for line in lines)}


def _delete(out: Path, path: str, digest: str) -> None:
    file = out / path
    inside = file.resolve().is_relative_to(out.resolve())
    if inside and file.is_file() and _digest(file) == digest:
        file.unlink()
        with suppress(OSError):  # others' files are in it
            file.parent.rmdir()


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
