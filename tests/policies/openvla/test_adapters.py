from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from steer_gym import NeuronSpace, Policy, make_policy
from steer_gym.policies.openvla.adapters import load_adapter
from steer_gym.policies.openvla.policy import OpenVlaPolicy
from steer_gym.policies.openvla.tensors import CheckpointError
from steer_gym.policies.published import PublishedConcepts

DOWN = "language_model.model.layers.2.mlp.down_proj"  # (64, 176)
QKV = "vision_backbone.featurizer.blocks.1.attn.qkv"  # (384, 128), split in transformers
SIZES = {DOWN: (64, 176), QKV: (384, 128)}
RANK, ALPHA = 3, 12.0


def write_adapter(folder: Path, *names: str, **config: Any) -> dict[str, torch.Tensor]:
    """Write an adapter as peft does, and return each weight's change."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(1)
    scale = config.pop("scale", ALPHA / RANK)
    tensors, changes = {}, {}
    for name in names:
        outputs, inputs = SIZES[name]
        a = torch.randn(RANK, inputs, generator=generator) * 0.1
        b = torch.randn(outputs, RANK, generator=generator) * 0.1
        tensors[f"base_model.model.{name}.lora_A.weight"] = a
        tensors[f"base_model.model.{name}.lora_B.weight"] = b
        changes[name] = scale * b @ a
    save_file(tensors, folder / "adapter_model.safetensors")
    content = {"peft_type": "LORA", "r": RANK, "lora_alpha": ALPHA, **config}
    (folder / "adapter_config.json").write_text(json.dumps(content))
    return changes


def test_merged_weights_are_what_the_network_and_its_neurons_show(
    golden_folder: Path, tmp_path: Path, policy: OpenVlaPolicy
) -> None:
    changes = write_adapter(tmp_path / "lora", DOWN, QKV)
    tuned = make_policy(
        "openvla", checkpoint=golden_folder, adapter=tmp_path / "lora", device="cpu"
    )
    assert isinstance(tuned, OpenVlaPolicy)
    plain, new = (p.model.llama.model.layers[2].mlp.down_proj.weight for p in (policy, tuned))
    # The sum is rounded to the checkpoint's float16, as merging with peft rounds it.
    torch.testing.assert_close(new, plain + changes[DOWN], atol=1e-3, rtol=1e-3)
    query, _, value = changes[QKV].chunk(3)
    before, after = (p.model.towers[0].encoder.layer[1].attention for p in (policy, tuned))
    torch.testing.assert_close(
        after.q_proj.weight, before.q_proj.weight + query, atol=1e-3, rtol=1e-3
    )
    torch.testing.assert_close(
        after.v_proj.weight, before.v_proj.weight + value, atol=1e-3, rtol=1e-3
    )
    assert tuned.neurons.fingerprint != policy.neurons.fingerprint


def test_concepts_and_spread_of_the_checkpoint_are_not_those_of_its_adapter(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = PublishedConcepts(
        space=NeuronSpace(layers=4, width=176), sets={"x/checkpoint": {"up": (1, 2)}}
    )
    monkeypatch.setattr("steer_gym.policies.openvla.policy.OPENVLA_CONCEPTS", published)
    lora = tmp_path / "lora"
    write_adapter(lora, DOWN)

    def opened(**options: Any) -> Policy:
        return make_policy("openvla", checkpoint=folder, device="cpu", **options)

    np.save(folder / "spread.npy", np.ones((4, 176), np.float32))
    base, tuned = opened(), opened(adapter=lora)
    assert list(base.concepts) == ["up"]
    assert base.spread() is not None
    assert not tuned.concepts
    assert tuned.spread() is None
    np.save(lora / "spread.npy", np.full((4, 176), 2, np.float32))
    tuned = opened(adapter=lora, released_as="x/checkpoint")
    assert list(tuned.concepts) == ["up"]
    assert (tuned.spread() == 2).all()


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"use_rslora": True}, ALPHA / math.sqrt(RANK)),
        ({"alpha_pattern": {"down_proj": 6.0}}, 6.0 / RANK),
        ({"alpha_pattern": {"up_proj": 6.0}}, ALPHA / RANK),
    ],
    ids=str,
)
def test_the_scale_is_pefts(tmp_path: Path, config: dict[str, Any], scale: float) -> None:
    changes = write_adapter(tmp_path / "lora", DOWN, scale=scale, **config)
    merged = load_adapter(tmp_path / "lora").merged(f"{DOWN}.weight", torch.zeros(64, 176))
    torch.testing.assert_close(merged, changes[DOWN])


def test_peft_merges_to_the_same_weights(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft", reason="compares with peft where it is installed")
    torch.manual_seed(0)
    base = torch.nn.Sequential(torch.nn.Linear(7, 5), torch.nn.ReLU(), torch.nn.Linear(5, 3))
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    config = peft.LoraConfig(
        r=2, lora_alpha=6, target_modules="all-linear", init_lora_weights=False, use_rslora=True
    )
    tuned = peft.get_peft_model(base, config)
    tuned.save_pretrained(tmp_path / "lora")
    ours = load_adapter(tmp_path / "lora")
    for name, tensor in tuned.merge_and_unload().state_dict().items():
        torch.testing.assert_close(ours.merged(name, before[name]), tensor)


def test_an_adapter_of_another_checkpoint_is_refused(golden_folder: Path, tmp_path: Path) -> None:
    write_adapter(tmp_path / "lora", DOWN)
    adapter = load_adapter(tmp_path / "lora")
    with pytest.raises(CheckpointError, match="which the checkpoint has not"):
        adapter.check_used(["language_model.lm_head.weight"])
    with pytest.raises(
        CheckpointError, match=r"makes .*down_proj.weight \(64, 176\), but .*\(64, 8\)"
    ):
        adapter.merged(f"{DOWN}.weight", torch.zeros(64, 8))


def test_other_kinds_of_adapters_are_refused(tmp_path: Path) -> None:
    write_adapter(tmp_path / "dora", DOWN, use_dora=True)
    with pytest.raises(CheckpointError, match=r"LORA \['use_dora'\]"):
        load_adapter(tmp_path / "dora")
    with pytest.raises(CheckpointError, match=r"adapter_config\.json is missing"):
        load_adapter(tmp_path)


def test_an_adapter_is_read_beside_the_shards_of_a_whole_model(
    golden_folder: Path, tmp_path: Path, shard: Any
) -> None:
    folder = Path(shutil.copytree(golden_folder, tmp_path / "whole"))
    shard(folder, 2)
    changes = write_adapter(tmp_path / "lora", DOWN)
    for file in (tmp_path / "lora").iterdir():
        shutil.copy(file, folder / file.name)
    adapter = load_adapter(folder)
    assert list(adapter.low_rank) == [f"{DOWN}.weight"]
    assert not adapter.replaced
    torch.testing.assert_close(
        adapter.merged(f"{DOWN}.weight", torch.zeros(64, 176)), changes[DOWN]
    )


def test_a_head_that_peft_saved_whole_keeps_its_low_rank_change(tmp_path: Path) -> None:
    """Peft saves the base of "all-linear" output heads too, as OpenVLA's fine-tuning makes them."""
    head = "language_model.lm_head"
    a, b, base, old = (torch.randn(size) for size in ((2, 6), (9, 2), (9, 6), (9, 6)))
    tensors = {f"{head}.base_layer.weight": base, f"{head}.lora_A.weight": a}
    tensors[f"{head}.lora_B.weight"] = b
    save_file(
        {f"base_model.model.{name}": tensor for name, tensor in tensors.items()},
        tmp_path / "adapter_model.safetensors",
    )
    content = {"peft_type": "LORA", "r": 2, "lora_alpha": 6}
    (tmp_path / "adapter_config.json").write_text(json.dumps(content))
    adapter = load_adapter(tmp_path)
    adapter.check_used([f"{head}.weight"])
    torch.testing.assert_close(adapter.merged(f"{head}.weight", old), base + 3 * b @ a)


def test_a_patch_embeddings_change_is_what_its_two_convolutions_do(tmp_path: Path) -> None:
    name = "vision_backbone.featurizer.patch_embed.proj"
    a, b, old = torch.randn(2, 3, 4, 4), torch.randn(5, 2, 1, 1), torch.randn(5, 3, 4, 4)
    tensors = {f"base_model.model.{name}.lora_A.weight": a}
    tensors[f"base_model.model.{name}.lora_B.weight"] = b
    save_file(tensors, tmp_path / "adapter_model.safetensors")
    content = {"peft_type": "LORA", "r": 2, "lora_alpha": 6}
    (tmp_path / "adapter_config.json").write_text(json.dumps(content))
    image = torch.randn(1, 3, 8, 8)
    conv2d = torch.nn.functional.conv2d
    expected = conv2d(image, old, stride=4) + 3 * conv2d(conv2d(image, a, stride=4), b)
    merged = load_adapter(tmp_path).merged(f"{name}.weight", old)
    torch.testing.assert_close(conv2d(image, merged, stride=4), expected, atol=1e-4, rtol=1e-4)


def test_a_truncated_adapter_is_named(tmp_path: Path) -> None:
    write_adapter(tmp_path / "lora", DOWN)
    file = tmp_path / "lora" / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"adapter_model\.safetensors is truncated"):
        load_adapter(file.parent)
