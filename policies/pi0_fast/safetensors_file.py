"""LeRobot's names for pi0-FAST's weights, and the way between them and openpi's.

The published safetensors files were never loaded; the names are those of LeRobot's module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require
from steer_gym.results import atomic_path

from .sizes import ATTENTION, BLOCK, EMBEDDING, FINAL_NORM, IMG, LAYERS, CheckpointError, Parameters

PREFIX = "model.paligemma_with_expert.paligemma."
TOWER, PROJECTOR, LANGUAGE = "vision_tower", "multi_modal_projector.linear", "language_model"
_HEAD = "lm_head.weight"
Tensors = dict[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True)
class HeadSizes:
    """What a matrix of all heads does not show; the defaults are PaliGemma's."""

    head_dim: int = 256
    """Of the language model."""
    vision_head_dim: int = 72
    """Of SigLIP."""


def read_safetensors(path: Path, heads: HeadSizes | None = None) -> Parameters:
    """Return openpi's parameters of a file in LeRobot's format.

    Args:
        path: The file.
        heads: Sizes of the heads; by default those that ``save_safetensors`` noted in the file,
            else PaliGemma's.

    Raises:
        CheckpointError: Tensors are missing, unexpected, or do not divide into such heads.
    """
    safetensors = require("safetensors", extra="torch")
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            noted = {
                k: int(v) for k, v in (file.metadata() or {}).items() if k.endswith("head_dim")
            }
            tensors = {plain_name(name): _array(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is broken: {error}. Fetch it once more.") from error
    if _HEAD in tensors:  # tied to the embedding, of which files keep either or both
        tensors.setdefault(f"{LANGUAGE}.embed_tokens.weight", tensors[_HEAD])
        del tensors[_HEAD]
    return from_tensors(tensors, heads or HeadSizes(**noted))


def _array(tensor: Any) -> NDArray[Any]:
    """Return a tensor in numpy, which knows no bfloat16."""
    plain: NDArray[Any] = (
        tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor
    ).numpy()
    return plain


def save_safetensors(parameters: Parameters, path: str | Path) -> None:
    """Write merged parameters in LeRobot's format, the sizes of the heads noted in its header."""
    tensors = {
        _published(name): np.ascontiguousarray(array)
        for name, array in to_tensors(parameters).items()
    }
    heads = HeadSizes(
        head_dim=parameters[f"{LAYERS}/attn/attn_vec_einsum/w"].shape[2],
        vision_head_dim=parameters[f"{ATTENTION}/query/bias"].shape[2],
    )
    numpy_format = require("safetensors.numpy", extra="torch")
    with atomic_path(path) as partial:
        noted = {key: str(value) for key, value in asdict(heads).items()}
        numpy_format.save_file(tensors, partial, metadata={"format": "pt", **noted})


def to_tensors(parameters: Parameters) -> Tensors:
    """Return the tensors of transformers' modules: SigLIP's tower, projector, Gemma."""
    tensors = {
        openpi_free: np.transpose(parameters[name], axes) if axes else parameters[name]
        for openpi_free, name, axes in _single()
    }
    tensors[f"{TOWER}.embeddings.position_embedding.weight"] = parameters[f"{IMG}/pos_embedding"][0]
    for layer in range(parameters[f"{BLOCK}/LayerNorm_0/scale"].shape[0]):
        for name, array in _vision_layer({k: parameters[k][layer] for k in _stacked(parameters)}):
            tensors[f"{TOWER}.encoder.layers.{layer}.{name}"] = array
    for layer in range(parameters[f"{LAYERS}/mlp/linear"].shape[0]):
        at = {k: array[layer] for k, array in parameters.items() if k.startswith(LAYERS)}
        for name, array in _language_layer(at):
            tensors[f"{LANGUAGE}.layers.{layer}.{name}"] = array
    return tensors


def _stacked(parameters: Parameters) -> list[str]:
    return [name for name in parameters if name.startswith(BLOCK)]


def _single() -> list[tuple[str, str, tuple[int, ...]]]:
    """Return (transformers' name, openpi's name, transposition) of what is not stacked."""
    return [
        (f"{TOWER}.embeddings.patch_embedding.weight", f"{IMG}/embedding/kernel", (3, 2, 0, 1)),
        (f"{TOWER}.embeddings.patch_embedding.bias", f"{IMG}/embedding/bias", ()),
        (f"{TOWER}.post_layernorm.weight", f"{IMG}/Transformer/encoder_norm/scale", ()),
        (f"{TOWER}.post_layernorm.bias", f"{IMG}/Transformer/encoder_norm/bias", ()),
        (f"{PROJECTOR}.weight", f"{IMG}/head/kernel", (1, 0)),
        (f"{PROJECTOR}.bias", f"{IMG}/head/bias", ()),
        (f"{LANGUAGE}.embed_tokens.weight", EMBEDDING, ()),
        (f"{LANGUAGE}.norm.weight", FINAL_NORM, ()),
    ]


_NORMS = {"layer_norm1": "LayerNorm_0", "layer_norm2": "LayerNorm_1"}
_DENSE = {"mlp.fc1": "MlpBlock_0/Dense_0", "mlp.fc2": "MlpBlock_0/Dense_1"}
_PROJECTIONS = {"q_proj": "query", "k_proj": "key", "v_proj": "value"}


def _vision_layer(at: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    for name, theirs in _NORMS.items():
        yield f"{name}.weight", at[f"{BLOCK}/{theirs}/scale"]
        yield f"{name}.bias", at[f"{BLOCK}/{theirs}/bias"]
    for name, theirs in _DENSE.items():
        yield f"{name}.weight", at[f"{BLOCK}/{theirs}/kernel"].T
        yield f"{name}.bias", at[f"{BLOCK}/{theirs}/bias"]
    for name, theirs in _PROJECTIONS.items():
        kernel = at[f"{ATTENTION}/{theirs}/kernel"]
        yield f"self_attn.{name}.weight", kernel.reshape(len(kernel), -1).T
        yield f"self_attn.{name}.bias", at[f"{ATTENTION}/{theirs}/bias"].reshape(-1)
    out = at[f"{ATTENTION}/out/kernel"]
    yield "self_attn.out_proj.weight", out.reshape(-1, out.shape[-1]).T
    yield "self_attn.out_proj.bias", at[f"{ATTENTION}/out/bias"]


def _language_layer(at: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, NDArray[Any]]]:
    joint = f"{LAYERS}/attn/qkv_einsum/w"
    if joint in at:
        query, key, value = at[joint]
    else:
        query, (key, value) = at[f"{LAYERS}/attn/q_einsum/w"], at[f"{LAYERS}/attn/kv_einsum/w"]
    for name, einsum in (("q_proj", query), ("k_proj", key), ("v_proj", value)):
        yield f"self_attn.{name}.weight", einsum.transpose(0, 2, 1).reshape(-1, einsum.shape[1])
    out = at[f"{LAYERS}/attn/attn_vec_einsum/w"]
    yield "self_attn.o_proj.weight", out.reshape(-1, out.shape[-1]).T
    gate, up = at[f"{LAYERS}/mlp/gating_einsum"]
    yield "mlp.gate_proj.weight", gate.T
    yield "mlp.up_proj.weight", up.T
    yield "mlp.down_proj.weight", at[f"{LAYERS}/mlp/linear"].T
    yield "input_layernorm.weight", at[f"{LAYERS}/pre_attention_norm/scale"]
    yield "post_attention_layernorm.weight", at[f"{LAYERS}/pre_ffw_norm/scale"]


def from_tensors(tensors: Tensors, heads: HeadSizes) -> Parameters:
    """Return openpi's parameters of ``to_tensors``' tensors, which it takes out one by one.

    So no more is ever held than one copy and one layer.

    Raises:
        CheckpointError: Tensors are missing, unexpected, or do not divide into such heads.
    """
    left = tensors
    try:
        parameters: Parameters = {
            name: np.transpose(left.pop(theirs), np.argsort(axes)) if axes else left.pop(theirs)
            for theirs, name, axes in _single()
        }
        position = left.pop(f"{TOWER}.embeddings.position_embedding.weight")
        parameters[f"{IMG}/pos_embedding"] = position[None]
        parameters |= _stacked_layers(
            left,
            f"{TOWER}.encoder.layers.",
            partial(_vision_parameters, head_dim=heads.vision_head_dim),
        )
        parameters |= _stacked_layers(
            left, f"{LANGUAGE}.layers.", partial(_language_parameters, head_dim=heads.head_dim)
        )
    except CheckpointError:
        raise
    except KeyError as error:
        raise CheckpointError(f"The file lacks the tensor {error.args[0]!r}.") from error
    except ValueError as error:
        raise CheckpointError(
            f"The tensors do not divide into heads of {heads.head_dim} and "
            f"{heads.vision_head_dim} ({error}); give heads=HeadSizes(...)."
        ) from error
    if left:
        raise CheckpointError(f"The file holds unexpected tensors: {sorted(left)}.")
    return parameters


def _take_layers(left: Tensors, prefix: str) -> Iterator[Tensors]:
    layer = 0
    while names := [name for name in left if name.startswith(f"{prefix}{layer}.")]:
        yield {name.removeprefix(f"{prefix}{layer}."): left.pop(name) for name in names}
        layer += 1


def _stacked_layers(
    left: Tensors, prefix: str, parameters_of: Callable[[Tensors], Parameters]
) -> Parameters:
    """Return the parameters of all layers; each layer's tensors are let go once they are copied."""
    count = len({n.removeprefix(prefix).partition(".")[0] for n in left if n.startswith(prefix)})
    if not count:
        raise KeyError(f"{prefix}0")
    stacked: Parameters = {}
    for layer, tensors in enumerate(_take_layers(left, prefix)):
        for name, array in parameters_of(tensors).items():
            if name not in stacked:
                stacked[name] = np.empty((count, *array.shape), array.dtype)
            whole = stacked[name]
            if (array.shape, array.dtype) != (whole.shape[1:], whole.dtype):
                raise CheckpointError(
                    f"{name} of layer {layer} is {array.shape} {array.dtype}, that of the layers "
                    f"before it {whole.shape[1:]} {whole.dtype}."
                )
            whole[layer] = array
    return stacked


def _vision_parameters(at: Tensors, head_dim: int) -> Parameters:
    found: Parameters = {}
    for name, theirs in _NORMS.items():
        found[f"{BLOCK}/{theirs}/scale"] = at.pop(f"{name}.weight")
        found[f"{BLOCK}/{theirs}/bias"] = at.pop(f"{name}.bias")
    for name, theirs in _DENSE.items():
        found[f"{BLOCK}/{theirs}/kernel"] = at.pop(f"{name}.weight").T
        found[f"{BLOCK}/{theirs}/bias"] = at.pop(f"{name}.bias")
    for name, theirs in _PROJECTIONS.items():
        weight = at.pop(f"self_attn.{name}.weight").T
        found[f"{ATTENTION}/{theirs}/kernel"] = weight.reshape(len(weight), -1, head_dim)
        found[f"{ATTENTION}/{theirs}/bias"] = at.pop(f"self_attn.{name}.bias").reshape(-1, head_dim)
    out = at.pop("self_attn.out_proj.weight").T
    found[f"{ATTENTION}/out/kernel"] = out.reshape(-1, head_dim, out.shape[-1])
    found[f"{ATTENTION}/out/bias"] = at.pop("self_attn.out_proj.bias")
    return _only(found, at)


def _language_parameters(at: Tensors, head_dim: int) -> Parameters:
    query, key, value = (
        weight.reshape(-1, head_dim, weight.shape[1]).transpose(0, 2, 1)
        for weight in (
            at.pop(f"self_attn.{name}.weight") for name in ("q_proj", "k_proj", "v_proj")
        )
    )
    attention = (
        {"qkv_einsum/w": np.stack([query, key, value])}
        if query.shape == key.shape
        else {"q_einsum/w": query, "kv_einsum/w": np.stack([key, value])}
    )
    out = at.pop("self_attn.o_proj.weight").T
    gate, up = at.pop("mlp.gate_proj.weight").T, at.pop("mlp.up_proj.weight").T
    found = {
        **{f"{LAYERS}/attn/{name}": array for name, array in attention.items()},
        f"{LAYERS}/attn/attn_vec_einsum/w": out.reshape(-1, head_dim, out.shape[-1]),
        f"{LAYERS}/mlp/gating_einsum": np.stack([gate, up]),
        f"{LAYERS}/mlp/linear": at.pop("mlp.down_proj.weight").T,
        f"{LAYERS}/pre_attention_norm/scale": at.pop("input_layernorm.weight"),
        f"{LAYERS}/pre_ffw_norm/scale": at.pop("post_attention_layernorm.weight"),
    }
    return _only(found, at)


def _only(found: Parameters, left: Tensors) -> Parameters:
    if left:
        raise CheckpointError(f"A layer holds unexpected tensors: {sorted(left)}.")
    return found


def plain_name(name: str) -> str:
    """Return the name that ``to_tensors`` gives a published tensor."""
    name = name.removeprefix("model.").removeprefix("paligemma_with_expert.")
    name = name.removeprefix("paligemma.").removeprefix("model.")
    return name.replace(f"{TOWER}.vision_model.", f"{TOWER}.")


def _published(name: str) -> str:
    return f"{PREFIX}model.{name.replace(f'{TOWER}.', f'{TOWER}.vision_model.')}"
