"""Load parameters from any published format: ``.npz``, orbax folder, LeRobot's safetensors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.results import atomic_path

from .lora import merge_lora
from .orbax_folder import read_orbax
from .safetensors_file import HeadSizes, read_safetensors
from .sizes import EMBEDDING, LAYERS, CheckpointError, Parameters, Sizes

_SAMPLES = 4096


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
    found = _find(Path(path))
    if found.suffix == ".npz":
        parameters = read_npz(found)
    elif found.suffix == ".safetensors":
        parameters = read_safetensors(found, heads)
    else:
        parameters = read_orbax(found)
    merged = merge_lora(parameters)
    Sizes.of(merged)
    return merged


def read_npz(path: Path) -> Parameters:
    """Return the arrays of an ``.npz`` whose names are joined by ``/``."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name.removeprefix("params/"): arrays[name] for name in arrays}


def save_npz(parameters: Parameters, path: str | Path) -> None:
    """Write parameters as an ``.npz``, whole or not at all."""
    with atomic_path(path) as partial, partial.open("wb") as file:
        np.savez(file, **parameters)  # type: ignore[arg-type]  # names are no keywords of savez


def fingerprint(parameters: Parameters) -> str:
    """Return 16 hexadecimal digits that name the weights of neurons and vocabulary.

    Of each array its shape and 4,096 values spread evenly over it, as float16, so that every
    format of the same weights agrees.
    """
    digest = hashlib.sha256()
    for name in (f"{LAYERS}/mlp/gating_einsum", f"{LAYERS}/mlp/linear", EMBEDDING):
        flat = parameters[name].reshape(-1)
        at = np.linspace(0, len(flat) - 1, min(_SAMPLES, len(flat))).astype(np.int64)
        digest.update(f"{name} {parameters[name].shape}".encode())
        digest.update(flat[at].astype(np.float16).tobytes())
    return digest.hexdigest()[:16]


def value_vectors(parameters: Parameters) -> NDArray[Any]:
    """Return every neuron's value vector in the order of flat ids, (layers * neurons, width).

    Of merged parameters, so that low-rank weights count.
    """
    linear = parameters[f"{LAYERS}/mlp/linear"]
    return linear.reshape(-1, linear.shape[-1])


def unembedding(parameters: Parameters) -> NDArray[Any]:
    """Return the row of every token that hidden states are compared with, (vocabulary, width)."""
    return parameters[EMBEDDING]


def _find(path: Path) -> Path:
    if path.is_file() and path.suffix in (".npz", ".safetensors"):
        return path
    if (path / "_METADATA").is_file():
        return path
    for name in ("params", "params.npz", "model.safetensors"):
        if (path / name).exists():
            return _find(path / name)
    raise CheckpointError(
        f"{path} is no checkpoint. Give an .npz, a .safetensors, an orbax folder, or a folder that "
        "holds params/, params.npz or model.safetensors."
    )
