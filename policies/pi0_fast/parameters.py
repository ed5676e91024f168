"""Load parameters from any published format: ``.npz``, orbax folder, LeRobot's safetensors."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile, is_zipfile

import numpy as np

from steer_gym.results import atomic_path

from .lora import merge_lora
from .orbax_folder import read_orbax
from .safetensors_file import HeadSizes, read_safetensors
from .sizes import CheckpointError, Parameters, Sizes

_POINTER = b"version https://git-lfs"


def load_parameters(path: str | Path, *, heads: HeadSizes | None = None) -> Parameters:
    """Return the merged parameters of a checkpoint, checked for completeness.

    No published weights were ever loaded here: what is known to work are small random models in
    the published formats.

    Args:
        path: An ``.npz``, a ``.safetensors``, an orbax folder, or a folder that holds ``params/``,
            ``params.npz`` or ``model.safetensors``.
        heads: Sizes of the heads for safetensors files, whose tensors do not show them.

    Raises:
        CheckpointError: The file is of no known format, or weights are missing or unexpected.
    """
    found = weights_file(path)
    try:
        if found.suffix == ".npz":
            parameters = read_npz(found)
        elif found.suffix == ".safetensors":
            parameters = read_safetensors(found, heads)
        else:
            parameters = read_orbax(found)
    except (OSError, BadZipFile, EOFError) as error:
        raise CheckpointError(f"{found} is broken: {error}. Fetch it once more.") from error
    merged = merge_lora(parameters)
    Sizes.of(merged)
    return merged


def read_npz(path: Path, *, starting: str | tuple[str, ...] = "") -> Parameters:
    """Return the arrays of an ``.npz`` whose names are joined by ``/``.

    Args:
        path: The file.
        starting: What names begin with, without the leading ``params``; others are not read.

    Raises:
        CheckpointError: The file is another one.
    """
    if not is_zipfile(path):
        with path.open("rb") as file:
            pointer = file.read(len(_POINTER)) == _POINTER
        raise CheckpointError(
            f"{path} is broken or no .npz; it has {path.stat().st_size:,} bytes. "
            + ("It is a Git LFS pointer: run git lfs pull." if pointer else "Fetch it once more.")
        )
    with np.load(path, allow_pickle=False) as arrays:
        names = {name.removeprefix("params/"): name for name in arrays}
        return {n: arrays[whole] for n, whole in names.items() if n.startswith(starting)}


def save_npz(parameters: Parameters, path: str | Path) -> None:
    """Write parameters as an ``.npz``, whole or not at all."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, **parameters)  # type: ignore[arg-type]  # names are no keywords of savez


def weights_file(path: str | Path) -> Path:
    """Return the file or orbax folder that holds a checkpoint's parameters.

    Raises:
        CheckpointError: There is none.
    """
    path = Path(path)
    if path.is_file() and path.suffix in (".npz", ".safetensors"):
        return path
    if (path / "_METADATA").is_file():
        return path
    for name in ("params", "params.npz", "model.safetensors"):
        if (path / name).exists():
            return weights_file(path / name)
    raise CheckpointError(
        f"{path} is no checkpoint. Give an .npz, a .safetensors, an orbax folder, or a folder that "
        "holds params/, params.npz or model.safetensors."
    )
