"""A causal language model's folder is read by its files alone, as transformers would load it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")
pytest.importorskip("transformers", reason="needs the extra 'torch'")

from steer_gym.neurons import sources  # noqa: E402
from steer_gym.neurons.decoder_files import decoder_source, folder_source  # noqa: E402
from steer_gym.neurons.safetensors_folder import INDEX, SINGLE, SafetensorsFolder  # noqa: E402
from steer_gym.neurons.source import SourceError, modules_source  # noqa: E402
from steer_gym.neurons.sources import kind_of, open_source  # noqa: E402
from steer_gym.neurons.tokens import vocabulary  # noqa: E402


def words(size: int) -> Any:
    return vocabulary(size, str)


def saved(kind: str, folder: Path, **config: Any) -> Any:
    import transformers

    torch.manual_seed(0)
    sizes = dict(
        vocab_size=40, hidden_size=16, intermediate_size=24, num_hidden_layers=3, head_dim=8,
        num_attention_heads=2, num_key_value_heads=1, **config,
    )  # fmt: skip
    made = getattr(transformers, f"{kind}ForCausalLM")(
        getattr(transformers, f"{kind}Config")(**sizes)
    )
    torch.nn.init.normal_(made.model.norm.weight)
    made.save_pretrained(folder)
    return made.eval()


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("Llama", {"tie_word_embeddings": False}),
        ("Llama", {"tie_word_embeddings": True}),
        ("Gemma", {}),
        ("Qwen3", {"tie_word_embeddings": True}),
    ],
)
def test_files_and_loaded_model_agree(kind: str, config: dict[str, Any], tmp_path: Path) -> None:
    from steer_gym.policies.engines.anatomy import down_projections, neuron_space

    model = saved(kind, tmp_path, **config)
    files = decoder_source(tmp_path, vocabulary=words)
    assert files.space == neuron_space(model)
    for layer, module in enumerate(down_projections(model)):
        assert torch.equal(files.layer(layer), module.weight.T)
    assert torch.equal(files.rows(), model.get_output_embeddings().weight)
    loaded = modules_source(
        "tiny", files.space, down_projections(model), head=model.lm_head, norm=model.model.norm,
        vocabulary=lambda: words(40),
    )  # fmt: skip
    assert torch.equal(files.rows(through_norm=True), loaded.rows(through_norm=True))
    direction = torch.nn.functional.normalize(torch.randn(1, 16))
    through = model.lm_head(model.model.norm(direction * 1e3)).detach()  # so that epsilon is small
    ours = direction * 4 @ files.rows(through_norm=True).T  # times the square root of 16
    assert torch.allclose(ours, through, atol=1e-3)


def test_a_wrapped_or_quantised_module_is_asked_for_its_value_vectors() -> None:
    from steer_gym.neurons.source import module_values

    class Wrapped(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.base = torch.nn.Linear(6, 4)
            self.low, self.high = (
                torch.nn.Linear(6, 2, bias=False),
                torch.nn.Linear(2, 4, bias=False),
            )

        def forward(self, x: Any) -> Any:
            return self.base(x) + self.high(self.low(x))

    module = Wrapped()
    merged = module.base.weight + module.high.weight @ module.low.weight
    assert torch.allclose(module_values(module, 6), merged.T, atol=1e-6)


def test_a_lora_folder_is_merged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    saved("Llama", tmp_path / "base", tie_word_embeddings=True)
    name, lora = "model.layers.1.mlp.down_proj", tmp_path / "lora"
    a, b = torch.randn(2, 24), torch.randn(16, 2)
    lora.mkdir()
    save_file(
        {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b},
        lora / "adapter_model.safetensors",
    )
    config = {"peft_type": "LORA", "r": 2, "lora_alpha": 4}
    (lora / "adapter_config.json").write_text(json.dumps(config))
    plain = decoder_source(tmp_path / "base", vocabulary=words)
    from steer_gym.policies.openvla.adapters import load_adapter

    tuned = decoder_source(tmp_path / "base", vocabulary=words, adapter=load_adapter(lora))
    assert torch.allclose(tuned.layer(1), plain.layer(1) + 2 * (b @ a).T, atol=1e-5)
    assert torch.equal(tuned.layer(0), plain.layer(0))
    assert tuned.space.fingerprint != plain.space.fingerprint


def test_what_is_no_decoder_is_named(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    with pytest.raises(SourceError, match=r"model\.safetensors is missing"):
        folder_source(tmp_path)
    save_file({"x": torch.zeros(2)}, tmp_path / "model.safetensors")
    with pytest.raises(SourceError, match=r"0 decoders .* Its first tensors: x"):
        folder_source(tmp_path)
    with pytest.raises(SourceError, match="There is no 'nowhere' on this machine"):
        open_source("nowhere")
    with pytest.raises(LookupError, match="Did you mean 'openvla'"):
        open_source(str(tmp_path), kind="openvlaa")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ('{"weight_map": {"x"', r"index\.json is not JSON .*; download it again"),
        ("[]", r"index\.json holds list, not an object"),
        ('{"metadata": {}}', r"index\.json has no weight_map; download it again"),
        ('{"weight_map": {"x": "a.safetensors"}}', r"a\.safetensors is missing"),
        ('{"weight_map": {"x": "model.safetensors"}}', r"promises x in model\.safetensors, which"),
    ],
)
def test_a_broken_index_is_named(index: str, message: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"y": torch.zeros(2)}, tmp_path / SINGLE)
    (tmp_path / INDEX).write_text(index)
    with pytest.raises(SourceError, match=message):
        SafetensorsFolder(tmp_path).shape("x")
    (tmp_path / INDEX).unlink()
    with pytest.raises(SourceError, match="has no tensor z"):
        SafetensorsFolder(tmp_path).shape("z")


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"model_type": "openvla"}, "openvla"),
        ({"model_type": "llama"}, "transformers"),
        ({"sizes": {}}, "pocket"),
        ({"type": "pi0_fast"}, "pi0-fast"),
    ],
)
def test_the_files_say_what_kind_they_are(
    config: dict[str, Any], kind: str, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert kind_of(str(tmp_path)) == kind
    (tmp_path / "config.json").unlink()
    with pytest.raises(SourceError, match=r"does not say what it is: it has no .* Name its kind"):
        kind_of(str(tmp_path))
    (tmp_path / "params.npz").touch()
    assert kind_of(str(tmp_path)) == kind_of(str(tmp_path / "params.npz")) == "pi0-fast"


def test_options_are_checked_but_a_readers_own_fault_is_not_taken_for_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match="unexpected keyword argument 'profile'"):
        open_source(str(tmp_path), kind="transformers", profile="x")
    monkeypatch.setitem(sources.READERS, "faulty", "operator:index")
    with pytest.raises(TypeError):
        open_source(str(tmp_path), kind="faulty")


def test_tokens_keep_their_blanks_and_broken_bytes_their_names(smollm2: Path) -> None:
    source = folder_source(smollm2)
    told = source.vocabulary()
    assert len(told) == 49152
    assert {" speed", "Up", " fastest"} <= set(told.texts)
    assert "" not in told.texts
    assert not any("\ufffd" in text for text in told.texts if len(text) > 4)
