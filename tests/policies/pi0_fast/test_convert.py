"""Formats of the same weights, round trips to the bit, and mutilated checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("safetensors")
pytest.importorskip("tensorstore")

from steer_gym.cli import main
from steer_gym.policies.pi0_fast.convert import convert
from steer_gym.policies.pi0_fast.parameters import load_parameters, save_npz
from steer_gym.policies.pi0_fast.sizes import CheckpointError, Parameters, Sizes

from .conftest import GOLDEN, random_parameters, random_sizes


def same_bits(one: Parameters, other: Parameters) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


@pytest.mark.parametrize("source", ["params", "params.npz"])
def test_upstreams_checkpoint_survives_lerobots_format_to_the_bit(
    source: str, tmp_path: Path
) -> None:
    convert(GOLDEN / source, tmp_path / "model.safetensors")
    convert(tmp_path, tmp_path / "params")
    convert(tmp_path / "params", tmp_path / "again.npz")
    original = load_parameters(GOLDEN / source)
    assert same_bits(original, load_parameters(tmp_path / "model.safetensors"))
    assert same_bits(original, load_parameters(tmp_path / "params"))
    assert same_bits(original, load_parameters(tmp_path / "again.npz"))


@pytest.mark.parametrize("seed", range(8))
def test_checkpoints_of_any_size_keep_their_bits(seed: int, tmp_path: Path) -> None:
    sizes = random_sizes(100 + seed)
    parameters = random_parameters(sizes, seed)
    save_npz(parameters, tmp_path / "params.npz")
    assert convert(tmp_path / "params.npz", tmp_path / "x.safetensors") == sizes
    assert convert(tmp_path / "x.safetensors", tmp_path / "folder") == sizes
    assert same_bits(parameters, load_parameters(tmp_path / "folder"))


def test_bfloat16_keeps_its_numbers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    convert(GOLDEN / "params", tmp_path / "x.safetensors")
    short = {k: v.to(torch.bfloat16) for k, v in load_file(tmp_path / "x.safetensors").items()}
    heads = {"head_dim": "16", "vision_head_dim": "16"}
    save_file(short, tmp_path / "short.safetensors", metadata=heads)
    parameters = load_parameters(tmp_path / "short.safetensors")
    assert {array.dtype for array in parameters.values()} == {np.dtype(np.float32)}
    for name, array in load_parameters(GOLDEN / "params").items():
        rounded = torch.from_numpy(array).to(torch.bfloat16).float().numpy()
        assert np.array_equal(parameters[name], rounded), name


def test_the_command_says_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "model.safetensors"
    assert main(["convert", str(GOLDEN), str(target)]) == 0
    assert "4 layers of 128 neurons, width 64, 1,024 tokens" in capsys.readouterr().out
    assert main(["convert", str(GOLDEN), str(target)]) == 2
    assert "is there already" in capsys.readouterr().err
    heads = ["--head-dim", "7"]
    assert main(["convert", str(target), str(tmp_path / "params"), *heads]) == 2
    assert "do not divide into heads of 7 and 72" in capsys.readouterr().err
    assert not (tmp_path / "params").exists()


@pytest.mark.parametrize("name", sorted(Sizes.of(load_parameters(GOLDEN)).shapes()))
def test_every_missing_weight_of_upstreams_checkpoint_is_named(name: str, tmp_path: Path) -> None:
    parameters = load_parameters(GOLDEN)
    del parameters[name]
    save_npz(parameters, tmp_path / "params.npz")
    with pytest.raises(CheckpointError, match=f"{name}'"):
        load_parameters(tmp_path)


def test_a_missing_and_a_foreign_tensor_of_lerobots_format_are_named(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    convert(GOLDEN, tmp_path / "x.safetensors")
    heads = {"head_dim": "16", "vision_head_dim": "16"}
    tensors = load_file(tmp_path / "x.safetensors")
    for number, name in enumerate(sorted(tensors)):
        rest = {k: v for k, v in tensors.items() if k != name}
        save_file(rest, tmp_path / f"{number}.safetensors", metadata=heads)
        with pytest.raises(CheckpointError):
            load_parameters(tmp_path / f"{number}.safetensors")
    save_file({**tensors, "model.extra": tensors[name]}, tmp_path / "y.safetensors", metadata=heads)
    with pytest.raises(CheckpointError, match=r"unexpected tensors: \['extra'\]"):
        load_parameters(tmp_path / "y.safetensors")


def test_broken_files_are_named(tmp_path: Path) -> None:
    convert(GOLDEN, tmp_path / "model.safetensors")
    shutil.copytree(GOLDEN / "params", tmp_path / "params", copy_function=shutil.copyfile)
    shutil.copyfile(GOLDEN / "params.npz", tmp_path / "params.npz")
    for file in [tmp_path / "model.safetensors", tmp_path / "params.npz"]:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        with pytest.raises(CheckpointError, match=f"{file.name} is broken"):
            load_parameters(file)
    for data in (tmp_path / "params" / "ocdbt.process_0" / "d").iterdir():
        data.write_bytes(b"")
    with pytest.raises(CheckpointError, match="params cannot be read"):
        load_parameters(tmp_path / "params")
