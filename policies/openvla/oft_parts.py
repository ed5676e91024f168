"""What OpenVLA-OFT adds to OpenVLA's network: an action head, and a projector of the state.

They lie beside the safetensors as ``action_head--*_checkpoint.pt`` and
``proprio_projector--*_checkpoint.pt``. Sizes are read from the tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from .model import Projector
from .tensors import CheckpointError

HEAD, STATE = "action_head", "proprio_projector"
"""What the files' names begin with."""
Tensors = Mapping[str, Tensor]
M = TypeVar("M", bound=nn.Module)


class ActionHead(nn.Module):
    """From the hidden states of one action's places, end to end, to its numbers.

    An MLP with residual blocks, each of a layer norm, a linear layer and a ReLU.
    """

    def __init__(self, *, inputs: int, hidden: int, outputs: int, blocks: int) -> None:
        """Create the layers under their published names."""
        super().__init__()
        self.layer_norm1, self.fc1 = nn.LayerNorm(inputs), nn.Linear(inputs, hidden)
        self.mlp_resnet_blocks = nn.ModuleList(
            nn.ModuleDict(
                {"ffn": nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.ReLU())}
            )
            for _ in range(blocks)
        )
        self.layer_norm2, self.fc2 = nn.LayerNorm(hidden), nn.Linear(hidden, outputs)

    def forward(self, states: Tensor) -> Tensor:
        """Return (rows, horizon, outputs) from (rows, horizon, inputs)."""
        states = relu(self.fc1(self.layer_norm1(states)))
        for block in self.mlp_resnet_blocks:
            states = states + block["ffn"](states)  # type: ignore[index]
        actions: Tensor = self.fc2(self.layer_norm2(states))
        return actions


def load_head(folder: Path, hidden_size: int) -> ActionHead:
    """Return the action head of a checkpoint whose language model has this hidden size.

    Raises:
        CheckpointError: It is missing, broken, of a diffusion model, or of another model.
    """
    tensors = {name.removeprefix("model."): tensor for name, tensor in _read(folder, HEAD).items()}
    if "fc1.weight" not in tensors or "fc2.weight" not in tensors:
        raise CheckpointError(
            f"The {HEAD} in {folder} holds {', '.join(sorted(tensors)[:3])}, ...: no head that "
            "regresses actions (L1). Diffusion heads are not supported."
        )
    (hidden, inputs), outputs = tensors["fc1.weight"].shape, len(tensors["fc2.weight"])
    if inputs != outputs * hidden_size:
        raise CheckpointError(
            f"The {HEAD} in {folder} takes {inputs} numbers for an action of {outputs}, but the "
            f"language model's hidden size is {hidden_size}; they belong to different models."
        )
    blocks = {match[1] for n in tensors if (match := re.match(r"mlp_resnet_blocks\.(\d+)\.", n))}
    head = ActionHead(inputs=inputs, hidden=hidden, outputs=outputs, blocks=len(blocks))
    return _filled(head, tensors, folder, HEAD)


def load_state_projector(folder: Path) -> Projector | None:
    """Return the projector of the robot's state, or ``None`` for a checkpoint without one.

    Raises:
        CheckpointError: It is broken.
    """
    if not _files(folder, STATE):
        return None
    tensors = _read(folder, STATE)
    shapes = [tuple(tensors[f"fc{n}.weight"].shape) for n in (1, 2) if f"fc{n}.weight" in tensors]
    return _filled(Projector([(out, into) for out, into in shapes]), tensors, folder, STATE)


def _files(folder: Path, part: str) -> list[Path]:
    return sorted(folder.glob(f"{part}--*.pt"))


def _read(folder: Path, part: str) -> dict[str, Tensor]:
    """Return the tensors of a part, without the prefix that distributed training left."""
    files = _files(folder, part)
    if len(files) != 1:
        found = ", ".join(file.name for file in files) or "none"
        raise CheckpointError(
            f"{folder} must hold one {part}--*_checkpoint.pt, but holds {found}. Give a folder in "
            "OpenVLA-OFT's published format, with the step that you want."
        )
    try:
        content: Any = torch.load(files[0], map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, UnpicklingError) as error:
        raise CheckpointError(
            f"{files[0]} is truncated or holds no plain tensors ({str(error).splitlines()[0]}); "
            "download it again."
        ) from error
    return {name.removeprefix("module."): tensor for name, tensor in content.items()}


def _filled(module: M, tensors: Tensors, folder: Path, part: str) -> M:
    try:
        module.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise CheckpointError(f"The {part} in {folder} is of another kind: {error}") from error
    return module
