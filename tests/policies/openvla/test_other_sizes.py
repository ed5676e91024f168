"""The released code's function at other sizes, on checkpoints that the released code would write.

``golden/other_sizes`` holds what it computed (openvla c8f03f4, transformers 4.40.1, timm 0.9.10)
for weights that follow from their names, ``weight`` below; of the logits the columns of 64 words
and of the actions. Steered cases ran with the paper's released hook.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from steer_gym import ActConfig, NeuronSet, Steering, make_policy
from steer_gym.policies.openvla.model import Prompts
from steer_gym.policies.openvla.policy import OpenVlaPolicy

from .conftest import GOLDEN, write_small_files

DATA = json.loads(gzip.decompress((GOLDEN / "other_sizes.json.gz").read_bytes()))
NAMES = list(DATA["checkpoints"])
LOGITS, ACTIONS = 1e-4, 1e-6


def weight(name: str, shape: list[int], end: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    numbers = torch.randn(shape, generator=generator)
    if "norm" in name and name.endswith("weight"):
        numbers = 1 + 0.1 * numbers
    elif "embed_tokens" in name or "lm_head" in name:
        numbers = 0.5 * numbers
    else:
        numbers = (0.3 if "scale_factor" in name else 0.1) * numbers
    if "lm_head" in name:
        numbers[end - 256 : end] *= 4  # so that actions win
    return numbers.half()


def write(folder: Path, data: dict[str, Any]) -> Path:
    tensors = {name: weight(name, shape, data["end"]) for name, shape in data["shapes"].items()}
    folder.mkdir()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    write_small_files(folder)
    (folder / "config.json").write_text(json.dumps(data["config"]))
    (folder / "dataset_statistics.json").unlink()  # the config has them
    sizes = data["config"]["image_sizes"]
    preprocessor = json.loads((folder / "preprocessor_config.json").read_text())
    preprocessor["input_sizes"] = [[3, size, size] for size in sizes]
    for key in ("means", "stds"):
        preprocessor[key] = preprocessor[key][: len(sizes)]
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    return folder


@pytest.fixture(scope="module", params=NAMES)
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[int, dict[str, Any], OpenVlaPolicy]]:
    data = DATA["checkpoints"][request.param]
    folder = write(tmp_path_factory.mktemp("other") / "checkpoint", data)
    policy = make_policy("openvla", checkpoint=folder, device="cpu", unnorm_key=data["unnorm_key"])
    assert isinstance(policy, OpenVlaPolicy)
    yield NAMES.index(request.param), data, policy
    policy.close()


@pytest.mark.parametrize("rows", [(0,), (1,), (2,), (2, 0, 1)], ids=str)
def test_tokens_logits_and_actions_are_upstreams(
    opened: tuple[int, dict[str, Any], OpenVlaPolicy], rows: tuple[int, ...]
) -> None:
    number, data, policy = opened
    expected = np.load(GOLDEN / "other_sizes.npz")
    size = data["config"]["image_sizes"][0]
    channels = 3 * len(data["config"]["image_sizes"])
    generator = torch.Generator().manual_seed(17)
    pixels = torch.randn((2, channels, size, size), generator=generator)
    pixels = pixels[[row % 2 for row in rows]]
    prompts = Prompts.of([DATA["prompts"][row % 2] for row in rows], policy.model.patches)
    alphas = [DATA["alphas"][row] for row in rows]
    neurons = NeuronSet.from_flat(data["cluster"])
    configs = [ActConfig(steering=Steering(neurons, a)) if a else ActConfig() for a in alphas]

    plan = policy.predict(pixels, prompts, configs)
    assert plan.tokens is not None
    assert np.array_equal(plan.tokens, expected[f"tokens_{number}"][list(rows)])
    np.testing.assert_allclose(
        plan.extra["predicted"], expected[f"actions_{number}"][list(rows)], atol=ACTIONS
    )

    seen: list[torch.Tensor] = []
    columns = [*range(64), *range(data["end"] - 256, data["end"])]

    def choose(logits: torch.Tensor) -> torch.Tensor:
        seen.append(logits[:, columns])
        return logits.argmax(-1)

    steerings = [config.steering for config in configs]
    with torch.inference_mode(), policy._engine.steered(steerings, prompts.kinds):
        policy.model.generate(pixels, prompts, choose, tokens=7, competing=slice(0, None))
    np.testing.assert_allclose(
        torch.stack(seen, dim=1).numpy(),
        expected[f"scores_{number}"][list(rows)],
        atol=LOGITS,
        rtol=0,
    )
