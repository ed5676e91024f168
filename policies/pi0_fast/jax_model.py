"""pi0-FAST in JAX: one jitted function from images, prompt and steering to tokens.

Compiled once for each number of rows (rounded up to a power of two), prompt length, ``Decoding``
and number of a row's groups of positions (rounded up too); not for other neurons, another alpha,
temperature or seed. No published weights were ever loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from numpy.typing import NDArray

from steer_gym.steering import Steering

from ..engines.jax_engine import Edits, steered_call
from ..engines.running_spread import RunningSpread
from .generation import Decoding, Generated, Sampling
from .jax_network import (
    Cache,
    Moments,
    Weights,
    acting,
    embed_images,
    embed_words,
    forward,
    unembed,
)
from .neuron_weights import NeuronWeights
from .prefix import ModelInputs, Prefix
from .sizes import Parameters, Sizes


class JaxModel:
    """The model."""

    def __init__(self, parameters: Parameters, *, dtype: Any = jnp.float32, slots: int = 1) -> None:
        """Put merged parameters on JAX's default device.

        Args:
            parameters: From ``load_parameters``.
            dtype: Of weights and activations; the reference outputs hold in float32.
            slots: Groups of edits on different positions to make room for in each row.
        """
        self.sizes = Sizes.of(parameters)
        self.space = NeuronWeights.of_arrays(parameters).space()
        self.dtype = np.dtype(dtype)
        self.weights = {name: jnp.asarray(array, dtype) for name, array in parameters.items()}
        self._slots = slots

    def neuron_weights(self) -> NeuronWeights:
        """Return the weights that say what neurons mean; see ``Backend``."""
        return NeuronWeights.of_arrays(self.weights)

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
        given = (None,) * rows if steerings is None else tuple(steerings)
        padded = _pad_rows(inputs, rows)
        prefix = Prefix.of(padded, self.sizes.image_tokens, decoding.window)
        more = len(padded.prompt) - rows
        call = steered_call(
            (*given, *[None] * more),
            prefix.kinds,
            self.space,
            spread=spread,
            dtype=self.dtype,
            slots=self._slots,
        )
        self._slots = len(call.edits.prefill)
        batch = _batch(padded, prefix, sampling or Sampling.greedy(rows), rows, self.dtype)
        tokens, logits, decoded = _generate(
            self.weights, batch, call.edits, sizes=self.sizes, decoding=decoding
        )
        return Generated(
            tokens=np.asarray(tokens, np.int64)[:rows],
            prefill_logits=np.asarray(logits, np.float32)[:rows],
            reports=call.reports(int(decoded))[:rows],
        )

    def observe(self, inputs: ModelInputs, decoding: Decoding, spread: RunningSpread) -> None:
        """Take natural activations into ``spread``; see ``Backend``."""
        rows = len(inputs.prompt)
        prefix = Prefix.of(inputs, self.sizes.image_tokens, decoding.window)
        call = steered_call((None,) * rows, prefix.kinds, self.space, dtype=self.dtype)
        batch = _batch(inputs, prefix, Sampling.greedy(rows), rows, self.dtype)
        found = _measure(self.weights, batch, call.edits, sizes=self.sizes)
        for layer, (mean, squares) in enumerate(zip(*map(np.asarray, found), strict=True)):
            spread.take(layer, int(prefix.lengths.sum()), mean, squares)


class _Batch(NamedTuple):
    """What the jitted function takes; fields as in ``ModelInputs``, ``Prefix``, ``Sampling``."""

    images: Array
    prompt: Array
    order: Array
    mask: Array
    positions: Array
    lengths: Array
    decode_mask: Array
    temperature: Array
    keys: Array
    counted: Array
    """(rows,), false for rows that only fill up the batch; they end nothing and are dropped."""


class _State(NamedTuple):
    """What the loop that writes tokens carries."""

    step: Array
    logits: Array
    tokens: Array
    cache: Cache
    ended: Array
    done: Array


@partial(jax.jit, static_argnames=("sizes", "decoding"))
def _generate(
    weights: Weights, batch: _Batch, edits: Edits, *, sizes: Sizes, decoding: Decoding
) -> tuple[Array, Array, Array]:
    """Return tokens (rows, steps), prefill logits (rows, vocabulary), and decode steps run."""
    hidden, cache, _ = _prefill(weights, batch, edits, sizes, decoding.steps)
    first = unembed(weights, hidden[:, -1])
    rows = len(batch.mask)
    state = _State(
        step=jnp.zeros((), jnp.int32),
        logits=first,
        tokens=jnp.zeros((rows, decoding.steps), jnp.int32),
        cache=cache,
        ended=~batch.counted,
        done=jnp.zeros((), jnp.bool_),
    )
    state = lax.while_loop(
        lambda s: ~s.done, partial(_write, weights, batch, edits, sizes, decoding), state
    )
    return state.tokens, first, state.step - 1


@partial(jax.jit, static_argnames=("sizes",))
def _measure(weights: Weights, batch: _Batch, edits: Edits, *, sizes: Sizes) -> Moments | None:
    """Return the moments of every layer's activations, each (layers, width)."""
    return _prefill(weights, batch, edits, sizes, 0, measured=True)[2]


def _prefill(
    weights: Weights,
    batch: _Batch,
    edits: Edits,
    sizes: Sizes,
    steps: int,
    *,
    measured: bool = False,
) -> tuple[Array, Cache, Moments | None]:
    """Read the prefix, with room for ``steps`` more positions; see ``forward``."""
    words = embed_words(weights, sizes, batch.prompt)
    embedded = jnp.concatenate([embed_images(weights, sizes, batch.images), words], axis=1)
    embedded = jnp.take_along_axis(embedded, batch.order[..., None], axis=1)
    rows, width = batch.mask.shape
    shape = (sizes.depth, rows, width + steps, sizes.kv_heads, sizes.head_dim)
    seen = batch.mask[:, None] & batch.mask[:, :, None]
    return forward(
        weights,
        embedded,
        Cache(jnp.zeros(shape, embedded.dtype), jnp.zeros(shape, embedded.dtype)),
        acting(edits, prefill=True),
        positions=batch.positions,
        seen=jnp.pad(seen, ((0, 0), (0, 0), (0, steps))),
        at=0,
        real=batch.mask if measured else None,
    )


def _write(
    weights: Weights,
    batch: _Batch,
    edits: Edits,
    sizes: Sizes,
    decoding: Decoding,
    state: _State,
) -> _State:
    """Choose each row's next token, and unless it is the last one read it."""
    chosen = jnp.where(state.ended, 0, _choose(batch, state))
    tokens = lax.dynamic_update_slice_in_dim(state.tokens, chosen[:, None], state.step, axis=1)
    ends = jnp.isin(chosen, jnp.array(decoding.end_tokens))
    ended = state.ended | (ends & (decoding.stop == "rows"))
    done = jnp.all(ends | ended) | (state.step + 1 == decoding.steps)
    logits, cache = lax.cond(
        done,
        lambda: (state.logits, state.cache),
        lambda: _read(weights, batch, edits, sizes, decoding, state, chosen),
    )
    return _State(state.step + 1, logits, tokens, cache, ended, done)


def _read(
    weights: Weights,
    batch: _Batch,
    edits: Edits,
    sizes: Sizes,
    decoding: Decoding,
    state: _State,
    chosen: Array,
) -> tuple[Array, Cache]:
    width = batch.mask.shape[1]
    generated = jnp.arange(decoding.steps) <= state.step
    seen = jnp.concatenate(
        [batch.decode_mask, jnp.broadcast_to(generated, (len(chosen), decoding.steps))], axis=1
    )
    hidden, cache, _ = forward(
        weights,
        embed_words(weights, sizes, chosen[:, None]),
        state.cache,
        acting(edits, prefill=False),
        positions=(batch.lengths + state.step + decoding.position_offset)[:, None],
        seen=seen[:, None],
        at=width + state.step,
    )
    return unembed(weights, hidden[:, -1]), cache


def _choose(batch: _Batch, state: _State) -> Array:
    greedy = jnp.argmax(state.logits, axis=-1)

    def sampled() -> Array:
        heat = jnp.where(batch.temperature > 0, batch.temperature, 1)[:, None]
        keys = jax.vmap(jax.random.fold_in, (0, None))(batch.keys, state.step)
        logits = state.logits.astype(jnp.float32) / heat
        drawn = jax.vmap(jax.random.categorical)(keys, logits)
        return jnp.where(batch.temperature > 0, drawn, greedy)

    chosen: Array = lax.cond(jnp.any(batch.temperature > 0), sampled, lambda: greedy)
    return chosen.astype(jnp.int32)


def _pad_rows(inputs: ModelInputs, rows: int) -> ModelInputs:
    """Return the inputs with the first row repeated up to a power of two."""
    wanted = 1 << (rows - 1).bit_length()
    index = np.minimum(np.arange(wanted), rows - 1)
    return ModelInputs(
        images=inputs.images[index],
        camera_mask=inputs.camera_mask[index],
        prompt=inputs.prompt[index],
        prompt_kinds=inputs.prompt_kinds[index],
    )


def _batch(
    inputs: ModelInputs, prefix: Prefix, sampling: Sampling, rows: int, dtype: Any
) -> _Batch:
    filling = len(inputs.prompt) - rows
    temperature = np.pad(sampling.temperature, (0, filling))
    seeds = np.pad(sampling.seeds, (0, filling))
    return _Batch(
        images=jnp.asarray(inputs.images, dtype),
        prompt=jnp.asarray(inputs.prompt, jnp.int32),
        order=jnp.asarray(prefix.order, jnp.int32),
        mask=jnp.asarray(prefix.mask),
        positions=jnp.asarray(prefix.positions, jnp.int32),
        lengths=jnp.asarray(prefix.lengths, jnp.int32),
        decode_mask=jnp.asarray(prefix.decode_mask),
        temperature=jnp.asarray(temperature),
        keys=jax.vmap(jax.random.key)(seeds),
        counted=jnp.arange(rows + filling) < rows,
    )
