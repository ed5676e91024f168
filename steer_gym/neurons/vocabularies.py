"""The texts of a tokenizer's tokens, one by one, blanks kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from steer_gym.extras import require

from .source import SourceError
from .tokens import Vocabulary, vocabulary

_BLANK = "\u2581"
"""What sentencepiece writes for a blank."""
_BROKEN = "\ufffd"
"""What bytes that are no character decode to."""


def folder_vocabulary(folder: Path, size: int) -> Vocabulary:
    """Return the vocabulary of a folder's ``tokenizer.json``.

    Args:
        folder: Of a checkpoint.
        size: Rows of the unembedding, of which some may have no token.

    Raises:
        SourceError: There is no such file, or it is none.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise SourceError(f"{path} is missing, so tokens have no text. Download the whole folder.")
    try:
        tokenizer = require("tokenizers", extra="torch").Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises the bare class
        raise SourceError(f"{path} is truncated or no tokenizer ({error}).") from error
    return tokenizer_vocabulary(tokenizer, size)


def tokenizer_vocabulary(
    tokenizer: Any, size: int, actions: dict[int, str] | None = None
) -> Vocabulary:
    """Return the vocabulary of a tokenizer of the library ``tokenizers``.

    Args:
        tokenizer: The tokenizer.
        size: Rows of the unembedding.
        actions: Action tokens and what is shown of them.
    """
    actions = actions or {}
    added = tokenizer.get_added_tokens_decoder()
    return vocabulary(
        size,
        lambda token: actions.get(token) or token_text(tokenizer, token),
        special=[token for token, about in added.items() if about.special and token < size],
        actions=actions,
        unused=[
            token
            for token in range(size)
            if token not in actions and tokenizer.id_to_token(token) is None
        ],
    )


def token_text(tokenizer: Any, token: int) -> str:
    """Return the text of one token, a leading blank included; broken bytes stay as they are."""
    piece: str = tokenizer.id_to_token(token)
    if _BLANK in piece:
        return piece.replace(_BLANK, " ")
    text: str = tokenizer.decode([token], skip_special_tokens=False)
    return piece if not text or _BROKEN in text else text
