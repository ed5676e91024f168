"""What tokens can have in common, told from their texts alone.

Every trait gives each token one label or none. Tokens share a pattern when a trait gives them the
same label; how many must share it to mean something is for ``patterns`` to say.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ..tokens import TokenKind, Vocabulary

NONE = -1
"""No label."""
_ENDINGS = ("ing", "edly", "ed", "est", "er", "ers", "ly", "es", "s")
"""Taken off a word to find its stem; English, as the vocabularies at hand mostly are."""


def word(text: str) -> str | None:
    """Return the stem of a word of three letters or more: case and common endings do not count."""
    letters = text.strip().casefold()
    if not letters.isalpha() or len(letters) < 3:
        return None
    # Again and again, so that what one form ends with by itself ("speed") ends none of the others.
    while shorter := [letters.removesuffix(e) for e in _ENDINGS if letters.endswith(e)]:
        if len(least := min(shorter, key=len)) < 3:
            break
        letters = least
    return letters


def beginning(text: str) -> str | None:
    """Return the first three letters of a word of five or more."""
    letters = text.strip().casefold()
    return letters[:3] if letters.isalpha() and len(letters) >= 5 else None


def ending(text: str) -> str | None:
    """Return the last three letters of a word of five or more."""
    letters = text.strip().casefold()
    return letters[-3:] if letters.isalpha() and len(letters) >= 5 else None


def form(text: str) -> str:
    """Return what a token looks like: a script, capitals, digits, punctuation, code, blanks."""
    bare = text.strip()
    if not bare:
        return "blank"
    if bare.isalpha():
        script = _script(bare[0])
        return _case(text) if script == "LATIN" else script
    if any(character.isdigit() for character in bare):
        return "digits"
    return "code" if re.search(r"[^\W\d]", bare) else "punctuation"


def _case(text: str) -> str:
    bare = text.strip()
    if bare.isupper() and len(bare) > 1:
        return "capitals"
    if bare[0].isupper():
        return "capitalised"
    return "word" if text != bare else "piece of a word"


@cache
def _script(letter: str) -> str:
    """Return the script of a letter: the first word of its Unicode name."""
    return unicodedata.name(letter, "UNKNOWN").split()[0]


TRAITS: dict[str, Callable[[str], str | None]] = {
    "word": word,
    "beginning": beginning,
    "ending": ending,
    "form": form,
}
"""Name -> from a text to its label. One further trait, the kind, is told from the table."""


def labels(vocabulary: Vocabulary) -> dict[str, NDArray[np.int32]]:
    """Return, for each trait, the number of each token's label, (vocabulary,), or ``NONE``.

    Only plain text has traits of text. The trait "kind" labels action tokens, and no others.
    """
    plain = vocabulary.kinds == TokenKind.TEXT
    texts = [text if is_plain else None for text, is_plain in zip(vocabulary.texts, plain)]  # noqa: B905
    found = {
        name: _numbered(None if text is None else trait(text) for text in texts)
        for name, trait in TRAITS.items()
    }
    actions = vocabulary.kinds == TokenKind.ACTION
    return {**found, "kind": np.where(actions, 0, NONE).astype(np.int32)}


def _numbered(names: Iterable[str | None]) -> NDArray[np.int32]:
    numbers: dict[str | None, int] = {None: NONE}
    return np.array([numbers.setdefault(name, len(numbers) - 1) for name in names], np.int32)
