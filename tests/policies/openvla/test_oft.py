"""OpenVLA-OFT on small random weights in the published format.

The reference below is the released code's function (openvla-oft 213c5ff) written out for one row,
with nothing of ours but the pictures' embedding, which golden cases hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, relu, silu

from steer_gym import ActConfig, NeuronSet, Steering, check_policy, make_policy
from steer_gym.edit import Edit
from steer_gym.errors import ObservationError
from steer_gym.observation import batch_observations, images
from steer_gym.policies.openvla.oft import OpenVlaOftPolicy
from steer_gym.policies.openvla.tensors import CheckpointError

Writer = Callable[..., Path]
HORIZON, SIZE, HIDDEN, HEAD_HIDDEN = 8, 7, 48, 40
KEY = "libero_tiny"


@pytest.fixture(scope="module")
def oft_folder(write_random: Writer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint whose language model, head and projector are random."""
    folder = write_random(tmp_path_factory.mktemp("oft") / "tiny-oft", dtype=torch.float32)
    generator = torch.Generator().manual_seed(3)

    def random(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator) * 0.2

    inputs = SIZE * HIDDEN
    shapes = {"fc1": (HEAD_HIDDEN, inputs), "fc2": (SIZE, HEAD_HIDDEN)}
    shapes |= {f"mlp_resnet_blocks.{n}.ffn.1": (HEAD_HIDDEN, HEAD_HIDDEN) for n in (0, 1)}
    norms = {"layer_norm1": inputs, "layer_norm2": HEAD_HIDDEN}
    norms |= {f"mlp_resnet_blocks.{n}.ffn.0": HEAD_HIDDEN for n in (0, 1)}
    head = {f"{name}.weight": random(*shape) for name, shape in shapes.items()}
    head |= {f"{name}.bias": random(shape[0]) for name, shape in shapes.items()}
    head |= {f"{name}.weight": 1 + random(size) for name, size in norms.items()}
    head |= {f"{name}.bias": random(size) for name, size in norms.items()}
    state = {"fc1.weight": random(HIDDEN, 8), "fc1.bias": random(HIDDEN)}
    state |= {"fc2.weight": random(HIDDEN, HIDDEN), "fc2.bias": random(HIDDEN)}
    _save(
        folder / "action_head--9_checkpoint.pt", {f"module.model.{n}": t for n, t in head.items()}
    )
    _save(folder / "proprio_projector--9_checkpoint.pt", state)
    numbers = {"q01": [-0.5] * 8, "q99": [0.5] * 8, "mask": [True] * 6 + [True, False]}
    action = {"q01": [-0.6] * 7, "q99": [0.9] * 7, "mask": [True] * 6 + [False]}
    (folder / "dataset_statistics.json").write_text(
        json.dumps({KEY: {"action": action, "proprio": numbers}})
    )
    return folder


def _save(path: Path, tensors: dict[str, Tensor]) -> None:
    torch.save({name: tensor.clone() for name, tensor in tensors.items()}, path)


@pytest.fixture(scope="module")
def oft(oft_folder: Path) -> OpenVlaOftPolicy:
    policy = make_policy("openvla-oft", checkpoint=oft_folder, device="cpu")
    assert isinstance(policy, OpenVlaOftPolicy)
    return policy


def observations(policy: OpenVlaOftPolicy) -> list[dict[str, Any]]:
    words = ["pick up the bowl", "put the soup and the sauce in the basket", "go"]
    return [
        {**policy.spec.example_observation(seed), "instruction": text}
        for seed, text in enumerate(words)
    ]


def reference(
    oft: OpenVlaOftPolicy, folder: Path, observation: dict[str, Any], override: float | None = None
) -> NDArray[np.float64]:
    """Return upstream's ``predict_action``; with ``override`` neuron 5 of layer 1 is held there."""
    tensors = load_file(folder / "model.safetensors")
    llm = {
        n.removeprefix("language_model."): t
        for n, t in tensors.items()
        if n.startswith("language_model.")
    }
    batch = batch_observations([observation])
    pixels = [oft.pixels(images(batch, camera)) for camera in ("image.base", "image.wrist")]
    with torch.inference_mode():
        patches = torch.cat([oft.model.embed_images(p) for p in pixels], dim=1)[0]
    measured = np.concatenate([observation["tcp_pose"], observation["gripper"]])
    state = 2 * (measured + 0.5) / 1.0 - 1
    state[7] = measured[7]
    part = torch.load(folder / "proprio_projector--9_checkpoint.pt", weights_only=True)
    token = torch.from_numpy(state.clip(-1, 1)).float() @ part["fc1.weight"].T + part["fc1.bias"]
    token = gelu(token) @ part["fc2.weight"].T + part["fc2.bias"]
    text = f"In: What action should the robot take to {observation['instruction']}?\nOut:"
    ids = [1, *[i for i in oft.checkpoint.tokenizer.encode(text).ids if i != 1], 29871]
    words = llm["model.embed_tokens.weight"][torch.tensor(ids)]
    end = llm["model.embed_tokens.weight"][2]
    sequence = torch.cat(
        [
            words[:1],
            patches,
            token[None],
            words[1:],
            torch.zeros(HORIZON * SIZE, HIDDEN),
            end[None],
        ]
    )
    hidden = bidirectional_llama(llm, sequence, override)
    first = len(patches) + 1 + len(ids) - 1  # upstream's NUM_PATCHES + NUM_PROMPT_TOKENS
    read = hidden[first : first + HORIZON * SIZE].reshape(HORIZON, -1)
    values = action_head(folder, read).double().numpy()
    scaled = 0.5 * (values + 1) * (0.9 + 0.6) - 0.6
    return np.concatenate([scaled[:, :6], values[:, 6:]], axis=1)


def bidirectional_llama(llm: dict[str, Tensor], x: Tensor, override: float | None) -> Tensor:
    length, heads, size = len(x), 4, HIDDEN // 4
    angle = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, size, 2) / size)
    cos, sin = (torch.cat([f(angle)] * 2, dim=1) for f in (torch.cos, torch.sin))

    def norm(value: Tensor, name: str) -> Tensor:
        return value * torch.rsqrt(value.pow(2).mean(-1, keepdim=True) + 1e-6) * llm[name]

    def turned(value: Tensor) -> Tensor:
        left, right = value.chunk(2, dim=-1)
        return value * cos + torch.cat([-right, left], dim=-1) * sin

    for layer in range(2):
        at = f"model.layers.{layer}"
        y = norm(x, f"{at}.input_layernorm.weight")
        q, k, v = (
            (y @ llm[f"{at}.self_attn.{c}_proj.weight"].T).reshape(length, -1, size).swapaxes(0, 1)
            for c in "qkv"
        )
        k, v = (t.repeat_interleave(heads // len(k), dim=0) for t in (k, v))
        weights = torch.softmax(turned(q) @ turned(k).swapaxes(1, 2) / size**0.5, dim=-1)
        mixed = (weights @ v).swapaxes(0, 1).reshape(length, -1)
        x = x + mixed @ llm[f"{at}.self_attn.o_proj.weight"].T
        y = norm(x, f"{at}.post_attention_layernorm.weight")
        f = silu(y @ llm[f"{at}.mlp.gate_proj.weight"].T) * (y @ llm[f"{at}.mlp.up_proj.weight"].T)
        if override is not None and layer == 1:
            f[:, 5] = override
        x = x + f @ llm[f"{at}.mlp.down_proj.weight"].T
    return norm(x, "model.norm.weight")


def action_head(folder: Path, read: Tensor) -> Tensor:
    loaded = torch.load(folder / "action_head--9_checkpoint.pt", weights_only=True)
    part = {name.removeprefix("module.model."): tensor for name, tensor in loaded.items()}

    def norm(value: Tensor, name: str) -> Tensor:
        return layer_norm(value, value.shape[-1:], part[f"{name}.weight"], part[f"{name}.bias"])

    def linear(value: Tensor, name: str) -> Tensor:
        return value @ part[f"{name}.weight"].T + part[f"{name}.bias"]

    y = relu(linear(norm(read, "layer_norm1"), "fc1"))
    for n in (0, 1):
        at = f"mlp_resnet_blocks.{n}.ffn"
        y = y + relu(linear(norm(y, f"{at}.0"), f"{at}.1"))
    return linear(norm(y, "layer_norm2"), "fc2")


def test_keeps_the_contract(oft: OpenVlaOftPolicy) -> None:
    check_policy(oft)


def test_a_chunk_is_what_the_released_code_computes(
    oft: OpenVlaOftPolicy, oft_folder: Path
) -> None:
    for observation in observations(oft):
        predicted = oft.plan(observation).extra["predicted"]
        assert predicted.shape == (1, HORIZON, SIZE)
        assert np.allclose(predicted[0], reference(oft, oft_folder, observation), atol=1e-5)


def test_a_steered_chunk_is_the_released_function_with_that_neuron_held(
    oft: OpenVlaOftPolicy, oft_folder: Path
) -> None:
    observation = observations(oft)[0]
    config = ActConfig(steering=Steering(NeuronSet.from_pairs([(1, 5)]), alpha=6.0))
    steered = oft.plan(observation, config).extra["predicted"][0]
    assert np.allclose(steered, reference(oft, oft_folder, observation, 6.0), atol=1e-5)
    assert not np.allclose(steered, reference(oft, oft_folder, observation), atol=1e-3)


def test_rows_of_other_lengths_and_steerings_are_single_calls(oft: OpenVlaOftPolicy) -> None:
    neurons = NeuronSet.from_pairs([(0, 3), (1, 5)])
    configs = [
        ActConfig(),
        ActConfig(steering=Steering(neurons, alpha=4.0)),
        ActConfig(steering=Steering([Edit(neurons=neurons, alpha=4.0, positions=("decode",))])),
    ]
    rows = observations(oft)
    together = oft.plan(batch_observations(rows), configs).extra["predicted"]
    for row, (observation, config) in enumerate(zip(rows, configs, strict=True)):
        alone = oft.plan(observation, config).extra["predicted"][0]
        assert np.allclose(together[row], alone, atol=1e-5)


def test_the_size_of_a_steering_is_what_the_stream_differs_by(
    oft: OpenVlaOftPolicy, changed_stream: Any
) -> None:
    edits = [
        Edit(neurons=NeuronSet.from_pairs([(0, 3)]), alpha=4.0),
        Edit(neurons=NeuronSet.from_pairs([(0, 7)]), alpha=2.0, positions=("decode",)),
    ]
    configs = [ActConfig(steering=Steering([edit]), measure_steering=True) for edit in edits]
    batch = batch_observations(observations(oft)[:2])
    plans: list[Any] = []
    ratio = changed_stream(
        oft.model.llama.model.layers[0],
        lambda: oft.plan(batch),
        lambda: plans.append(oft.plan(batch, configs)),
    )
    for row, report in enumerate(plans[0].steering):
        edited = ratio[row][ratio[row] > 0]
        assert len(edited) == report.positions
        assert report.size.mean == pytest.approx(edited.mean(), rel=1e-4)
        assert report.size.greatest == pytest.approx(edited.max(), rel=1e-4)


def test_the_places_of_the_actions_are_decode_and_the_state_is_state(
    oft: OpenVlaOftPolicy,
) -> None:
    observation, neurons = observations(oft)[0], NeuronSet.from_pairs([(0, 3)])

    def positions(kind: str) -> int:
        edit = Edit(neurons=neurons, alpha=1.0, positions=(kind,))
        report = oft.plan(observation, ActConfig(steering=Steering([edit]))).steering[0]
        assert report is not None
        return report.positions

    assert positions("decode") == HORIZON * SIZE + 1
    assert positions("state") == 1
    assert positions("image") == 2 * oft.model.patches


def test_the_gripper_comes_out_as_liberos(oft: OpenVlaOftPolicy) -> None:
    plan = oft.plan(observations(oft)[0])
    assert set(np.unique(plan.actions[..., 6])) <= {-1.0, 0.0, 1.0}
    opens = plan.extra["predicted"][..., 6] > 0.5
    assert np.array_equal(plan.actions[..., 6] < 0, opens)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"tcp_pose": None}, r"'tcp_pose' must have shape \(rows, 6\), but is missing"),
        (
            {"tcp_pose": np.zeros(7), "gripper": np.zeros(1)},
            r"\(rows, 6\), but has shape \(1, 7\)",
        ),
        ({"gripper": np.zeros(1)}, r"'gripper' must have shape \(rows, 2\), but has .*\(1, 1\)"),
    ],
    ids=str,
)
def test_a_state_of_another_size_is_refused_where_one_is_taken(
    oft: OpenVlaOftPolicy, oft_folder: Path, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    changed = {**observations(oft)[0], **change}
    observation = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(ObservationError, match=words):
        oft.act(observation)
    stateless = tmp_path / "stateless"
    stateless.mkdir()
    for file in oft_folder.iterdir():
        if not file.name.startswith("proprio_projector"):
            (stateless / file.name).symlink_to(file)
    assert make_policy("openvla-oft", checkpoint=stateless, device="cpu").act(observation).size == 7


def test_openvla_refuses_an_oft_folder_and_names_the_policy_that_takes_it(oft_folder: Path) -> None:
    with pytest.raises(CheckpointError, match='make_policy\\("openvla-oft"'):
        make_policy("openvla", checkpoint=oft_folder, device="cpu")


def test_a_folder_without_a_head_is_refused(write_random: Writer, tmp_path: Path) -> None:
    folder = write_random(tmp_path / "plain")
    with pytest.raises(CheckpointError, match=r"must hold one action_head--\*_checkpoint\.pt"):
        make_policy("openvla-oft", checkpoint=folder, device="cpu")


@pytest.mark.parametrize(
    ("name", "tensors", "words"),
    [
        ("action_head", {"noise_predictor.fc.weight": torch.zeros(1)}, "Diffusion heads are not"),
        ("action_head", {"fc1.weight": torch.zeros(4, 5), "fc2.weight": torch.zeros(7, 4)}, "48"),
        ("vision_backbone", {}, "FiLM"),
    ],
)
def test_foreign_parts_are_refused(
    oft_folder: Path, tmp_path: Path, name: str, tensors: dict[str, Tensor], words: str
) -> None:
    folder = tmp_path / "foreign"
    folder.mkdir()
    for file in oft_folder.iterdir():
        if not file.name.startswith(name):
            (folder / file.name).symlink_to(file)
    _save(folder / f"{name}--9_checkpoint.pt", tensors)
    with pytest.raises(CheckpointError, match=words):
        make_policy("openvla-oft", checkpoint=folder, device="cpu")


def test_a_truncated_head_is_named(oft_folder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "truncated"
    folder.mkdir()
    for file in oft_folder.iterdir():
        (folder / file.name).symlink_to(file)
    head = folder / "action_head--9_checkpoint.pt"
    whole = head.read_bytes()
    head.unlink()
    head.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match=r"action_head--9_checkpoint\.pt is truncated"):
        make_policy("openvla-oft", checkpoint=folder, device="cpu")
