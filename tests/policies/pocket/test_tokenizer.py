from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from steer_gym.policies.pocket.tokenizer import BINS, SPECIAL, PocketTokenizer, prune
from steer_gym.policies.pocket.wording import all_wordings


@pytest.fixture(scope="module")
def tokenizer(tokenizer_file: Path) -> PocketTokenizer:
    return PocketTokenizer(tokenizer_file)


def test_an_action_comes_back_to_within_half_a_bin(tokenizer: PocketTokenizer) -> None:
    values = np.linspace(-1, 1, 1001)
    decoded, valid = tokenizer.decode_actions(tokenizer.encode_actions(values))
    assert valid.all()
    assert np.abs(decoded - values).max() <= 1 / (BINS - 1) + 1e-6


def test_action_tokens_are_the_last_of_the_vocabulary_and_fall_as_values_rise(
    tokenizer: PocketTokenizer,
) -> None:
    assert tokenizer.encode_actions(np.array([-1.0])) == tokenizer.size - 1
    assert tokenizer.encode_actions(np.array([1.0])) == tokenizer.words
    assert tokenizer.encode_actions(np.array([7.0])) == tokenizer.words


def test_a_word_in_place_of_an_action_decodes_as_in_openvla(tokenizer: PocketTokenizer) -> None:
    decoded, valid = tokenizer.decode_actions(np.array([100]))
    assert not valid.any()
    assert decoded == pytest.approx(254 / 255)


@pytest.mark.parametrize("text", [*all_wordings(), "Zebras like 7 naïve quarks!"])
def test_any_text_comes_back(tokenizer: PocketTokenizer, text: str) -> None:
    assert tokenizer.decode(tokenizer.encode(text)).strip() == text


def test_words_of_style_are_single_tokens(tokenizer: PocketTokenizer) -> None:
    words = ("fast", "quickly", "slow", "slowly", "carefully", "high", "low", "up", "down")
    assert [len(tokenizer.encode(word)) for word in words] == [1] * len(words)


def test_pruning_keeps_the_tokens_in_use_and_every_byte(
    tokenizer_file: Path, tmp_path: Path
) -> None:
    kept = prune(tokenizer_file, tmp_path / "small.json", ["slowly slowly"] * 3, size=600)
    small = PocketTokenizer(tmp_path / "small.json")
    assert small.words == len(kept) <= 600
    assert len(small.encode("slowly")) == 1
    assert small.decode(small.encode("quokka")).strip() == "quokka"
    assert list(json.loads((tmp_path / "small.json").read_text())["model"]["vocab"])[:4] == list(
        SPECIAL
    )
