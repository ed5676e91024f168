"""Pocket's neurons for those who read them: of a loaded network, or of a folder's files alone."""

from __future__ import annotations

from pathlib import Path

from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.decoder_files import decoder_source
from steer_gym.neurons.source import NeuronSource, modules_source
from steer_gym.neurons.tokens import Vocabulary, vocabulary

from ..engines.anatomy import down_projections, neuron_space
from .model import PocketModel
from .tokenizer import SPECIAL, PocketTokenizer
from .weights import SHIPPED, TOKENIZER


def loaded_source(
    model: PocketModel, tokenizer: PocketTokenizer, space: NeuronSpace | None
) -> NeuronSource:
    """Return the source of a loaded network."""
    return modules_source(
        "pocket",
        space or neuron_space(model.llama),
        down_projections(model.llama),
        head=model.llama.lm_head,
        norm=model.llama.model.norm,
        vocabulary=lambda: pocket_vocabulary(tokenizer),
    )


def folder_source(checkpoint: str | Path | None = None) -> NeuronSource:
    """Return the source of a folder that ``steer-gym pocket train`` wrote, or the shipped one."""
    folder = Path(checkpoint or SHIPPED)
    tokenizer = PocketTokenizer(folder / TOKENIZER)
    return decoder_source(folder, vocabulary=lambda _: pocket_vocabulary(tokenizer), name="pocket")


def pocket_vocabulary(tokenizer: PocketTokenizer) -> Vocabulary:
    """Return the words and, last, the action tokens as values."""
    return vocabulary(
        tokenizer.size,
        tokenizer.token_text,
        special=range(len(SPECIAL)),
        actions=tokenizer.bins.ids,
    )
