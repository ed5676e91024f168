"""OpenVLA's neurons for those who read them: of a loaded network, or of its files alone."""

from __future__ import annotations

from pathlib import Path

from steer_gym.neuron_set import NeuronSpace
from steer_gym.neurons.decoder_files import decoder_source
from steer_gym.neurons.source import NeuronSource, modules_source
from steer_gym.neurons.tokens import Vocabulary
from steer_gym.neurons.vocabularies import tokenizer_vocabulary

from ..action_bins import ActionBins
from ..engines.anatomy import down_projections
from .adapters import load_adapter
from .checkpoint import Checkpoint, open_checkpoint
from .model import OpenVlaModel


def loaded_source(model: OpenVlaModel, space: NeuronSpace, checkpoint: Checkpoint) -> NeuronSource:
    """Return the source of a loaded network, which may be quantised."""
    head = model.llama.lm_head
    return modules_source(
        checkpoint.name,
        space,
        down_projections(model.llama),
        head=head,
        norm=model.llama.model.norm,
        vocabulary=lambda: openvla_vocabulary(checkpoint, len(head.weight)),
    )


def folder_source(checkpoint: str | Path, adapter: str | Path | None = None) -> NeuronSource:
    """Return the source of a folder in the published format, or of a hub id.

    Args:
        checkpoint: Folder or hub id.
        adapter: A LoRA folder of peft.
    """
    opened = open_checkpoint(checkpoint, adapter)
    return decoder_source(
        opened.folder,
        adapter=load_adapter(adapter) if adapter else None,
        vocabulary=lambda size: openvla_vocabulary(opened, size),
        name=opened.name,
    )


def openvla_vocabulary(checkpoint: Checkpoint, size: int) -> Vocabulary:
    """Return Llama's tokens, the last of which are values, and rows that only fill up."""
    bins = ActionBins(checkpoint.vocabulary, checkpoint.bins)
    return tokenizer_vocabulary(checkpoint.tokenizer, size, bins.texts)
