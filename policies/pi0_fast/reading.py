"""pi0-FAST's neurons for those who read them, from a checkpoint's files alone."""

from __future__ import annotations

import re
from pathlib import Path

from steer_gym.neurons.source import NeuronSource
from steer_gym.neurons.tokens import Vocabulary, vocabulary

from .action_tokens import first_token
from .fast_tokenizer import FastTokenizer, fast_folder
from .neuron_weights import LINEAR, NeuronWeights
from .orbax_folder import open_orbax
from .parameters import read_npz, weights_file
from .profiles import Profile, find_profile
from .prompt import PromptTokenizer, prompt_tokenizer
from .sizes import EMBEDDING, FINAL_NORM

_PLACES = re.compile(r"<(loc|seg|unused)\d+>")
"""PaliGemma's tokens for places in an image, and those without a use."""


def file_source(
    checkpoint: str | Path,
    *,
    profile: str | Profile,
    tokenizer: str | Path | None = None,
    fast: str | Path | None = None,
) -> NeuronSource:
    """Return the source of a checkpoint in any published format; see ``Pi0FastPolicy``.

    Args:
        checkpoint: A local folder or file.
        profile: Says which ids FAST tokens have.
        tokenizer: PaliGemma's sentencepiece model; by default the checkpoint's, else the hub's.
        fast: Folder or hub name of the FAST tokenizer; by default the checkpoint's.
    """
    folder, chosen = Path(checkpoint), find_profile(profile)
    weights_file(folder)  # before anything is asked of the hub
    words = prompt_tokenizer(tokenizer, folder)
    beside = folder / "fast"
    reader = FastTokenizer(fast_folder(fast or (beside if beside.is_dir() else chosen.fast)))
    weights = file_weights(folder)
    return weights.source(
        chosen.name, weights.space(), lambda: fast_vocabulary(words, reader, chosen)
    )


def file_weights(checkpoint: Path) -> NeuronWeights:
    """Return the weights of a checkpoint's files; those of orbax and LeRobot layer by layer."""
    found = weights_file(checkpoint)
    if found.suffix == ".safetensors":
        return NeuronWeights.of_safetensors(found)
    if found.suffix == ".npz":
        return NeuronWeights.of_arrays(read_npz(found, starting=(LINEAR, EMBEDDING, FINAL_NORM)))
    return NeuronWeights.of_arrays(open_orbax(found))


def fast_vocabulary(words: PromptTokenizer, fast: FastTokenizer, profile: Profile) -> Vocabulary:
    """Return PaliGemma's tokens, those that FAST took over as what they stand for."""
    first = first_token(words, profile)
    actions = {first - token: token for token in range(fast.vocabulary) if token <= first}

    def text(token: int) -> str:
        if token in actions:
            return f"[action {actions[token]}: {fast.meaning(actions[token])}]"
        return words.text(token)

    every = range(words.vocabulary)
    return vocabulary(
        words.vocabulary,
        text,
        special=[t for t in every if words.is_control(t) or _PLACES.fullmatch(words.text(t))],
        actions=actions,
    )
