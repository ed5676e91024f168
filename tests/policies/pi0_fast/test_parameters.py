from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("safetensors")
pytest.importorskip("tensorstore")

from steer_gym.policies.pi0_fast.lora import merge_lora
from steer_gym.policies.pi0_fast.neuron_weights import NeuronWeights
from steer_gym.policies.pi0_fast.parameters import load_parameters, save_npz
from steer_gym.policies.pi0_fast.safetensors_file import (
    HeadSizes,
    from_tensors,
    save_safetensors,
    to_tensors,
)
from steer_gym.policies.pi0_fast.sizes import CheckpointError, Sizes

from .conftest import GOLDEN, random_parameters, tiny_sizes

LAYERS = "PaliGemma/llm/layers"
LINEAR = f"{LAYERS}/mlp/linear"


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(
        np.array_equal(one[name].astype(np.float32), other[name].astype(np.float32)) for name in one
    )


def test_both_of_openpis_formats_hold_the_same() -> None:
    assert same(load_parameters(GOLDEN / "params.npz"), load_parameters(GOLDEN / "params"))


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_lerobots_format_and_back_changes_nothing(kv_heads: int, tmp_path: Path) -> None:
    parameters = random_parameters(tiny_sizes(kv_heads=kv_heads), 0)
    save_safetensors(parameters, tmp_path / "model.safetensors")
    read = load_parameters(tmp_path)
    assert same(parameters, read)
    one, other = (NeuronWeights.of_arrays(arrays) for arrays in (parameters, read))
    assert one.fingerprint() == other.fingerprint()


def test_safetensors_carry_lerobots_names(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    save_safetensors(random_parameters(tiny_sizes(), 0), tmp_path / "x.safetensors")
    names = load_file(tmp_path / "x.safetensors").keys()
    prefix = "model.paligemma_with_expert.paligemma.model."
    assert f"{prefix}vision_tower.vision_model.encoder.layers.1.self_attn.out_proj.bias" in names
    assert f"{prefix}multi_modal_projector.linear.weight" in names
    assert f"{prefix}language_model.layers.2.mlp.down_proj.weight" in names


@pytest.mark.parametrize("keeps", ["lm_head", "both"])
def test_a_tied_head_may_stand_for_the_embedding(keeps: str, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    parameters = random_parameters(tiny_sizes(), 0)
    save_safetensors(parameters, tmp_path / "x.safetensors")
    tensors = load_file(tmp_path / "x.safetensors")
    prefix = "model.paligemma_with_expert.paligemma."
    name = f"{prefix}model.language_model.embed_tokens.weight"
    tensors[f"{prefix}lm_head.weight"] = tensors[name].copy()
    if keeps == "lm_head":
        del tensors[name]
    save_file(tensors, tmp_path / "y.safetensors")
    heads = HeadSizes(head_dim=8, vision_head_dim=8)
    assert same(parameters, load_parameters(tmp_path / "y.safetensors", heads=heads))


def test_heads_that_do_not_divide_are_refused(tmp_path: Path) -> None:
    save_safetensors(random_parameters(tiny_sizes(), 0), tmp_path / "x.safetensors")
    with pytest.raises(CheckpointError, match=r"do not divide into heads of 7 and 72"):
        load_parameters(tmp_path / "x.safetensors", heads=HeadSizes(head_dim=7))


def test_sizes_are_read_and_not_assumed() -> None:
    sizes = tiny_sizes(depth=5, neurons=56, kv_heads=4, grid=3)
    assert Sizes.of(random_parameters(sizes, 0)) == sizes


def test_weights_that_lack_are_named() -> None:
    parameters = random_parameters(tiny_sizes(), 0)
    del parameters[f"{LAYERS}/pre_ffw_norm/scale"]
    with pytest.raises(CheckpointError, match=r"missing \['PaliGemma/llm/layers/pre_ffw_norm/s"):
        Sizes.of(parameters)


def test_weights_that_are_over_are_named() -> None:
    parameters = {**random_parameters(tiny_sizes(), 0), "PaliGemma/extra": np.zeros(1)}
    with pytest.raises(CheckpointError, match=r"unexpected \['PaliGemma/extra'\]"):
        Sizes.of(parameters)


def test_weights_of_another_shape_are_named() -> None:
    parameters = random_parameters(tiny_sizes(), 0)
    parameters[f"{LAYERS}/pre_ffw_norm/scale"] = np.zeros((3, 25))
    with pytest.raises(CheckpointError, match=r"scale is \(3, 25\), not \(3, 24\)"):
        Sizes.of(parameters)


def test_weights_of_other_dimensions_are_refused() -> None:
    for name in (LINEAR, f"{LAYERS}/attn/q_einsum/w", "PaliGemma/img/pos_embedding"):
        parameters = {**random_parameters(tiny_sizes(), 0), name: np.zeros(3)}
        with pytest.raises(CheckpointError, match="other dimensions than pi0-FAST's"):
            Sizes.of(parameters)


def test_an_unknown_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"is no checkpoint\. Give an \.npz"):
        load_parameters(tmp_path)


def test_a_leading_params_is_dropped(tmp_path: Path) -> None:
    parameters = random_parameters(tiny_sizes(), 0)
    save_npz({f"params/{name}": array for name, array in parameters.items()}, tmp_path / "p.npz")
    assert same(parameters, load_parameters(tmp_path / "p.npz"))


LOW_RANK = {
    "mlp/gating_einsum": ("mlp/gating_einsum_lora_a", "mlp/gating_einsum_lora_b"),
    "mlp/linear": ("mlp/linear_lora_a", "mlp/linear_lora_b"),
    "attn/q_einsum/w": ("attn/q_einsum/lora_a", "attn/q_einsum/lora_b"),
    "attn/kv_einsum/w": ("attn/kv_einsum/lora_a", "attn/kv_einsum/lora_b"),
    "attn/attn_vec_einsum/w": ("attn/attn_vec_einsum/lora_a", "attn/attn_vec_einsum/lora_b"),
}
EINSUMS = {
    "mlp/gating_einsum": ("btd,cdf->cbtf", "btd,cdr->cbtr", "cbtr,crf->cbtf", 24),
    "mlp/linear": ("btf,fd->btd", "btf,fr->btr", "btr,rd->btd", 40),
    "attn/q_einsum/w": ("btd,ndh->btnh", "btd,ndr->btnr", "btnr,nrh->btnh", 24),
    "attn/kv_einsum/w": ("btd,ckdh->cbtkh", "btd,ckdr->cbtkr", "cbtkr,ckrh->cbtkh", 24),
    # openpi derives these from the base equation; the heads are summed in the first already.
    "attn/attn_vec_einsum/w": ("btnh,nhd->btd", "btnh,nhr->btr", "btr,nrd->btd", (4, 8)),
}


def test_merged_weights_compute_what_openpis_low_rank_weights_do() -> None:
    rng, rank = np.random.default_rng(0), 3
    parameters = random_parameters(tiny_sizes(), 0)
    for base, (first, second) in LOW_RANK.items():
        shape = parameters[f"{LAYERS}/{base}"].shape
        parameters[f"{LAYERS}/{first}"] = rng.normal(size=(*shape[:-1], rank)).astype(np.float32)
        low = (*shape[:-2], rank, shape[-1])
        parameters[f"{LAYERS}/{second}"] = rng.normal(size=low).astype(np.float32)
    merged = merge_lora(parameters)
    assert Sizes.of(merged) == tiny_sizes()
    for base, (whole, down, up, inputs) in EINSUMS.items():
        x = rng.normal(size=(2, 5, *np.atleast_1d(inputs)))
        first, second = (parameters[f"{LAYERS}/{name}"][1] for name in LOW_RANK[base])
        theirs = np.einsum(whole, x, parameters[f"{LAYERS}/{base}"][1])
        theirs += np.einsum(up, np.einsum(down, x, first), second)
        ours = np.einsum(whole, x, merged[f"{LAYERS}/{base}"][1])
        assert np.allclose(ours, theirs, atol=1e-4), base


def test_value_vectors_hold_the_low_rank_weights() -> None:
    parameters = random_parameters(tiny_sizes(), 0)
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(3, 40, 2)), rng.normal(size=(3, 2, 24))
    low_rank = {f"{LINEAR}_lora_a": first, f"{LINEAR}_lora_b": second}
    unmerged = NeuronWeights.of_arrays({**parameters, **low_rank})
    expected = parameters[LINEAR][2, 7] + first[2, 7] @ second[2]
    assert np.allclose(unmerged.layer(2)[7], expected, atol=1e-6)
    merged = NeuronWeights.of_arrays(merge_lora({**parameters, **low_rank}))
    assert unmerged.fingerprint() == merged.fingerprint()


def test_half_of_a_low_rank_pair_is_refused() -> None:
    parameters = random_parameters(tiny_sizes(), 0)
    parameters[f"{LINEAR}_lora_a"] = np.zeros((3, 40, 2), np.float32)
    with pytest.raises(CheckpointError, match="the checkpoint lacks one of them"):
        merge_lora(parameters)


def test_a_pointer_of_git_lfs_is_not_taken_for_weights(tmp_path: Path) -> None:
    path = tmp_path / "params.npz"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(
        CheckpointError, match=r"is broken or no \.npz; it has 63 bytes\. .* git lfs pull"
    ):
        load_parameters(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(path)
    with pytest.raises(
        CheckpointError, match=r"is broken or no \.npz; it has .* Fetch it once more"
    ):
        load_parameters(path)


GROWTH = """
import json, re, sys
from pathlib import Path
import numpy as np
from steer_gym.policies.pi0_fast.safetensors_file import HeadSizes, from_tensors
def memory(kind):
    return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
shapes = json.loads(Path(sys.argv[1]).read_text())
tensors = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = memory("VmRSS")
parameters = from_tensors(tensors, HeadSizes(head_dim=8, vision_head_dim=8))
print(memory("VmHWM") - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_stacking_layers_takes_one_layer_more_than_the_tensors(tmp_path: Path) -> None:
    sizes = tiny_sizes(depth=12, width=256, neurons=4096)
    tensors = to_tensors(random_parameters(sizes, 0))
    total = sum(array.nbytes for array in tensors.values())
    assert total > 100e6
    (tmp_path / "shapes.json").write_text(json.dumps({n: a.shape for n, a in tensors.items()}))
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path / "shapes.json")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 3 * total / sizes.depth


def test_a_layer_of_another_shape_than_those_before_it_is_named(tmp_path: Path) -> None:
    tensors = to_tensors(random_parameters(tiny_sizes(), 0))
    name = next(n for n in tensors if "layers.1.mlp.down_proj" in n)
    tensors[name] = tensors[name][:, :1]
    with pytest.raises(CheckpointError, match=r"linear of layer 1 is \(1, 24\) .* \(40, 24\)"):
        from_tensors(tensors, HeadSizes(head_dim=8, vision_head_dim=8))
