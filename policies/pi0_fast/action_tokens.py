"""From generated tokens to normalised actions, row by row, with the reason where that fails.

A row should read ``Action: ``, FAST tokens, ``|``, end. openpi turns the row into text and back
before it looks for these; here they are looked for among the ids, as they stand in training, so
that FAST tokens that look like words survive.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .fast_tokenizer import DecodedChunk, FastTokenizer
from .profiles import Profile
from .prompt import PromptTokenizer


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedRow:
    """What one row of generated tokens came to."""

    chunk: DecodedChunk
    """Its actions, and the reason if it is malformed."""
    valid: NDArray[np.bool_]
    """(tokens,), false where a token before the row's end has no place in a chunk of actions."""


class ActionReader:
    """Reads the actions of one checkpoint's rows."""

    def __init__(self, fast: FastTokenizer, words: PromptTokenizer, profile: Profile) -> None:
        """Note how the checkpoint writes its actions."""
        self._fast, self._profile = fast, profile
        self.marker = tuple(words.encode("Action: "))
        self.bar = words.encode("|")[-1]
        self._ends = (words.end, self.bar)
        self._first = first_token(words, profile)

    def tokens(self, actions: NDArray[np.floating]) -> list[int]:
        """Return the ids that a perfect model writes for a normalised chunk, without the end."""
        fast = (self._first - token for token in self._fast.encode(actions))
        return [*self.marker, *fast, self.bar]

    def read(self, tokens: NDArray[np.int64]) -> DecodedRow:
        """Return the actions of one row."""
        ended = np.isin(tokens, self._ends)
        length = int(ended.argmax()) if ended.any() else len(tokens)
        ids = self._first - tokens[:length]
        valid = np.ones(len(tokens), np.bool_)
        valid[:length] = (ids >= 0) & (ids < self._fast.vocabulary)
        start = _find(tokens[:length], self.marker)
        if start is None:
            return DecodedRow(chunk=self._nothing("it has no 'Action: '"), valid=valid)
        body = start + len(self.marker)
        valid[start:body] = True
        strays = np.flatnonzero(~valid[body:length])
        stop = body + int(strays[0]) if len(strays) else length
        chunk = self._fast.decode(
            ids[body:stop].tolist(), self._profile.horizon, self._profile.dimensions
        )
        if len(strays):
            reason = f"token {tokens[stop]} after {stop - body} FAST tokens is none"
            chunk = DecodedChunk(
                actions=chunk.actions, coefficients=chunk.coefficients, reason=reason
            )
        return DecodedRow(chunk=chunk, valid=valid)

    def _nothing(self, reason: str) -> DecodedChunk:
        shape = (self._profile.horizon, self._profile.dimensions)
        return DecodedChunk(actions=np.zeros(shape), coefficients=0, reason=reason)


def first_token(words: PromptTokenizer, profile: Profile) -> int:
    """Return the id of FAST token 0; the ids of the others fall from there."""
    return words.vocabulary - 1 - profile.skipped


def _find(tokens: NDArray[np.int64], wanted: tuple[int, ...]) -> int | None:
    """Return where ``wanted`` first stands in ``tokens``."""
    for start in range(len(tokens) - len(wanted) + 1):
        if tuple(tokens[start : start + len(wanted)].tolist()) == wanted:
            return start
    return None
