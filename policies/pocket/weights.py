"""A folder of Pocket's weights: write it, read it, and the one that ships."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from steer_gym.errors import SteerGymError
from steer_gym.neurons.safetensors_folder import read_object
from steer_gym.results import atomic_path

from .model import PocketModel, PocketSizes
from .tokenizer import PocketTokenizer

SHIPPED = Path(__file__).parent / "weights"
CONFIG, TENSORS, TOKENIZER = "config.json", "model.safetensors", "tokenizer.json"


@dataclass(frozen=True, kw_only=True)
class PocketCheckpoint:
    """A network with its tokenizer, and how it came about."""

    model: PocketModel
    tokenizer: PocketTokenizer
    history: dict[str, Any]
    """How the weights were made: steps, samples, tasks, seed."""


def save_checkpoint(folder: Path, model: PocketModel, tokenizer: Path, history: Any) -> None:
    """Write ``folder`` in half precision: config, tensors, tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: tensor.detach().to("cpu", torch.float16).contiguous()
        for name, tensor in model.state_dict().items()
        if name != "llama.lm_head.weight"
    }
    with atomic_path(folder / TENSORS) as partial:
        save_file(tensors, partial)
    with atomic_path(folder / TOKENIZER) as partial:
        partial.write_bytes(tokenizer.read_bytes())
    with atomic_path(folder / CONFIG) as partial:
        content = {"sizes": model.sizes.to_json(), "history": history}
        partial.write_text(json.dumps(content, indent=1))


def load_checkpoint(folder: Path | None = None, device: str = "cpu") -> PocketCheckpoint:
    """Read a folder that ``save_checkpoint`` wrote, by default the shipped one, in float32.

    Raises:
        SteerGymError: The folder is not such a checkpoint.
    """
    folder = Path(folder or SHIPPED)
    for name in (CONFIG, TENSORS, TOKENIZER):
        if not (folder / name).is_file():
            raise SteerGymError(
                f"{folder} has no {name}, so it is no Pocket checkpoint. Train one with "
                "`steer-gym pocket train`, or leave checkpoint= out for the shipped weights."
            )
    sizes, history = _config(folder / CONFIG)
    with torch.device("meta"):
        model = PocketModel(sizes)
    _assign(model, _tensors(folder / TENSORS), folder)
    return PocketCheckpoint(
        model=model.to(device).eval(),
        tokenizer=PocketTokenizer(folder / TOKENIZER),
        history=history,
    )


def _config(path: Path) -> tuple[PocketSizes, dict[str, Any]]:
    """Return the sizes of the network and how its weights were made."""
    content = read_object(path, SteerGymError)
    try:
        sizes = {**content["sizes"], "channels": tuple(content["sizes"]["channels"])}
        return PocketSizes(**sizes), content["history"]
    except (KeyError, TypeError) as error:
        kind = content.get("model_type")
        raise SteerGymError(
            f"{path} is not of a Pocket checkpoint ({type(error).__name__}: {error})"
            + (f", but of {kind!r}" if kind else "")
            + ". Give a folder that `steer-gym pocket train` wrote, or name the policy that it is."
        ) from error


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise SteerGymError(f"{path} is truncated or no safetensors file ({error}).") from error


def _assign(model: PocketModel, tensors: dict[str, torch.Tensor], folder: Path) -> None:
    fp32 = {name: tensor.float() for name, tensor in tensors.items()}
    missing, unexpected = model.load_state_dict(fp32, strict=False, assign=True)
    model.llama.tie_weights()
    lacking = set(missing) - {"llama.lm_head.weight"}
    if lacking or unexpected:
        raise SteerGymError(
            f"{folder / TENSORS} does not fit its config: missing {sorted(lacking)}, "
            f"unexpected {sorted(unexpected)}."
        )
    # Non-persistent buffers (rotary frequencies) were made on the meta device: make them anew.
    rotary = type(model.llama.model.rotary_emb)(config=model.llama.config)
    model.llama.model.rotary_emb = rotary
