from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tokenizers")

from steer_gym.errors import SteerGymError
from steer_gym.policies.pi0_fast.fast_tokenizer import FastTokenizer, cosine_matrix

FOLDER = Path(__file__).parent / "data" / "fast_tokenizer"


@pytest.fixture(scope="module")
def fast() -> FastTokenizer:
    return FastTokenizer(FOLDER)


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    with np.load(FOLDER / "golden.npz") as arrays:
        return {**json.loads((FOLDER / "golden.json").read_text()), **arrays}


@pytest.mark.parametrize("length", [1, 2, 10, 50])
def test_the_cosine_transform_is_a_rotation(length: int) -> None:
    matrix = cosine_matrix(length)
    assert np.allclose(matrix @ matrix.T, np.eye(length), atol=1e-13)


def test_chunks_become_upstreams_tokens(fast: FastTokenizer, reference: dict[str, Any]) -> None:
    assert [fast.encode(chunk) for chunk in reference["actions"]] == reference["tokens"]


def test_tokens_become_upstreams_chunks(fast: FastTokenizer, reference: dict[str, Any]) -> None:
    for tokens, chunk in zip(reference["tokens"], reference["decoded"], strict=True):
        decoded = fast.decode(tokens, 10, 7)
        assert decoded.reason is None
        assert np.abs(decoded.actions - chunk).max() < 1e-12


def test_what_upstream_calls_malformed_has_a_reason(
    fast: FastTokenizer, reference: dict[str, Any]
) -> None:
    reasons = [fast.decode(tokens, 10, 7).reason for tokens in reference["malformed"]]
    assert reasons == [
        "5 coefficients instead of 70 (10 x 7)",
        "140 coefficients instead of 70 (10 x 7)",
        "3 coefficients instead of 70 (10 x 7)",
    ]


def test_a_prefix_is_the_slow_part_of_the_motion(
    fast: FastTokenizer, reference: dict[str, Any]
) -> None:
    tokens, whole = reference["tokens"][0], reference["decoded"][0]
    lengths = [fast.decode(tokens[:count], 10, 7).coefficients for count in range(len(tokens) + 1)]
    assert lengths[0] == 0
    assert lengths == sorted(lengths)
    halfway = fast.decode(tokens[:10], 10, 7)
    kept = halfway.coefficients
    spectrum = (cosine_matrix(10) @ whole).ravel()
    spectrum[kept:] = 0
    assert np.allclose(halfway.actions, cosine_matrix(10).T @ spectrum.reshape(10, 7))


def test_a_token_beyond_the_vocabulary_ends_the_prefix(
    fast: FastTokenizer, reference: dict[str, Any]
) -> None:
    tokens = reference["tokens"][0]
    decoded = fast.decode([*tokens[:10], 5000, *tokens[10:]], 10, 7)
    assert decoded.reason == "token 5000 is beyond the 2048 FAST tokens"
    assert np.array_equal(decoded.actions, fast.decode(tokens[:10], 10, 7).actions)


def test_half_a_character_is_malformed_and_not_a_huge_coefficient(tmp_path: Path) -> None:
    content = json.loads((FOLDER / "tokenizer.json").read_text())
    content["model"]["vocab"]["\u00c3"] = 2048  # the first byte of a character of two
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    (tmp_path / "processor_config.json").write_bytes(
        (FOLDER / "processor_config.json").read_bytes()
    )
    decoded = FastTokenizer(tmp_path).decode([33, 2048, 33], 3, 1)
    assert decoded.reason == "bytes after 1 coefficients are no character"
    assert np.abs(decoded.actions).max() < 10


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SteerGymError, match=r"has no tokenizer\.json, so it is no FAST tokenizer"):
        FastTokenizer(tmp_path)


def test_a_chunk_that_is_not_finite_is_refused(fast: FastTokenizer) -> None:
    with pytest.raises(SteerGymError, match="A chunk must be finite numbers"):
        fast.encode(np.full((10, 7), np.nan))
