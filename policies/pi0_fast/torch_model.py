"""pi0-FAST in PyTorch: transformers' SigLIP and Gemma layers, openpi's attention around them.

The attention is written out here because openpi's prefix mask, positions and cache are its own;
weights and their names are those of transformers' modules. No published weights were ever loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.neurons.source import module_values
from steer_gym.steering import Steering

from ..engines.anatomy import down_projections, feed_forward_norms
from ..engines.running_spread import RunningSpread
from ..engines.torch_engine import TorchEngine
from .generation import Decoding, Generated, Sampling
from .neuron_weights import NeuronWeights
from .prefix import ModelInputs, Prefix
from .rotary import rotary_table
from .sizes import Parameters, Sizes
from .torch_network import Network, assign

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
            self.network = Network(self.sizes)
        assign(self.network, parameters, self.device, dtype)
        self.space = NeuronWeights.of_arrays(parameters).space()
        language = self.network.language_model
        self.engine = TorchEngine(
            down_projections(language), self.space, norms=feed_forward_norms(language)
        )

    def neuron_weights(self) -> NeuronWeights:
        """Return the weights that say what neurons mean; see ``Backend``."""
        language = self.network.language_model
        modules = down_projections(language)
        return NeuronWeights(
            layers=len(modules),
            layer=lambda layer: module_values(modules[layer], self.space.width),
            embedding=lambda: language.embed_tokens.weight,
            scale=lambda: language.norm.weight,
        )

    def generate(
        self,
        inputs: ModelInputs,
        *,
        decoding: Decoding,
        steerings: Sequence[Steering | None] | None = None,
        sampling: Sampling | None = None,
        spread: NDArray[np.float32] | None = None,
        measured: Sequence[bool] = (),
    ) -> Generated:
        """Read the inputs and write tokens; see ``Backend``."""
        rows = len(inputs.prompt)
        prefix = Prefix.of(inputs, self.sizes.image_tokens, decoding.window)
        edits = (None,) * rows if steerings is None else tuple(steerings)
        choose = _chooser(sampling or Sampling.greedy(rows))
        with (
            torch.inference_mode(),
            self.engine.steered(edits, prefix.kinds, spread=spread, measured=measured) as steered,
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

    def observe(self, inputs: ModelInputs, decoding: Decoding, spread: RunningSpread) -> None:
        """Take natural activations into ``spread``; see ``Backend``."""
        mask = Prefix.of(inputs, self.sizes.image_tokens, decoding.window).mask
        seen = torch.from_numpy(mask).to(self.device)
        with self.engine.observed(lambda layer, natural, _: spread(layer, natural, seen)):
            self.generate(inputs, decoding=replace(decoding, steps=1))

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


class _Session:
    """One prefill and its decode steps, with the keys and values of both."""

    def __init__(
        self,
        network: Network,
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
        table = rotary_table(sizes.head_dim, self.width + steps + 1)
        self.table = torch.tensor(table, device=device)

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
        turn = self.table[:, positions + 1].unsqueeze(2)  # (2, rows, 1, positions, head_dim / 2)
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


def _rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Rotate the halves of each head by cosine and sine, in float32."""
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
