"""The published format, small: upstream's random weights with their outputs, and others of ours.

``golden/`` holds what upstream's code (timm 0.9.10, transformers 4.40.1) computed for random
weights. Of its checkpoint, rows of the vocabulary that no case touches and tensors that no output
depends on are left out; here they are zeros and random numbers again.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from steer_gym import ActConfig, NeuronSet, Steering, make_policy
from steer_gym.policies.openvla.model import Prompts
from steer_gym.policies.openvla.policy import OpenVlaPolicy

needs_bitsandbytes = pytest.mark.skipif(
    importlib.util.find_spec("bitsandbytes") is None, reason="needs the extra 'quantization'"
)
GOLDEN = Path(__file__).parent / "golden"
SMALL_FILES = ("config.json", "preprocessor_config.json", "dataset_statistics.json")
COLUMNS = [*range(64), *range(31744, 32000)]


@dataclass(frozen=True, kw_only=True)
class Cases:
    prompts: list[list[int]]
    cases: list[dict[str, Any]]
    configs: list[ActConfig]
    pixels: Tensor
    tokens: NDArray[np.int64]
    scores: NDArray[np.float32]
    actions: NDArray[np.float64]

    def inputs(self, patches: int, *numbers: int) -> tuple[Tensor, Prompts, list[ActConfig]]:
        pixels = self.pixels[[self.cases[k]["image"] for k in numbers]]
        prompts = Prompts.of([self.prompts[self.cases[k]["prompt"]] for k in numbers], patches)
        return pixels, prompts, [self.configs[k] for k in numbers]


@pytest.fixture(scope="session")
def cases() -> Cases:
    data = json.loads((GOLDEN / "cases.json").read_text())
    arrays = np.load(GOLDEN / "cases.npz")
    generator = torch.Generator().manual_seed(13)
    return Cases(
        prompts=data["prompts"],
        cases=data["cases"],
        configs=[_config(case, data["clusters"]) for case in data["cases"]],
        pixels=torch.randn(3, 6, 224, 224, generator=generator),
        **{name: arrays[name] for name in ("tokens", "scores", "actions")},
    )


def _config(case: dict[str, Any], clusters: dict[str, list[int]]) -> ActConfig:
    if case["cluster"] is None:
        return ActConfig()
    return ActConfig(
        steering=Steering(NeuronSet.from_flat(clusters[case["cluster"]]), case["alpha"])
    )


@pytest.fixture(scope="session")
def golden_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return upstream's checkpoint, whole again. Read only: copy it to change it."""
    folder = tmp_path_factory.mktemp("golden") / "tiny"
    folder.mkdir()
    write_small_files(folder)
    tensors = load_file(GOLDEN / "tiny.safetensors")
    for name in ("model.embed_tokens", "lm_head"):
        rows = tensors.pop(f"rows.{name.removeprefix('model.')}").long()
        kept = tensors[f"language_model.{name}.weight"]
        whole = torch.zeros((32064, kept.shape[1]), dtype=kept.dtype)
        whole[rows] = kept
        tensors[f"language_model.{name}.weight"] = whole
    for name in [name for name in tensors if ".blocks.2." in name]:  # the last one is not read
        tensors[name.replace(".blocks.2.", ".blocks.3.")] = torch.randn_like(tensors[name])
    tensors["vision_backbone.featurizer.norm.weight"] = torch.randn(128).half()
    tensors["vision_backbone.fused_featurizer.attn_pool.q.bias"] = torch.randn(144).half()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.fixture
def folder(golden_folder: Path, tmp_path: Path) -> Path:
    """Return a copy that may be changed."""
    return Path(shutil.copytree(golden_folder, tmp_path / "checkpoint"))


@pytest.fixture(scope="session")
def policy(golden_folder: Path) -> Iterator[OpenVlaPolicy]:
    made = make_policy("openvla", checkpoint=golden_folder, device="cpu")
    assert isinstance(made, OpenVlaPolicy)
    yield made
    made.close()


def write_small_files(folder: Path, **config: Any) -> None:
    for name in SMALL_FILES:
        shutil.copy(GOLDEN / name, folder / name)
    content = json.loads((folder / "config.json").read_text()) | config
    (folder / "config.json").write_text(json.dumps(content))
    (folder / "tokenizer.json").write_bytes(
        gzip.decompress((GOLDEN / "tokenizer.json.gz").read_bytes())
    )


@pytest.fixture(scope="session")
def shard() -> Callable[[Path, int], None]:
    """Return a function that splits a folder's single file into shards with an index."""

    def split(folder: Path, shards: int) -> None:
        tensors = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        names, weight_map = sorted(tensors), {}
        for number in range(shards):
            file = f"model-{number + 1:05}-of-{shards:05}.safetensors"
            part = {name: tensors[name] for name in names[number::shards]}
            weight_map |= dict.fromkeys(part, file)
            save_file(part, folder / file, {"format": "pt"})
        index = {"metadata": {}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))

    return split


@pytest.fixture(scope="session")
def write_random() -> Callable[..., Path]:
    """Return a writer of random checkpoints of any sizes in the published format."""

    def write(
        folder: Path,
        *,
        towers: tuple[str, ...] = ("dinov2", "siglip"),
        heads: int = 1,
        blocks: int = 3,
        patch: int = 14,
        side: int = 4,
        registers: int = 4,
        hidden: int = 48,
        key_heads: int = 2,
        width: int = 80,
        layers: int = 2,
        dtype: torch.dtype = torch.bfloat16,
        wordy: bool = False,
        **config: Any,
    ) -> Path:
        generator = torch.Generator().manual_seed(7)

        def random(*shape: int) -> Tensor:
            return (torch.randn(shape, generator=generator) * 0.2).to(dtype)

        tensors: dict[str, Tensor] = {}

        def linear(name: str, outputs: int, inputs: int) -> None:
            tensors[f"{name}.weight"], tensors[f"{name}.bias"] = (
                random(outputs, inputs),
                random(outputs),
            )

        channels = [heads * {"dinov2": 64, "siglip": 72}[kind] for kind in towers]
        for kind, size, name in zip(
            towers, channels, ("featurizer", "fused_featurizer"), strict=False
        ):
            prefix = f"vision_backbone.{name}"
            tensors[f"{prefix}.pos_embed"] = random(1, side * side, size)
            tensors[f"{prefix}.patch_embed.proj.weight"] = random(size, 3, patch, patch)
            tensors[f"{prefix}.patch_embed.proj.bias"] = random(size)
            if kind == "dinov2":
                tensors[f"{prefix}.cls_token"] = random(1, 1, size)
                tensors[f"{prefix}.reg_token"] = random(1, registers, size)
            for block in range(blocks):
                at = f"{prefix}.blocks.{block}"
                for norm in ("norm1", "norm2"):
                    tensors[f"{at}.{norm}.weight"], tensors[f"{at}.{norm}.bias"] = (
                        1 + random(size),
                        random(size),
                    )
                linear(f"{at}.attn.qkv", 3 * size, size)
                linear(f"{at}.attn.proj", size, size)
                linear(f"{at}.mlp.fc1", 2 * size, size)
                linear(f"{at}.mlp.fc2", size, 2 * size)
                if kind == "dinov2":
                    tensors[f"{at}.ls1.scale_factor"] = random(size)
                    tensors[f"{at}.ls2.scale_factor"] = random(size)
        if len(towers) == 2:
            linear("projector.fc1", 4 * sum(channels), sum(channels))
            linear("projector.fc2", hidden, 4 * sum(channels))
            linear("projector.fc3", hidden, hidden)
        else:
            linear("projector.fc1", hidden, channels[0])
            linear("projector.fc2", hidden, hidden)
        llm = "language_model.model"
        tensors[f"{llm}.embed_tokens.weight"] = random(32064, hidden)
        tensors["language_model.lm_head.weight"] = random(32064, hidden)
        if not wordy:  # actions win nearly always
            tensors["language_model.lm_head.weight"][31744:32000] *= 8
        tensors[f"{llm}.norm.weight"] = 1 + random(hidden)
        head = hidden // 4
        for layer in range(layers):
            at = f"{llm}.layers.{layer}"
            for norm in ("input_layernorm", "post_attention_layernorm"):
                tensors[f"{at}.{norm}.weight"] = 1 + random(hidden)
            for name, outputs in (("q", hidden), ("k", key_heads * head), ("v", key_heads * head)):
                tensors[f"{at}.self_attn.{name}_proj.weight"] = random(outputs, hidden)
            tensors[f"{at}.self_attn.o_proj.weight"] = random(hidden, hidden)
            tensors[f"{at}.mlp.gate_proj.weight"] = random(width, hidden)
            tensors[f"{at}.mlp.up_proj.weight"] = random(width, hidden)
            tensors[f"{at}.mlp.down_proj.weight"] = random(hidden, width)
        folder.mkdir(parents=True, exist_ok=True)
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        text = {"model_type": "llama", "vocab_size": 32064, "num_attention_heads": 4}
        config.setdefault("image_sizes", [side * patch] * len(towers))
        write_small_files(folder, text_config=text, **config)
        pre = json.loads((folder / "preprocessor_config.json").read_text())
        pre["input_sizes"] = [[3, side * patch, side * patch]] * len(towers)
        pre["means"], pre["stds"] = pre["means"][: len(towers)], pre["stds"][: len(towers)]
        (folder / "preprocessor_config.json").write_text(json.dumps(pre))
        return folder

    return write
