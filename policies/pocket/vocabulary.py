"""Make the folder that training starts from: pruned tokenizer, seed embedding, corpus."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from steer_gym.results import atomic_path, writable_folder
from steer_gym.smollm2 import smollm2_folder

from .corpus import read_corpus, write_corpus
from .tokenizer import prune
from .wording import all_wordings

CORPUS, TOKENIZER, EMBEDDING = "corpus.jsonl", "tokenizer.json", "embedding.npy"


def make_vocabulary(
    folder: Path, tasks: list[str], *, size: int = 3072, dimension: int = 256, tokens: int = 150_000
) -> None:
    """Fill ``folder``; an existing corpus is kept.

    Args:
        folder: Where ``corpus.jsonl``, ``tokenizer.json`` and ``embedding.npy`` go.
        tasks: Languages of the tasks, all of whose words are kept.
        size: Tokens of the vocabulary, action bins not counted.
        dimension: Of the seed embedding: that many principal components of SmolLM2's.
        tokens: Length of the corpus.
    """
    writable_folder(folder)
    if not (folder / CORPUS).is_file():
        write_corpus(folder / CORPUS, tokens=tokens)
    wanted = [*tasks, *all_wordings()]
    texts = [*wanted * 1000, *read_corpus(folder / CORPUS)]
    source = smollm2_folder()
    with atomic_path(folder / TOKENIZER) as partial:
        kept = prune(source / "tokenizer.json", partial, texts, size=size)
    with atomic_path(folder / EMBEDDING) as partial, partial.open("wb") as file:
        np.save(file, seed_embedding(source, kept, dimension))


def seed_embedding(source: Path, kept: NDArray[np.int64], dimension: int) -> NDArray[np.float16]:
    """Return the principal components of the kept tokens' embeddings, (tokens, dimension).

    Special tokens, whose id in ``kept`` is -1, are at the origin.
    """
    with safe_open(source / "model.safetensors", "numpy") as file:
        table = file.get_tensor("model.embed_tokens.weight")[np.maximum(kept, 0)]
    table = np.where(kept[:, None] >= 0, table - table[kept >= 0].mean(0), 0)
    _, _, components = np.linalg.svd(table, full_matrices=False)
    reduced: NDArray[np.float16] = (table @ components[:dimension].T).astype(np.float16)
    return reduced
