"""A real language model: its named neurons are found by word, and say it when they are set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from steer_gym.neurons.finding import by_word
from steer_gym.neurons.words import theme_of

NAMED = {
    "speed": 45340, "up": 37027, "down": 43241, "high": 40427, "low": 45480, "left": 45929,
    "right": 41389,
}  # fmt: skip
"""The neurons that are known to be clean, by flat id; 37027 lies in layer 24."""


@pytest.mark.parametrize("word", [word for word, neuron in NAMED.items() if neuron >= 26 * 1536])
def test_a_named_neuron_is_found_by_its_word(late_table: Any, word: str) -> None:
    found = [neuron for neuron, _ in by_word(late_table, theme_of([word]), count=2)]
    assert NAMED[word] in found


def test_the_opposite_counts_against_neurons_that_say_both(late_table: Any) -> None:
    both, clean = 42609, 43241  # " up", " down", ...; and " down", " falling", ...
    alone = dict(by_word(late_table, theme_of(["down", "fall"]), count=50))
    against = dict(by_word(late_table, theme_of(["down", "fall"], ["up"]), count=50))
    assert alone[both] - against.get(both, 0.0) > 0.3
    assert alone[clean] - against[clean] < 0.3
    assert next(iter(against)) == clean


PROMPTS = ("The car went", "The robot should move")
CONCEPTS = {
    "up": ([37027, 40588, 42609], [" up", " Up", "up"]),
    "fast": ([45340, 43383], [" fast", " faster", " speed"]),
    "left": ([45929, 41567], [" left", " Left", "left"]),
}


def test_overriding_a_concepts_neurons_says_its_words(smollm2: Any, late_table: Any) -> None:
    """By much more than random neurons of the same layers and about the same length."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from steer_gym import NeuronSet, Steering
    from steer_gym.affine import KIND
    from steer_gym.neuron_set import matched_random
    from steer_gym.policies.engines.anatomy import down_projections, neuron_space
    from steer_gym.policies.engines.torch_engine import TorchEngine

    model = AutoModelForCausalLM.from_pretrained(smollm2, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(smollm2)
    space = neuron_space(model)
    assert space == late_table.space
    engine = TorchEngine(down_projections(model), space)

    def said(steerings: list[Steering | None], words: list[int]) -> np.ndarray:
        """Return the mean log probability of the words after the prompts, one a steering."""
        logs = []
        for prompt in PROMPTS:
            ids = tokenizer(prompt, return_tensors="pt").input_ids.expand(len(steerings), -1)
            kinds = np.full(ids.shape, KIND["text"])
            with torch.inference_mode(), engine.steered(steerings, kinds):
                logits = model(ids, logits_to_keep=1).logits[:, -1]
            logs.append(logits.log_softmax(-1)[:, words].logsumexp(1).numpy())
        return np.mean(logs, axis=0)

    for name, (neurons, words) in CONCEPTS.items():
        tokens = [token for word in words for token in tokenizer.encode(word)[:1]]
        concept = NeuronSet.from_flat(neurons, name=name, fingerprint=space.fingerprint)
        sets = [concept, *(matched_random(concept, space, seed=seed) for seed in range(3))]
        steerings = [None, Steering(concept, -10.0), *(Steering(each, 10.0) for each in sets)]
        before, negative, after, *controls = said(steerings, tokens)
        assert after - before > 1.0, name
        assert after > max(controls) + 0.5, (name, before, after, controls)
        assert negative < before, name
    engine.remove()
