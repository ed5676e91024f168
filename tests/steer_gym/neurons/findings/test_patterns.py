from __future__ import annotations

from itertools import product
from string import ascii_lowercase

import numpy as np
import pytest
from scipy.stats import binom

from steer_gym.neurons.findings.patterns import CHANCE, LEAST, needed, patterned, patterns
from steer_gym.neurons.findings.stage import Stage
from steer_gym.neurons.findings.traits import NONE, beginning, ending, form, labels, word

FILLER = tuple(f" {a}{b}{c}q" for a, b, c in product(ascii_lowercase[:16], repeat=3))
"""Four letters, too few to begin or end alike, and no stem twice."""
PATTERNS = {
    "word": (" speed", "Speed", " speeds", "SPEEDING"),
    "beginning": (" gripped", " grill", " grief", " grimace"),
    "ending": (" nation", " portion", " action", " fusion"),
    "form": ("\u0436\u0430", "\u0431\u044b", "\u0432\u043e", "\u0433\u0434\u0435"),
}


@pytest.mark.parametrize(
    ("trait", "one", "other"),
    [
        (word, " Faster", "fast"),
        (word, " speeds", "SPEED"),
        (beginning, " gripper", "grill"),
        (ending, "nation", " fusion"),
        (form, "12", "3.5"),
        (form, " +", "?!"),
        (form, "\u0436", " \u0431\u044b"),
        (form, "\n", "   "),
        (form, "ABC", " XY"),
    ],
)
def test_tokens_alike_have_one_label(trait: type, one: str, other: str) -> None:
    assert trait(one) is not None
    assert trait(one) == trait(other)


@pytest.mark.parametrize(
    ("trait", "one", "other"),
    [
        (word, "fast", "fasten"),
        (word, "sing", "s"),
        (form, "abc", " abc"),
        (form, "Abc", "abc"),
        (form, "x1", "x_"),
    ],
)
def test_tokens_unlike_have_two(trait: type, one: str, other: str) -> None:
    assert trait(one) != trait(other)


@pytest.mark.parametrize("trait", [word, beginning, ending])
@pytest.mark.parametrize("text", ["", " ", "ab", "1234567", "a_b_c_d", "\ud800"])
def test_what_is_no_word_has_no_trait_of_words(trait: type, text: str) -> None:
    assert trait(text) is None


@pytest.mark.parametrize("trait", PATTERNS)
def test_four_of_thirty_that_share_a_rare_trait_are_a_pattern(make_stage, trait: str) -> None:
    texts = (*FILLER, *PATTERNS[trait])
    plain = list(range(30))
    three = [*range(27), *range(len(FILLER), len(FILLER) + 3)]
    four = [*range(26), *range(len(FILLER), len(FILLER) + 4)]
    stage = make_stage("one", [plain, three, four], texts)
    assert patterned(stage.table, stage.traits).tolist() == [False, False, True]
    assert patterns(stage.table, stage.traits)[trait].tolist() == [False, False, True]


def test_a_pattern_is_one_wherever_its_tokens_stand(make_stage) -> None:
    texts = (*FILLER, *PATTERNS["word"])
    ids = np.array([*range(26), *range(len(FILLER), len(FILLER) + 4)])
    rng = np.random.default_rng(0)
    stage = make_stage("one", [rng.permutation(ids) for _ in range(20)], texts)
    assert patterned(stage.table, stage.traits).all()


def test_a_common_label_must_be_shared_by_more() -> None:
    of_token = np.array([0] * 500 + list(range(1, 501)), np.int32)
    need = needed(of_token, 30, CHANCE)
    assert need[0] > 15
    assert (need[1:] == LEAST).all()


@pytest.mark.parametrize("share", [0.002, 0.03, 0.2, 0.6])
def test_the_number_needed_is_the_least_improbable_enough(share: float) -> None:
    common = int(1000 * share)
    of_token = np.array([0] * common + [NONE] * (1000 - common), np.int32)
    (need,) = needed(of_token, 30, 0.01)
    assert binom.sf(need - 1, 30, share) <= 0.01
    assert need == LEAST or binom.sf(need - 2, 30, share) > 0.01


def test_a_label_that_half_the_vocabulary_has_can_be_out_of_reach() -> None:
    of_token = np.array([0] * 999 + [1], np.int32)
    assert needed(of_token, 30, 0.002)[0] == 31


def test_even_draws_have_a_pattern_less_often_than_the_chance_allows(make_stage) -> None:
    texts = (
        *FILLER,
        *(f" {t.strip()}{e}" for t in FILLER[:600] for e in ("ing", "tion", "7", "!")),
    )
    ids = np.random.default_rng(1).integers(0, len(texts), (5000, 30))
    stage = make_stage("even", ids, texts)
    assert patterned(stage.table, stage.traits).mean() <= CHANCE


def test_shuffling_breaks_patterns_but_keeps_every_token_in_its_layer(make_stage) -> None:
    stems = [f" stem{text.strip()}" for text in FILLER[:100]]
    groups = tuple(stem + ending for stem in stems for ending in ("s", "ing", "ed", "er"))
    rng = np.random.default_rng(0)
    ids = [
        [*(4 * neuron + np.arange(4)), *(400 + rng.choice(600, 26, replace=False))]
        for neuron in range(100)
    ]
    stage = make_stage("one", ids, (*groups, *FILLER), layers=2)
    assert patterns(stage.table, stage.traits)["word"].all()
    assert patterns(stage.table, stage.traits, seed=0)["word"].mean() < 0.1


def test_actions_are_a_pattern_of_their_own_kind_and_no_words(stages: list[Stage]) -> None:
    vla = stages[1].table
    found = labels(vla.vocabulary)
    assert (found["kind"] == 0).sum() == 40
    assert all((of_token[160:] == NONE).all() for name, of_token in found.items() if name != "kind")
