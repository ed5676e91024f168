from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from steer_gym import check_policy, make_policy
from steer_gym.neurons.safetensors_folder import INDEX, SINGLE
from steer_gym.policies.openvla.loading import load_model
from steer_gym.policies.openvla.model import OpenVlaModel
from steer_gym.policies.openvla.policy import OpenVlaPolicy
from steer_gym.policies.openvla.quantization import QUANTIZATIONS
from steer_gym.policies.openvla.reading import folder_source
from steer_gym.policies.openvla.tensors import CheckpointError

from .conftest import needs_bitsandbytes

Writer = Callable[..., Path]
Sharder = Callable[[Path, int], None]


def loaded(folder: Path) -> OpenVlaModel:
    config = json.loads((folder / "config.json").read_text())
    return load_model(folder, config, device=torch.device("cpu"), dtype=torch.float32)


@pytest.mark.parametrize(
    "sizes",
    [
        {"heads": 2, "blocks": 2, "side": 3, "registers": 1, "layers": 3, "width": 112},
        {"key_heads": 4, "patch": 7, "side": 5, "hidden": 96, "dtype": torch.float32},
    ],
    ids=str,
)
def test_other_sizes_are_read_from_the_tensors(
    tmp_path: Path, write_random: Writer, sizes: dict[str, int]
) -> None:
    side, patch = sizes.get("side", 4), sizes.get("patch", 14)
    folder = write_random(tmp_path / "r", image_sizes=[side * patch] * 2, **sizes)
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    assert policy.neurons.layers == sizes.get("layers", 2)
    assert policy.neurons.width == sizes.get("width", 80)
    assert policy.model.patches == side**2
    check_policy(policy)


def test_an_early_checkpoint_has_one_tower_and_its_own_prompt(
    tmp_path: Path, write_random: Writer
) -> None:
    folder = write_random(tmp_path / "r", towers=("siglip",), llm_backbone_id="vicuna-v15-7b")
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    assert len(policy.model.towers) == 1
    assert policy._template.endswith("ASSISTANT:")
    check_policy(policy)


def change_config(folder: Path, **config: Any) -> None:
    content = json.loads((folder / "config.json").read_text())
    content["text_config"] |= config.pop("text", {})
    (folder / "config.json").write_text(json.dumps(content | config))


def test_pixels_that_fill_no_patch_are_not_seen(tmp_path: Path, write_random: Writer) -> None:
    exact = write_random(tmp_path / "exact")  # 4 x 4 patches of 14 pixels
    wide = write_random(tmp_path / "wide", image_sizes=[60, 60])
    preprocessor = (wide / "preprocessor_config.json").read_text()
    (wide / "preprocessor_config.json").write_text(preprocessor.replace("56", "60"))
    pixels = torch.randn(1, 6, 60, 60)
    policy = make_policy("openvla", checkpoint=wide, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    assert policy.pixels.size == 60
    tokens = policy.model.embed_images(pixels)
    assert torch.equal(tokens, loaded(exact).embed_images(pixels[..., :56, :56]))


def test_images_of_a_size_that_the_tensors_contradict_are_refused(
    tmp_path: Path, write_random: Writer
) -> None:
    folder = write_random(tmp_path / "r", image_sizes=[224, 224])
    with pytest.raises(CheckpointError, match=r"images have 224 pixels .* has 16 positions"):
        loaded(folder)


def test_a_vocabulary_that_the_config_leaves_out_is_llamas(
    tmp_path: Path, write_random: Writer
) -> None:
    folder = write_random(tmp_path / "r")
    content = json.loads((folder / "config.json").read_text())
    del content["text_config"]["vocab_size"]
    (folder / "config.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"'vocab_size': \(32000, 32064\)"):
        loaded(folder)
    tensors = load_file(folder / SINGLE)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[f"language_model.{name}"] = tensors[f"language_model.{name}"][:32000].contiguous()
    save_file(tensors, folder / SINGLE)
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    assert policy._bins.ids == range(31680, 31936)  # 64 rows of padding are said to be there


def test_an_output_head_may_be_the_embeddings(tmp_path: Path, write_random: Writer) -> None:
    folder = write_random(tmp_path / "r")
    tensors = load_file(folder / SINGLE)
    del tensors["language_model.lm_head.weight"]
    save_file(tensors, folder / SINGLE)
    change_config(folder, text={"tie_word_embeddings": True})
    policy = make_policy("openvla", checkpoint=folder, device="cpu")
    assert isinstance(policy, OpenVlaPolicy)
    assert policy.model.llama.lm_head.weight is policy.model.llama.model.embed_tokens.weight
    assert policy.neurons.fingerprint == folder_source(folder).space.fingerprint
    check_policy(policy)


def test_layer_scale_may_be_called_gamma(tmp_path: Path, write_random: Writer) -> None:
    folder = write_random(tmp_path / "r")
    pixels = torch.randn(1, 6, 56, 56)
    before = loaded(folder).embed_images(pixels)
    tensors = load_file(folder / SINGLE)
    renamed = {name.replace("scale_factor", "gamma"): tensors[name] for name in tensors}
    assert renamed.keys() != tensors.keys()
    save_file(renamed, folder / SINGLE)
    assert torch.equal(loaded(folder).embed_images(pixels), before)


def test_a_tower_may_have_no_registers(tmp_path: Path, write_random: Writer) -> None:
    folder = write_random(tmp_path / "r", registers=0)
    tensors = load_file(folder / SINGLE)
    del tensors["vision_backbone.featurizer.reg_token"]
    save_file(tensors, folder / SINGLE)
    assert loaded(folder).embed_images(torch.randn(1, 6, 56, 56)).isfinite().all()


def test_a_towers_activation_is_the_configs(tmp_path: Path, write_random: Writer) -> None:
    folder = write_random(tmp_path / "r", timm_override_act_layers=[None, "quick_gelu"])
    exact, quick = (
        loaded(folder).towers[n].get_submodule(f"encoder.{at}.0.mlp")
        for n, at in enumerate(("layer", "layers"))
    )
    for mlp, activation in (
        (exact, torch.nn.functional.gelu),
        (quick, lambda x: x * torch.sigmoid(1.702 * x)),
    ):
        first, second = mlp.get_submodule("fc1"), mlp.get_submodule("fc2")
        states = torch.randn(1, 5, first.in_features)  # type: ignore[call-overload]
        torch.testing.assert_close(mlp(states), second(activation(first(states))))
    change_config(folder, timm_override_act_layers=["swish", None])
    with pytest.raises(CheckpointError, match="'swish' in timm_override_act_layers"):
        loaded(folder)


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
@pytest.mark.parametrize(
    "scaling",
    [
        {"type": "dynamic", "factor": 2.0},
        {"rope_type": "dynamic", "factor": 2.0},
        {"rope_type": "llama3", "type": "linear", "factor": 8.0},
    ],
    ids=str,
)
def test_positions_scaled_otherwise_are_refused(
    folder: Path, key: str, scaling: dict[str, Any]
) -> None:
    change_config(folder, text={key: scaling})
    with pytest.raises(CheckpointError, match=rf"{key} is .*'(dynamic|llama3)'.* knows 'linear'"):
        loaded(folder)


@pytest.mark.parametrize(
    "text",
    [
        {"rope_scaling": {"rope_type": "linear", "factor": 2.0}},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}},
    ],
    ids=str,
)
def test_positions_may_be_scaled_linearly_or_not(folder: Path, text: dict[str, Any]) -> None:
    change_config(folder, text=text)
    assert loaded(folder).llama.config.rope_parameters["rope_type"] in ("linear", "default")


def test_a_tokenizer_with_more_tokens_than_the_network_is_refused(
    tmp_path: Path, write_random: Writer
) -> None:
    folder = write_random(tmp_path / "r")
    tensors = load_file(folder / SINGLE)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        tensors[f"language_model.{name}"] = tensors[f"language_model.{name}"][:1064].contiguous()
    save_file(tensors, folder / SINGLE)
    change_config(folder, text={"vocab_size": 1064})
    with pytest.raises(CheckpointError, match=r"tokens up to 29871, .* knows 1064 tokens"):
        make_policy("openvla", checkpoint=folder, device="cpu")


def test_a_folder_with_one_file_and_shards_is_refused(folder: Path, shard: Sharder) -> None:
    whole = (folder / SINGLE).read_bytes()
    shard(folder, 2)
    (folder / SINGLE).write_bytes(whole)
    with pytest.raises(CheckpointError, match=rf"holds both {SINGLE} and {INDEX}"):
        loaded(folder)


def test_a_tokenizer_of_sentencepiece_alone_says_how_to_convert_it(folder: Path) -> None:
    (folder / "tokenizer.json").rename(folder / "tokenizer.model")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing\. Make it from"):
        make_policy("openvla", checkpoint=folder, device="cpu")


def test_a_missing_shard_is_named(folder: Path, shard: Sharder) -> None:
    shard(folder, 3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"model-00002-of-00003\.safetensors is missing"):
        loaded(folder)


def test_a_shard_without_a_promised_tensor_is_named(folder: Path, shard: Sharder) -> None:
    shard(folder, 2)
    file = folder / "model-00001-of-00002.safetensors"
    tensors = load_file(file)
    name = sorted(tensors)[0]
    del tensors[name]
    save_file(tensors, file)
    with pytest.raises(CheckpointError, match=rf"{INDEX} promises {name} in {file.name}"):
        loaded(folder)


def test_a_tensor_that_the_index_does_not_list_is_named(folder: Path, shard: Sharder) -> None:
    shard(folder, 2)
    file = folder / "model-00001-of-00002.safetensors"
    save_file({**load_file(file), "stray.weight": torch.zeros(1)}, file)
    with pytest.raises(CheckpointError, match=r"holds stray\.weight .* does not list"):
        loaded(folder)


@pytest.mark.parametrize("name", [SINGLE, "config.json", "tokenizer.json"])
def test_a_truncated_file_is_named(folder: Path, name: str) -> None:
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=rf"{name} is (truncated|not JSON)"):
        make_policy("openvla", checkpoint=folder, device="cpu")


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer.json", "preprocessor_config.json", SINGLE]
)
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(CheckpointError, match=rf"{name} is missing"):
        make_policy("openvla", checkpoint=folder, device="cpu")


def test_a_missing_tensor_is_named(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    del tensors["vision_backbone.fused_featurizer.blocks.1.attn.qkv.bias"]
    save_file(tensors, folder / SINGLE)
    with pytest.raises(
        CheckpointError, match=r"no tensor for towers\.1\.encoder\.layers\.1\..*incomplete"
    ):
        loaded(folder)


def test_a_foreign_tensor_is_named(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    tensors["action_head.fc1.weight"] = torch.zeros(3, 3)
    save_file(tensors, folder / SINGLE)
    with pytest.raises(CheckpointError, match=r"action_head\.fc1\.weight \(3, 3\) has no place"):
        loaded(folder)


def test_a_tensor_of_another_shape_is_named(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    name = "language_model.model.layers.1.mlp.up_proj.weight"
    tensors[name] = tensors[name][:-1].contiguous()
    save_file(tensors, folder / SINGLE)
    with pytest.raises(
        CheckpointError, match=r"up_proj\.weight is \(175, 64\), but .* \(176, 64\)"
    ):
        loaded(folder)


def test_a_tensor_that_is_transposed_is_named(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    name = "language_model.model.layers.1.mlp.up_proj.weight"
    tensors[name] = tensors[name].T.contiguous()
    save_file(tensors, folder / SINGLE)
    with pytest.raises(
        CheckpointError, match=r"up_proj\.weight is \(64, 176\), but .* \(176, 64\)"
    ):
        loaded(folder)


def test_a_model_that_lacks_whole_layers_is_refused(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    kept = {name: tensor for name, tensor in tensors.items() if ".layers.3." not in name}
    save_file(kept, folder / SINGLE)
    with pytest.raises(CheckpointError, match=r"differ in {'num_hidden_layers': \(4, 3\)}"):
        loaded(folder)


def test_a_foreign_folder_is_named(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "llava"}')
    with pytest.raises(CheckpointError, match="describes a model of type 'llava', not 'openvla'"):
        make_policy("openvla", checkpoint=folder)


def test_a_network_that_sees_no_image_is_refused(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    tensors["projector.fc3.weight"].zero_()
    save_file(tensors, folder / SINGLE)
    with pytest.raises(CheckpointError, match="black and a white picture give the same logits"):
        make_policy("openvla", checkpoint=folder, device="cpu")


def test_weights_that_are_not_numbers_are_refused(folder: Path) -> None:
    tensors = load_file(folder / SINGLE)
    tensors["language_model.model.norm.weight"].fill_(torch.nan)
    save_file(tensors, folder / SINGLE)
    with pytest.raises(CheckpointError, match="not finite"):
        make_policy("openvla", checkpoint=folder, device="cpu")


PEAK = """
import json, re, sys, torch
from pathlib import Path
from steer_gym.policies.openvla.loading import load_model
from steer_gym.policies.openvla.quantization import quantized_linear
folder, quantization = Path(sys.argv[1]), sys.argv[2] or None
if quantization:  # what its library takes is not the checkpoint's
    linear = quantized_linear(
        torch.ones(64, 64), quantization, device=torch.device("cpu"), dtype=torch.bfloat16
    )
config = json.loads((folder / "config.json").read_text())
def memory(kind):
    return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
torch.ones(8, 8) @ torch.ones(8, 8)
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = memory("VmRSS")
model = load_model(
    folder, config, device=torch.device("cpu"), dtype=torch.bfloat16, quantization=quantization
)
print(memory("VmHWM") - before, sum(p.nbytes for p in model.parameters()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    "quantization",
    ["", *[pytest.param(kind, marks=needs_bitsandbytes) for kind in QUANTIZATIONS]],
    ids=["whole", *QUANTIZATIONS],
)
def test_loading_takes_one_copy_and_one_shard(
    tmp_path: Path, write_random: Writer, shard: Sharder, quantization: str
) -> None:
    folder = write_random(tmp_path / "r", hidden=256, width=8192, layers=8)
    assert (folder / SINGLE).stat().st_size > 120e6
    shard(folder, 8)
    largest = max(path.stat().st_size for path in folder.glob("*.safetensors"))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, str(folder), quantization],
        capture_output=True,
        text=True,
        check=True,
    )
    peak, copy = map(int, done.stdout.split())
    # One copy at the least, since the model is there; 25 MB for modules and the allocator, and
    # as much for one layer in float32, where bitsandbytes begins.
    room = 50e6 if quantization else 25e6
    assert 0.9 * copy < peak < copy + largest + room
