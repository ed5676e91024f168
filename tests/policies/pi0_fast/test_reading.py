"""pi0-FAST says the same in every format and backend; FAST tokens tell what they stand for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.neurons.reading import read_table
from steer_gym.neurons.safetensors_folder import INDEX
from steer_gym.neurons.sources import open_source
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.tokens import TokenKind
from steer_gym.policies.pi0_fast.neuron_weights import NeuronWeights
from steer_gym.policies.pi0_fast.parameters import load_parameters
from steer_gym.policies.pi0_fast.reading import file_weights
from steer_gym.policies.pi0_fast.safetensors_file import save_safetensors

from .conftest import GOLDEN

pytest.importorskip("torch")


def same(one: NeuronWeights, other: NeuronWeights) -> bool:
    pairs = [(one.embedding(), other.embedding()), (one.scale(), other.scale())]
    pairs += [(one.layer(number), other.layer(number)) for number in range(one.layers)]
    return one.space() == other.space() and all(
        np.array_equal(np.asarray(a, np.float32), np.asarray(b, np.float32)) for a, b in pairs
    )


def test_every_format_holds_the_same_neurons(tmp_path: Path) -> None:
    parameters = load_parameters(GOLDEN / "params.npz")
    save_safetensors(parameters, tmp_path / "model.safetensors")
    loaded = NeuronWeights.of_arrays(parameters)
    for path in (GOLDEN / "params.npz", GOLDEN / "params", tmp_path):
        assert same(file_weights(path), loaded), path


def test_a_named_file_is_read_whatever_an_index_beside_it_says(tmp_path: Path) -> None:
    parameters = load_parameters(GOLDEN / "params.npz")
    for name in ("model.safetensors", "other.safetensors"):
        save_safetensors(parameters, tmp_path / name)
        (tmp_path / INDEX).write_text('{"weight_map": {"stray.weight": "gone.safetensors"}}')
        assert same(file_weights(tmp_path / name), NeuronWeights.of_arrays(parameters))


@pytest.mark.parametrize("backend", ["torch", "jax"])
def test_loaded_and_from_files_the_neurons_say_the_same(
    talker: tuple[Path, Any], backend: str
) -> None:
    pytest.importorskip(backend)
    from steer_gym.policies.pi0_fast.policy import Pi0FastPolicy

    folder, profile = talker
    policy = Pi0FastPolicy(folder, profile=profile, backend=backend)  # type: ignore[arg-type]
    for projection in ("raw", "norm"):
        files = read_table(open_source(str(folder), profile=profile), k=5, projection=projection)
        loaded = read_table(policy.neuron_source(), k=5, projection=projection)
        assert files.space == loaded.space == policy.spec.neurons
        assert files.texts == loaded.texts
        assert np.array_equal(files.promoted.ids, loaded.promoted.ids)
        assert np.allclose(files.promoted.scores, loaded.promoted.scores, atol=1e-5)


def test_a_fast_token_stands_at_its_real_id_and_tells_its_coefficients(
    talker: tuple[Path, Any],
) -> None:
    """Neuron i of layer 0 writes the i-th token of the row that the talking model says."""
    from steer_gym.policies.pi0_fast.action_tokens import ActionReader
    from steer_gym.policies.pi0_fast.fast_tokenizer import FastTokenizer
    from steer_gym.policies.pi0_fast.prompt import PromptTokenizer

    from .conftest import CHUNK, FAST

    folder, profile = talker
    fast = FastTokenizer(FAST)
    table: NeuronTable = read_table(open_source(str(folder), profile=profile), k=1)
    words = PromptTokenizer(folder / "tokenizer.model")
    row = ActionReader(fast, words, profile).tokens(CHUNK)
    assert table.promoted.ids[: len(row), 0].tolist() == row
    first = len(ActionReader(fast, words, profile).marker)
    token = fast.encode(CHUNK)[0]
    assert table.words(first) == [f"[action {token}: {fast.meaning(token)}]"]
    assert table.kinds[row[first]] == TokenKind.ACTION
    assert (table.kinds == TokenKind.ACTION).sum() == fast.vocabulary
    told = float(fast.meaning(token).split()[0])
    whole = fast.decode(fast.encode(CHUNK), *CHUNK.shape)
    from steer_gym.policies.pi0_fast.fast_tokenizer import cosine_matrix

    lowest = (cosine_matrix(len(CHUNK)) @ whole.actions)[0, 0]
    assert told == pytest.approx(lowest, abs=0.051)
