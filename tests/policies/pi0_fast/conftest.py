"""Golden data, small random models, and a model whose neurons spell out a chunk of actions."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from steer_gym.affine import KIND, PADDING

DATA = Path(__file__).parent / "data"
GOLDEN, FAST = DATA / "pi0_fast_tiny", DATA / "fast_tokenizer"


@pytest.fixture(scope="session")
def golden() -> dict[str, Any]:
    """What upstream computed: sizes, clusters and cases, and arrays by name."""
    told = json.loads((GOLDEN / "golden.json").read_text())
    with np.load(GOLDEN / "golden.npz") as arrays:
        return {**told, **{name: arrays[name] for name in arrays}}


@pytest.fixture(scope="session")
def golden_inputs(golden: dict[str, Any]) -> Any:
    """The two rows of the golden cases."""
    from steer_gym.policies.pi0_fast.prefix import ModelInputs

    order, masked = golden["model"]["image_order"], golden["tokenized_prompt_mask"]
    images = np.stack([golden[f"image_{name}"] for name in order], axis=1)
    return ModelInputs(
        images=images.astype(np.float32) / 255 * 2 - 1,
        camera_mask=np.stack([golden[f"image_mask_{name}"] for name in order], axis=1),
        prompt=golden["tokenized_prompt"].astype(np.int64),
        prompt_kinds=np.where(masked, KIND["text"], PADDING),
    )


def tiny_sizes(**changes: int) -> Any:
    """Return the sizes of a model that runs in milliseconds."""
    from steer_gym.policies.pi0_fast.sizes import Sizes

    sizes = Sizes(
        vocabulary=96,
        width=24,
        depth=3,
        neurons=40,
        heads=4,
        kv_heads=2,
        head_dim=8,
        vision_width=16,
        vision_depth=2,
        vision_neurons=24,
        vision_heads=2,
        patch=4,
        grid=2,
    )
    return replace(sizes, **changes)


def random_sizes(seed: int) -> Any:
    """Return sizes that have nothing in common with those of another seed."""
    rng = np.random.default_rng(seed)
    kv_heads, vision_heads = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    return tiny_sizes(
        vocabulary=int(rng.integers(60, 300)),
        width=int(rng.integers(9, 48)),
        depth=int(rng.integers(1, 7)),
        neurons=int(rng.integers(10, 90)),
        heads=kv_heads * int(rng.integers(1, 4)),
        kv_heads=kv_heads,
        head_dim=2 * int(rng.integers(2, 13)),
        vision_width=vision_heads * int(rng.integers(3, 12)),
        vision_depth=int(rng.integers(1, 4)),
        vision_neurons=int(rng.integers(8, 50)),
        vision_heads=vision_heads,
        patch=int(rng.integers(2, 7)),
        grid=int(rng.integers(1, 7)),
    )


def random_parameters(sizes: Any, seed: int) -> dict[str, NDArray[np.float32]]:
    """Return parameters of about the spread that a trained model has."""
    rng = np.random.default_rng(seed)
    return {
        name: (rng.normal(size=shape) * (0.3 if len(shape) < 3 else shape[-2] ** -0.5)).astype(
            np.float32
        )
        for name, shape in sizes.shapes().items()
    }


def random_inputs(sizes: Any, seed: int, rows: int = 2, length: int = 9) -> Any:
    """Return inputs with two cameras, of which one may be masked, and prompts of any length."""
    from steer_gym.policies.pi0_fast.prefix import ModelInputs

    rng = np.random.default_rng(seed)
    side = sizes.image_size
    kinds = np.full((rows, length), PADDING)
    for row in range(rows):
        words = int(rng.integers(3, length + 1))
        kinds[row, :words] = rng.choice([KIND["text"], KIND["state"]], words)
        kinds[row, 0] = KIND["start"]
    mask = rng.random((rows, 2)) < 0.7
    return ModelInputs(
        images=rng.uniform(-1, 1, (rows, 2, side, side, 3)).astype(np.float32),
        camera_mask=mask,
        prompt=rng.integers(4, sizes.vocabulary, (rows, length)),
        prompt_kinds=kinds,
    )


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sentencepiece model with PaliGemma's special ids and a place for FAST tokens."""
    sentencepiece = pytest.importorskip("sentencepiece")
    folder = tmp_path_factory.mktemp("words")
    numbers = " ".join(map(str, range(256)))
    lines = [f"Task: pick up the bowl and place it on the plate, State: {numbers};", "Action: |"]
    (folder / "text").write_text("\n".join(lines * 20))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text"),
        model_prefix=str(folder / "tokenizer"),
        model_type="char",
        vocab_size=2048 + 400,
        user_defined_symbols=["Action", *(f"<fast{i}>" for i in reversed(range(2048)))],
        pad_id=0,
        eos_id=1,
        bos_id=2,
        unk_id=3,
        byte_fallback=True,
        split_digits=True,
        add_dummy_prefix=False,
        remove_extra_whitespaces=False,
        normalization_rule_name="identity",
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return folder / "tokenizer.model"


CHUNK = np.random.default_rng(0).uniform(-0.9, 0.9, (4, 7))
"""The normalised actions that the talking model writes, before FAST rounds them."""


@pytest.fixture(scope="session")
def talker(words: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A checkpoint whose neurons write ``CHUNK`` after any prompt, and its profile.

    In layer 0 neuron i detects the i-th token of the row and writes the next one.
    """
    from steer_gym.policies.pi0_fast.action_tokens import ActionReader
    from steer_gym.policies.pi0_fast.fast_tokenizer import FastTokenizer
    from steer_gym.policies.pi0_fast.parameters import save_npz
    from steer_gym.policies.pi0_fast.profiles import PI0_FAST_LIBERO
    from steer_gym.policies.pi0_fast.prompt import PromptTokenizer

    tokenizer = PromptTokenizer(words)
    last = tokenizer._pieces.piece_to_id("<fast0>")
    profile = replace(
        PI0_FAST_LIBERO,
        horizon=4,
        skipped=tokenizer.vocabulary - 1 - last,
        decoding=replace(PI0_FAST_LIBERO.decoding, steps=32),
    )
    row = ActionReader(FastTokenizer(FAST), tokenizer, profile).tokens(CHUNK)
    chain = [tokenizer.encode("\n")[-1], *row, tokenizer.end]
    assert len(set(chain)) == len(chain)
    folder = tmp_path_factory.mktemp("talker")
    save_npz(_talking(chain, tokenizer.vocabulary), folder / "params.npz")
    (folder / "tokenizer.model").write_bytes(words.read_bytes())
    (folder / "fast").symlink_to(FAST)
    sizes = {"state": 8, "actions": 7}
    stats = {
        key: {"mean": [0.1] * n, "std": [0.4] * n, "q01": [-1.0] * n, "q99": [1.5] * n}
        for key, n in sizes.items()
    }
    (folder / "assets").mkdir()
    (folder / "assets" / "norm_stats.json").write_text(json.dumps({"norm_stats": stats}))
    return folder, profile


def _talking(chain: list[int], vocabulary: int) -> dict[str, NDArray[np.float32]]:
    sizes = tiny_sizes(vocabulary=vocabulary, width=96, depth=2, kv_heads=1)
    parameters = {k: v * 0.02 for k, v in random_parameters(sizes, 0).items()}
    table = np.random.default_rng(1).normal(size=(vocabulary, 96)) / np.sqrt(96)
    parameters["PaliGemma/llm/embedder/input_embedding"] = table.astype(np.float32)
    for neuron, (now, after) in enumerate(pairwise(chain)):
        parameters["PaliGemma/llm/layers/mlp/gating_einsum"][0, :, :, neuron] = table[now]
        parameters["PaliGemma/llm/layers/mlp/linear"][0, neuron] = table[after]
    return parameters
