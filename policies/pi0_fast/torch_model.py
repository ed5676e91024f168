"""pi0-FAST in PyTorch: transformers' SigLIP and Gemma layers, openpi's attention around them.

The attention is written out here because openpi's prefix mask, positions and cache are its own;
weights and their names are those of transformers' modules. No published weights were ever loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding, linear
from transformers import GemmaConfig, GemmaModel, SiglipVisionConfig, SiglipVisionModel

from steer_gym.neuron_set import NeuronSpace
from steer_gym.steering import Steering

from ..engines.anatomy import down_projections
from ..engines.torch_engine import TorchEngine
from .generation import Decoding, Generated, Sampling
from .parameters import fingerprint
from .prefix import ModelInputs, Prefix
from .safetensors_file import to_tensors
from .sizes import CheckpointError, Parameters, Sizes

HIDDEN = -2.3819763e38
"""What openpi gives to hidden keys: finite, so that a row that sees nothing averages all."""


class TorchModel:
    """The model with its steering engine."""

    def __init__(
        self,
        parameters: Parameters,
        *,
        device: str | torch.device = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Build the model from merged parameters.

        Args:
            parameters: From ``load_parameters``.
            device: A torch device.
            dtype: Of weights and activations; the reference outputs hold in float32.
        """
        self.sizes = Sizes.of(parameters)
        self.device, self.dtype = torch.device(device), dtype
        with torch.device("meta"):
            self.network = _Network(self.sizes)
        _assign(self.network, parameters, self.device, dtype)
        self.space = NeuronSpace(
            layers=self.sizes.depth, width=self.sizes.neurons, fingerprint=fingerprint(parameters)
        )
        self.engine = TorchEngine(down_projections(self.network.language_model), self.space)

    def generate(
        self,
        inputs: ModelInputs,
        *,
        decoding: Decoding,
        steerings: Sequence[Steering | None] | None = None,
        sampling: Sampling | None = None,
        spread: NDArray[np.float32] | None = None,
    ) -> Generated:
        """Read the inputs and write tokens; see ``Backend``."""
        rows = len(inputs.prompt)
        prefix = Prefix.of(inputs, self.sizes.image_tokens, decoding.window)
        edits = (None,) * rows if steerings is None else tuple(steerings)
        choose = _chooser(sampling or Sampling.greedy(rows))
        with (
            torch.inference_mode(),
            self.engine.steered(edits, prefix.kinds, spread=spread) as steered,
        ):
            session = _Session(self.network, prefix, decoding.steps, self.device, self.dtype)
            hidden = session.prefill(self._embedded(inputs, prefix))
            logits = self.network.logits(hidden[:, -1])
            tokens = self._write(session, logits, choose, decoding)
        return Generated(
            tokens=tokens,
            prefill_logits=logits.float().cpu().numpy(),
            reports=steered.reports(session.decoded),
        )

    def _embedded(self, inputs: ModelInputs, prefix: Prefix) -> Tensor:
        images = torch.from_numpy(np.ascontiguousarray(inputs.images)).to(self.device, self.dtype)
        words = self.network.embed_words(torch.from_numpy(inputs.prompt).to(self.device))
        embedded = torch.cat([self.network.embed_images(images), words], dim=1)
        order = torch.from_numpy(prefix.order).to(self.device)
        return embedded.gather(1, order[..., None].expand(-1, -1, embedded.shape[-1]))

    def _write(
        self, session: _Session, logits: Tensor, choose: _Choose, decoding: Decoding
    ) -> NDArray[np.int64]:
        tokens = np.zeros((len(logits), decoding.steps), np.int64)
        ended = np.zeros(len(logits), np.bool_)
        for step in range(decoding.steps):
            chosen = np.where(ended, 0, choose(logits))
            tokens[:, step] = chosen
            ends = np.isin(chosen, decoding.end_tokens)
            ended |= ends & (decoding.stop == "rows")
            if (ends | ended).all() or step + 1 == decoding.steps:
                break
            embedded = self.network.embed_words(torch.from_numpy(chosen[:, None]).to(self.device))
            hidden = session.decode(embedded, decoding.position_offset)
            logits = self.network.logits(hidden[:, -1])
        return tokens


class _Network(nn.Module):
    """SigLIP's tower, the projector and Gemma, under transformers' names."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.vision_tower = SiglipVisionModel(_vision_config(sizes))
        self.multi_modal_projector = nn.ModuleDict(
            {"linear": nn.Linear(sizes.vision_width, sizes.width)}
        )
        self.language_model: Any = GemmaModel(_language_config(sizes))

    def embed_images(self, images: Tensor) -> Tensor:
        """Return tokens (rows, cameras * image tokens, width) of (rows, cameras, size, size, 3)."""
        pixels = images.flatten(0, 1).permute(0, 3, 1, 2)
        features = self.vision_tower(pixel_values=pixels).last_hidden_state
        tokens: Tensor = self.multi_modal_projector["linear"](features)
        return tokens.reshape(len(images), -1, self.sizes.width)

    def embed_words(self, ids: Tensor) -> Tensor:
        """Return the scaled embeddings of tokens, (rows, tokens, width)."""
        table = self.language_model.embed_tokens.weight
        words = embedding(ids, table)
        return words * torch.tensor(self.sizes.width**0.5, dtype=words.dtype, device=words.device)

    def logits(self, hidden: Tensor) -> Tensor:
        """Return logits (rows, vocabulary) of normalised hidden states (rows, width)."""
        return linear(hidden, self.language_model.embed_tokens.weight)


class _Session:
    """One prefill and its decode steps, with the keys and values of both."""

    def __init__(
        self,
        network: _Network,
        prefix: Prefix,
        steps: int,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        rows, self.width = prefix.mask.shape
        sizes = self.sizes = network.sizes
        self.network, self.decoded = network, 0
        self.prefix = prefix
        shape = (2, sizes.depth, rows, sizes.kv_heads, self.width + steps, sizes.head_dim)
        self.keys, self.values = torch.zeros(shape, dtype=dtype, device=device)
        self.visible = torch.zeros((rows, self.width + steps), dtype=torch.bool, device=device)
        self.lengths = torch.from_numpy(prefix.lengths).to(device)

    def prefill(self, embedded: Tensor) -> Tensor:
        """Return normalised hidden states (rows, positions, width) of the whole prefix."""
        mask, positions, after = (
            torch.from_numpy(array).to(embedded.device)
            for array in (self.prefix.mask, self.prefix.positions, self.prefix.decode_mask)
        )
        seen = torch.zeros_like(self.visible)[:, None].repeat(1, self.width, 1)
        seen[..., : self.width] = mask[:, None] & mask[:, :, None]
        self.visible[:, : self.width] = after
        return self._forward(embedded, positions, seen, slice(0, self.width))

    def decode(self, embedded: Tensor, offset: int) -> Tensor:
        """Return normalised hidden states (rows, 1, width) of the next generated token."""
        at = self.width + self.decoded
        self.visible[:, at] = True
        positions = (self.lengths + self.decoded + offset)[:, None]
        self.decoded += 1
        return self._forward(embedded, positions, self.visible[:, None], slice(at, at + 1))

    def _forward(self, x: Tensor, positions: Tensor, seen: Tensor, at: slice) -> Tensor:
        turn = _rotation(positions, self.sizes.head_dim)
        for index, layer in enumerate(self.network.language_model.layers):
            x = x + self._attend(index, layer.self_attn, layer.input_layernorm(x), turn, seen, at)
            x = x + layer.mlp(layer.post_attention_layernorm(x))
        normed: Tensor = self.network.language_model.norm(x)
        return normed

    def _attend(
        self, index: int, attention: Any, x: Tensor, turn: Tensor, seen: Tensor, at: slice
    ) -> Tensor:
        query, key, value = (
            project(x).unflatten(-1, (-1, self.sizes.head_dim)).transpose(1, 2)
            for project in (attention.q_proj, attention.k_proj, attention.v_proj)
        )
        keys, values = self.keys[index], self.values[index]
        keys[:, :, at], values[:, :, at] = _rotate(key, turn).to(keys.dtype), value
        query = _rotate(query, turn) * self.sizes.head_dim**-0.5
        grouped = query.unflatten(1, (self.sizes.kv_heads, -1))
        logits = torch.einsum("bkgth,bksh->bkgts", grouped, keys.to(grouped.dtype)).float()
        # As openpi does: hidden keys get one finite number, whatever their logit was.
        hidden = logits.masked_fill(~seen[:, None, None], HIDDEN)
        weights = hidden.softmax(-1).to(values.dtype)
        mixed = torch.einsum("bkgts,bksh->bkgth", weights, values).flatten(1, 2)
        out: Tensor = attention.o_proj(mixed.transpose(1, 2).flatten(2))
        return out


def _rotation(positions: Tensor, head_dim: int) -> Tensor:
    """Return cosine and sine of the rotary angles, (2, rows, 1, positions, head_dim / 2)."""
    exponent = torch.arange(head_dim // 2, dtype=torch.float32, device=positions.device)
    angles = positions[..., None] / 10_000 ** (exponent * 2 / head_dim)
    return torch.stack([angles.cos(), angles.sin()])[:, :, None]


def _rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotate the halves of each head, in float32."""
    cosine, sine = turn
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine], dim=-1)


class _Choose(Protocol):
    def __call__(self, logits: Tensor) -> NDArray[np.int64]:
        """Return ids (rows,) of logits (rows, vocabulary)."""


def _chooser(sampling: Sampling) -> _Choose:
    generators = [torch.Generator().manual_seed(int(seed)) for seed in sampling.seeds]

    def choose(logits: Tensor) -> NDArray[np.int64]:
        chosen: NDArray[np.int64] = logits.argmax(-1).cpu().numpy()
        for row in np.flatnonzero(sampling.temperature):
            scaled = logits[row].float().cpu() / float(sampling.temperature[row])
            drawn = torch.multinomial(scaled.softmax(-1), 1, generator=generators[row])
            chosen[row] = int(drawn[0])
        return chosen

    return choose


def _vision_config(sizes: Sizes) -> SiglipVisionConfig:
    return SiglipVisionConfig(
        hidden_size=sizes.vision_width,
        intermediate_size=sizes.vision_neurons,
        num_hidden_layers=sizes.vision_depth,
        num_attention_heads=sizes.vision_heads,
        image_size=sizes.image_size,
        patch_size=sizes.patch,
        vision_use_head=False,
    )


def _language_config(sizes: Sizes) -> GemmaConfig:
    return GemmaConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        intermediate_size=sizes.neurons,
        num_hidden_layers=sizes.depth,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        hidden_act="gelu_pytorch_tanh",
        rms_norm_eps=1e-6,
        pad_token_id=0,
    )


def _assign(
    network: nn.Module, parameters: Parameters, device: torch.device, dtype: torch.dtype
) -> None:
    """Put the weights in place of the model's, which lie on the meta device.

    Raises:
        CheckpointError: transformers names a weight otherwise than this file does.
    """
    nested = any(name.startswith("vision_tower.vision_model.") for name in network.state_dict())
    state = {
        name.replace("vision_tower.", "vision_tower.vision_model.") if nested else name: _tensor(
            array, device, dtype
        )
        for name, array in to_tensors(parameters).items()
    }
    missing, unexpected = network.load_state_dict(state, strict=False, assign=True)
    if missing or unexpected:
        raise CheckpointError(
            f"This version of transformers has other weights: missing {missing}, unexpected "
            f"{unexpected}. steer_gym was tried with transformers 5.24."
        )
    _materialise(network.modules(), device)
    network.eval().requires_grad_(False)


def _tensor(array: NDArray[np.generic], device: torch.device, dtype: torch.dtype) -> Tensor:
    single = np.ascontiguousarray(array.astype(np.float32))
    return torch.from_numpy(single).to(device, dtype)


def _materialise(modules: Iterable[nn.Module], device: torch.device) -> None:
    """Give buffers that no checkpoint holds a place: positions of patches, and unused ones."""
    for module in modules:
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:
                fresh = torch.zeros(buffer.shape, dtype=buffer.dtype, device=device)
                if name == "position_ids":
                    fresh = torch.arange(buffer.shape[-1], device=device).expand(buffer.shape)
                module._buffers[name] = fresh
