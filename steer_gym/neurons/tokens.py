"""The tokens of a vocabulary as people read them, and what kind each is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray


class TokenKind(IntEnum):
    """What a token stands for."""

    TEXT = 0
    """A piece of text."""
    ACTION = 1
    """A value, or a piece of a trajectory."""
    SPECIAL = 2
    """A mark: begin, end, a place in an image."""
    UNUSED = 3
    """A row of the unembedding that no token has."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Vocabulary:
    """Text and kind of every row of an unembedding."""

    texts: tuple[str, ...]
    """Blanks included; action tokens as values in their units."""
    kinds: NDArray[np.uint8]
    """(vocabulary,), numbers of ``TokenKind``."""

    def __post_init__(self) -> None:
        """Refuse texts and kinds of different numbers."""
        if self.kinds.shape != (len(self.texts),):
            raise ValueError(f"{len(self.texts)} texts, but kinds of shape {self.kinds.shape}.")

    def __len__(self) -> int:
        """Return the number of tokens."""
        return len(self.texts)


def vocabulary(
    size: int,
    text: Callable[[int], str],
    *,
    special: Iterable[int] = (),
    actions: Iterable[int] = (),
    unused: Iterable[int] = (),
) -> Vocabulary:
    """Return the vocabulary of ``size`` tokens, each decoded once by ``text``.

    Args:
        size: Rows of the unembedding.
        text: From a token to what is shown of it; not asked of unused ones.
        special: Ids of that kind.
        actions: Ids of that kind.
        unused: Ids of that kind.
    """
    kinds = np.full(size, TokenKind.TEXT, np.uint8)
    kinds[list(special)] = TokenKind.SPECIAL
    kinds[list(actions)] = TokenKind.ACTION
    kinds[list(unused)] = TokenKind.UNUSED
    texts = tuple(
        f"[unused {token}]" if kinds[token] == TokenKind.UNUSED else text(token)
        for token in range(size)
    )
    return Vocabulary(texts=texts, kinds=kinds)
