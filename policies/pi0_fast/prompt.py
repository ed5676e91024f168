"""The prompt: instruction and state as words, in PaliGemma's tokens."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.affine import KIND, PADDING
from steer_gym.errors import ObservationError, SteerGymError
from steer_gym.extras import require

from ..hub import hub_folder
from .profiles import Profile

HUB = "google/paligemma-3b-pt-224"
"""Where PaliGemma's sentencepiece model is published; asks for a login."""
_NAMES = ("tokenizer.model", "paligemma_tokenizer.model")
_BINS = np.linspace(-1, 1, 257)[:-1]


class PromptTokenizer:
    """PaliGemma's sentencepiece model; the published one was never loaded here."""

    def __init__(self, path: str | Path) -> None:
        """Read a sentencepiece model.

        Raises:
            SteerGymError: The file is none.
        """
        sentencepiece = require("sentencepiece", extra="jax")
        self._pieces: Any = sentencepiece.SentencePieceProcessor()
        try:
            self._pieces.Load(str(path))
        except (OSError, RuntimeError) as error:
            raise SteerGymError(f"{path} is no sentencepiece model: {error}") from error
        self.vocabulary: int = self._pieces.vocab_size()
        self.begin: int = self._pieces.bos_id()
        self.end: int = self._pieces.eos_id()

    def encode(self, text: str) -> list[int]:
        """Return ids, without begin and end."""
        ids: list[int] = self._pieces.encode(text)
        return ids

    def text(self, token: int) -> str:
        """Return the text of one token, a leading blank included."""
        piece: str = self._pieces.id_to_piece(token)
        return piece.replace("\u2581", " ")

    def is_control(self, token: int) -> bool:
        """Tell whether a token is a mark without text: begin, end, padding, unknown."""
        pieces = self._pieces
        return bool(pieces.is_control(token) or pieces.is_unknown(token))

    def prompt(self, text: str) -> tuple[list[int], list[int]]:
        """Return the ids of a whole prompt, begin first, and the kind of each position."""
        ids, before_state = self.encode(text), text.rindex("State:") + len("State:")
        read, kinds = 0, [KIND["start"]]
        for token in ids:
            # Before the closing semicolon and after the last "State:" stand the state's numbers.
            piece = self._pieces.id_to_piece(token)
            inside = read >= before_state and ";" not in piece and read < text.rindex(";")
            kinds.append(KIND["state"] if inside else KIND["text"])
            read += 1 if self._pieces.is_byte(token) else len(piece)
        return [self.begin, *ids], kinds


def prompt_text(instruction: str, state: NDArray[np.floating[Any]], profile: Profile) -> str:
    """Return the prompt of one row.

    Args:
        instruction: As the environment gives it.
        state: Normalised, in about [-1, 1]; each number is told as one of 256 bins.
        profile: Of the checkpoint.
    """
    words = instruction.lower() if profile.lower_case else instruction.replace("\n", " ")
    bins = np.digitize(state, _BINS) - 1
    return f"Task: {words.strip().replace('_', ' ')}, State: {' '.join(map(str, bins))};\n"


def prompts(
    texts: Sequence[str], tokenizer: PromptTokenizer, profile: Profile
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return ids and kinds, each (rows, prompt length), padded on the right.

    Raises:
        ObservationError: A prompt is too long; upstream cuts it and loses the state.
    """
    shape = (len(texts), profile.prompt_length)
    ids, kinds = np.zeros(shape, np.int64), np.full(shape, PADDING)
    for row, text in enumerate(texts):
        words, said = tokenizer.prompt(text)
        if profile.second_bos:
            words, said = [*words, tokenizer.begin], [*said, KIND["text"]]
        if len(words) > profile.prompt_length:
            raise ObservationError(
                f"The prompt {text!r} has {len(words)} tokens; {profile.name} reads "
                f"{profile.prompt_length}. Shorten the instruction."
            )
        ids[row, : len(words)], kinds[row, : len(words)] = words, said
    return ids, kinds


def prompt_tokenizer(path: str | Path | None, checkpoint: Path) -> PromptTokenizer:
    """Return the tokenizer of a file, else one that lies in the checkpoint, else the hub's.

    Raises:
        SteerGymError: There is none, or the hub does not give it.
    """
    if path is not None:
        return PromptTokenizer(path)
    beside = [checkpoint / name for name in _NAMES if (checkpoint / name).is_file()]
    if beside:
        return PromptTokenizer(beside[0])
    advice = f"Put PaliGemma's {_NAMES[0]} into {checkpoint}, or give tokenizer=."
    return PromptTokenizer(hub_folder(HUB, _NAMES[:1], advice) / _NAMES[0])
