"""The FAST action tokenizer: cosine transform, rounding, byte-pair encoding; no remote code.

A chunk of actions (horizon, dimensions) in about [-1, 1] becomes cosine coefficients along time
(type II, orthonormal), times ``scale``, rounded; read row by row, lowest frequency first, each
integer becomes the character ``chr(coefficient - min_token)``, and the text is encoded by the
byte-level BPE of the folder's ``tokenizer.json``. Pertsch et al., 2025 (arXiv 2501.09747).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.extras import require

from ..hub import hub_folder

TOKENIZER, PROCESSOR = "tokenizer.json", "processor_config.json"
_BROKEN = "\ufffd"
"""What a byte sequence that is no character decodes to."""
_SHOWN = 8
"""Coefficients of a token that are shown."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedChunk:
    """What one row of tokens came to."""

    actions: NDArray[np.float64]
    """(horizon, dimensions), normalised; of a malformed row what its longest valid prefix says,
    coefficients that it lacks being zero."""
    coefficients: int
    """How many usable coefficients the tokens held; horizon * dimensions when they are whole."""
    reason: str | None = None
    """Why the row is malformed; ``None``: it is not."""


class FastTokenizer:
    """The tokenizer of one published folder.

    It was held to the reference outputs of one small folder; the real ones were never loaded.
    """

    def __init__(self, folder: str | Path) -> None:
        """Read ``tokenizer.json`` and ``processor_config.json`` of a local folder.

        Raises:
            SteerGymError: A file is missing, or lacks a number.
        """
        self.folder = Path(folder)
        config = _processor_config(self.folder)
        self.scale, self.min_token = float(config["scale"]), int(config["min_token"])
        self.horizon, self.dimensions = config.get("time_horizon"), config.get("action_dim")
        tokenizers = require("tokenizers", extra="torch")
        self._bpe: Any = tokenizers.Tokenizer.from_file(str(self.folder / TOKENIZER))
        self.vocabulary: int = self._bpe.get_vocab_size()

    def encode(self, actions: NDArray[Any]) -> list[int]:
        """Return the tokens of one chunk, (horizon, dimensions)."""
        chunk = np.asarray(actions, np.float64)
        if chunk.ndim != 2 or not np.isfinite(chunk).all():
            raise SteerGymError(
                f"A chunk must be finite numbers (horizon, dimensions), but has shape {chunk.shape}"
                f"{'' if chunk.ndim != 2 else ' and holds ' + str(chunk)}."
            )
        coefficients = np.rint(cosine_matrix(len(chunk)) @ chunk * self.scale).astype(np.int64)
        codes = np.maximum(coefficients.ravel() - self.min_token, 0)
        ids: list[int] = self._bpe.encode("".join(map(chr, codes)), add_special_tokens=False).ids
        return ids

    def meaning(self, token: int) -> str:
        """Return the cosine coefficients that a token stands for, normalised, as text."""
        text: str = self._bpe.decode([token], skip_special_tokens=False)
        values = [f"{(ord(c) + self.min_token) / self.scale:+.1f}" for c in text if c != _BROKEN]
        shown = " ".join(values[:_SHOWN]) + (" ..." if len(values) > _SHOWN else "")
        return shown + (" part of a coefficient" if _BROKEN in text else "")

    def decode(self, tokens: Sequence[int], horizon: int, dimensions: int) -> DecodedChunk:
        """Return the chunk that ``tokens`` stand for, or why they stand for none."""
        known = _leading(0 <= token < self.vocabulary for token in tokens)
        text: str = self._bpe.decode(list(tokens[:known]), skip_special_tokens=False)
        whole = text.partition(_BROKEN)[0]
        wanted, found = horizon * dimensions, len(whole)
        reason = None
        if known < len(tokens):
            reason = f"token {tokens[known]} is beyond the {self.vocabulary} FAST tokens"
        elif _BROKEN in text:
            reason = f"bytes after {found} coefficients are no character"
        elif found != wanted:
            reason = f"{found} coefficients instead of {wanted} ({horizon} x {dimensions})"
        codes = np.array([ord(c) + self.min_token for c in whole[:wanted]], np.float64)
        grid = np.zeros(wanted)
        grid[: len(codes)] = codes / self.scale
        actions = cosine_matrix(horizon).T @ grid.reshape(horizon, dimensions)
        return DecodedChunk(actions=actions, coefficients=min(found, wanted), reason=reason)


@lru_cache(maxsize=16)
def cosine_matrix(length: int) -> NDArray[np.float64]:
    """Return the orthonormal cosine transform of type II; its transpose is its inverse."""
    frequency, time = np.mgrid[:length, :length]
    matrix: NDArray[np.float64] = np.sqrt(2 / length) * np.cos(
        np.pi * frequency * (2 * time + 1) / (2 * length)
    )
    matrix[0] /= np.sqrt(2)
    matrix.flags.writeable = False
    return matrix


def fast_folder(name: str | Path) -> Path:
    """Return a local folder, or a hub repository's files as one (needs the network, once).

    Raises:
        SteerGymError: It is no folder, and the hub does not give it.
    """
    if Path(name).is_dir():
        return Path(name)
    advice = "Give a folder that holds the FAST tokenizer: fast=..., or fast/ in the checkpoint."
    return hub_folder(str(name), (TOKENIZER, PROCESSOR), advice)


def _processor_config(folder: Path) -> dict[str, Any]:
    for name in (TOKENIZER, PROCESSOR):
        if not (folder / name).is_file():
            raise SteerGymError(
                f"{folder} has no {name}, so it is no FAST tokenizer. Give the folder as it is "
                "published, for example a copy of physical-intelligence/fast."
            )
    config: dict[str, Any] = json.loads((folder / PROCESSOR).read_text(encoding="utf-8"))
    lacking = [key for key in ("scale", "min_token") if key not in config]
    if lacking:
        raise SteerGymError(f"{folder / PROCESSOR} lacks {', '.join(lacking)}.")
    return config


def _leading(flags: Any) -> int:
    """Return how many of ``flags`` are true before the first that is not."""
    count = 0
    for flag in flags:
        if not flag:
            break
        count += 1
    return count
