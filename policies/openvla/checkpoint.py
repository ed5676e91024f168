"""A published checkpoint: the folder or hub id, its config, tokenizer and statistics."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from ..hub import hub_folder
from .sizes import vocabulary_size
from .tensors import CheckpointError, read_json

CONFIG, STATISTICS, TOKENIZER = "config.json", "dataset_statistics.json", "tokenizer.json"
SENTENCEPIECE = "tokenizer.model"
_CONVERT = "transformers.LlamaTokenizer.from_pretrained(folder).save_pretrained(folder)"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_CACHED = re.compile(r"models--([\w.-]+?)--([\w.-]+)")
_WANTED = ("*.json", "*.safetensors")
OFT_PARTS = ("action_head--*.pt", "proprio_projector--*.pt", "vision_backbone--*.pt")
"""What OpenVLA-OFT's folders hold beside OpenVLA's files."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Checkpoint:
    """What a checkpoint folder holds beside its tensors."""

    folder: Path
    name: str
    """Hub id, else the name of the folder."""
    config: dict[str, Any]
    """Of ``config.json``."""
    statistics: dict[str, Any]
    """Data set -> statistics of its actions; a fine-tuned folder's file replaces the config's."""
    tokenizer: Tokenizer

    @property
    def vocabulary(self) -> int:
        """Return one past the last action token: the vocabulary without its padding."""
        padded = vocabulary_size(self.config.get("text_config") or {})
        return padded - int(self.config.get("pad_to_multiple_of", 64))

    @property
    def bins(self) -> int:
        """Return the number of action tokens."""
        return int(self.config.get("n_action_bins", 256))


def open_checkpoint(
    checkpoint: str | Path, adapter: str | Path | None = None, *, oft: bool = False
) -> Checkpoint:
    """Return the checkpoint of a local folder or a hub id; a hub id is downloaded.

    Args:
        checkpoint: Folder or hub id.
        adapter: A LoRA folder, whose ``dataset_statistics.json`` counts where there is one.
        oft: Whether it is to be OpenVLA-OFT's.

    Raises:
        CheckpointError: A file is missing or broken, or the checkpoint is of another kind.
    """
    folder = checkpoint_folder(checkpoint, _WANTED + OFT_PARTS * oft)
    _check_kind(folder, _name(checkpoint, folder), oft)
    config = read_json(folder / CONFIG, "what the network is")
    if config.get("model_type") != "openvla":
        raise CheckpointError(
            f"{folder / CONFIG} describes a model of type {config.get('model_type')!r}, not "
            "'openvla'. Give a folder in OpenVLA's published format."
        )
    if config.get("image_resize_strategy", "resize-naive") != "resize-naive":
        raise CheckpointError(
            f"{folder / CONFIG} wants images resized by {config['image_resize_strategy']!r}; "
            "steer_gym knows 'resize-naive', which all published OpenVLA checkpoints use."
        )
    return Checkpoint(
        folder=folder,
        name=_name(checkpoint, folder),
        config=config,
        statistics=_statistics(folder, Path(adapter) if adapter else None, config),
        tokenizer=_tokenizer(folder / TOKENIZER),
    )


def _check_kind(folder: Path, name: str, oft: bool) -> None:
    """Refuse OpenVLA-OFT's folders as OpenVLA's, and the other way round."""
    head, _, film = (any(folder.glob(part)) for part in OFT_PARTS)
    if film:
        raise CheckpointError(
            f"{folder} holds a vision backbone with FiLM (vision_backbone--*.pt), which steer_gym "
            "does not know; the published LIBERO checkpoints have none."
        )
    if not oft and (head or "-oft-" in name):
        raise CheckpointError(
            f"{name} is an OpenVLA-OFT checkpoint: its actions come from a head of their own, not "
            'from tokens. Use make_policy("openvla-oft", checkpoint=...).'
        )


def checkpoint_folder(checkpoint: str | Path, wanted: Sequence[str] = _WANTED) -> Path:
    """Return the folder of a checkpoint, downloading a hub id into huggingface_hub's cache.

    Raises:
        CheckpointError: There is no such folder, or the hub cannot be reached and has not been.
    """
    folder = Path(checkpoint)
    if folder.is_dir():
        return folder
    if not _HUB_ID.fullmatch(str(checkpoint)):
        raise CheckpointError(
            f"There is no folder {str(checkpoint)!r}, and it is no hub id either. Give a local "
            "checkpoint folder, or an id such as openvla/openvla-7b-finetuned-libero-10."
        )
    advice = "Check the id and the network, or download the folder elsewhere and give its path."
    return hub_folder(str(checkpoint), wanted, advice, error=CheckpointError)


def _name(given: str | Path, folder: Path) -> str:
    """Return the hub id: as given, or of the hub's cache; else the folder's own name."""
    if not Path(given).is_dir():
        return str(given)
    cached = (_CACHED.fullmatch(part) for part in folder.resolve().parts)
    return next((f"{match[1]}/{match[2]}" for match in cached if match), folder.resolve().name)


def _statistics(folder: Path, adapter: Path | None, config: dict[str, Any]) -> dict[str, Any]:
    for place in (adapter, folder):
        if place and (place / STATISTICS).is_file():
            return read_json(place / STATISTICS, "how actions are scaled")
    if not config.get("norm_stats"):
        raise CheckpointError(
            f"{folder} has neither {STATISTICS} nor norm_stats in {CONFIG}, so its actions cannot "
            "be scaled. Put the training run's dataset_statistics.json there."
        )
    return dict(config["norm_stats"])


def _tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        old = path.with_name(SENTENCEPIECE).is_file()
        raise CheckpointError(
            f"{path} is missing. "
            + (f"Make it from {SENTENCEPIECE}: {_CONVERT}" if old else "Download the whole folder.")
        )
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises the bare class
        raise CheckpointError(
            f"{path} is truncated or no tokenizer ({error}); download it again."
        ) from error
