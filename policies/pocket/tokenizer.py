"""Pocket's vocabulary: a pruned SmolLM2 tokenizer, with OpenVLA's 256 action bins last."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..action_bins import ActionBins

BINS = 256
"""Action tokens, those of OpenVLA's table."""
SPECIAL = ("<|pad|>", "<|begin|>", "<|end|>", "<|act|>")
PAD, BEGIN, END, ACT = range(4)


class PocketTokenizer:
    """Text to ids and back; actions to ids and back."""

    def __init__(self, path: str | Path) -> None:
        """Read a ``tokenizer.json``."""
        self._tokenizer = Tokenizer.from_file(str(path))
        self.words = self._tokenizer.get_vocab_size()
        self.size = self.words + BINS
        self.bins = ActionBins(self.size, BINS)
        self._action_texts = self.bins.texts

    def encode(self, text: str) -> list[int]:
        """Return the ids of a text; a blank goes first, so that every word is met after one."""
        return list(self._tokenizer.encode(f" {text.strip()}", add_special_tokens=False).ids)

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of ids; action tokens as ``[action: v]``."""
        runs = groupby(ids, key=self._is_plain)
        return "".join(
            self._tokenizer.decode(list(run)) if plain else "".join(map(self.token_text, run))
            for plain, run in runs
        )

    def _is_plain(self, token: int) -> bool:
        return len(SPECIAL) <= token < self.words

    def token_text(self, token: int) -> str:
        """Return the text of one token."""
        if token >= self.words:
            return self._action_texts[token]
        if token < len(SPECIAL):
            return SPECIAL[token]
        return str(self._tokenizer.decode([token]))

    def encode_actions(self, actions: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
        """Return the ids of action values in [-1, 1], any shape; larger ones are clipped.

        As in OpenVLA, the id falls as the value rises: -1 is the last id of the vocabulary.
        """
        return self.bins.encode(actions)

    def decode_actions(
        self, ids: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Return values and which ids were action tokens.

        An id that is none decodes as in OpenVLA: clipped to the table's end, +0.996.
        """
        values, valid = self.bins.decode(ids)
        return values.astype(np.float32), valid


def prune(source: Path, target: Path, texts: Iterable[str], *, size: int) -> NDArray[np.int64]:
    """Write a tokenizer with the tokens of ``source`` that ``texts`` use most.

    Every kept token stays reachable: the two halves of its merge are kept too, and so are all
    single bytes, so that any text can still be encoded.

    Args:
        source: ``tokenizer.json`` of a byte-level BPE.
        target: Where to write the pruned one.
        texts: What the vocabulary is chosen for.
        size: Tokens to keep, without action bins.

    Returns:
        For each kept token its id in ``source``, (size,); -1 for the special tokens.
    """
    tokenizer = Tokenizer.from_file(str(source))
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.encode(f" {text.strip()}", add_special_tokens=False).tokens)
    data = json.loads(source.read_text())
    vocabulary: dict[str, int] = data["model"]["vocab"]
    halves = {"".join(pair): pair for pair in _merges(data)}
    kept = {token for token in vocabulary if len(token) == 1}
    for token, _ in counts.most_common():
        if len(kept) >= size - len(SPECIAL):
            break
        kept |= _with_parts(token, halves)
    ordered = sorted(kept, key=vocabulary.__getitem__)
    data["model"]["vocab"] = {t: i for i, t in enumerate((*SPECIAL, *ordered))}
    data["model"]["merges"] = [p for p in _merges(data) if {*p, "".join(p)} <= kept]
    data["added_tokens"] = []
    data["model"]["unk_token"] = None
    data["post_processor"] = None
    target.write_text(json.dumps(data, ensure_ascii=False))
    return np.array([-1] * len(SPECIAL) + [vocabulary[token] for token in ordered])


def _merges(data: dict[str, Any]) -> list[list[str]]:
    """Return the merges as pairs; older files write them as one string."""
    return [m.split(" ") if isinstance(m, str) else m for m in data["model"]["merges"]]


def _with_parts(token: str, halves: dict[str, list[str]]) -> set[str]:
    if token not in halves:
        return {token}
    return {token}.union(*(_with_parts(half, halves) for half in halves[token]))
