from __future__ import annotations

import pytest

from steer_gym.neurons.findings.presets import PRESETS, chosen_models
from steer_gym.neurons.findings.stage import FindingsError
from steer_gym.neurons.sources import NAMED, READERS


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_readable_or_says_where_to_find_it(preset: str) -> None:
    for model in PRESETS[preset]:
        assert model.checkpoint or model.published
        assert model.kind in READERS or model.checkpoint in NAMED


def test_paths_take_the_place_of_a_presets_checkpoints() -> None:
    models = chosen_models(["a", "b", "c"], "pi0-fast", [])
    assert [model.checkpoint for model in models] == ["a", "b", "c"]
    assert models[1].options == {"profile": "pi0_fast_libero"}


def test_files_are_named_by_their_stem_unless_told() -> None:
    named = chosen_models(["x/base.safetensors", "y/vla"], None, [])
    assert [model.name for model in named] == ["base", "vla"]
    told = chosen_models(["x/base.safetensors", "y/vla"], None, ["one", "two"])
    assert [model.name for model in told] == ["one", "two"]


@pytest.mark.parametrize(
    ("given", "preset", "names", "message"),
    [
        ([], "openvla", [], r"Download Llama-2 \(the hub's meta-llama/Llama-2-7b-hf\)"),
        (["a"], "openvla", [], "Preset 'openvla' has 3 models; 1 were given"),
        (["a", "b"], None, ["one"], "1 names were given for 2 models"),
    ],
)
def test_what_is_missing_is_named(
    given: list[str], preset: str | None, names: list[str], message: str
) -> None:
    with pytest.raises(FindingsError, match=message):
        chosen_models(given, preset, names)
