"""pi0-FAST's arithmetic in plain JAX: SigLIP, Gemma, and the loop that writes tokens.

Parameters are openpi's, by its names; layers are scanned. The steering is a traced argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from ..engines.jax_engine import Edits, LayerEdits, steer
from .rotary import rotary_table
from .sizes import BLOCK, EMBEDDING, FINAL_NORM, IMG, LAYERS, Sizes

HIDDEN = -2.3819763e38
"""What openpi gives to hidden keys: finite, so that a row that sees nothing averages all."""
Weights = Mapping[str, Array]


class Cache(NamedTuple):
    """Keys and values of every layer, (layers, rows, prefix + steps, kv heads, head size)."""

    keys: Array
    values: Array


class Moments(NamedTuple):
    """Mean of each neuron's natural activation, and the sum of squared deviations from it."""

    mean: Array
    squares: Array


def embed_images(weights: Weights, sizes: Sizes, images: Array) -> Array:
    """Return tokens (rows, cameras * image tokens, width) of (rows, cameras, size, size, 3)."""
    rows, cameras = images.shape[:2]
    grid, patch = sizes.grid, sizes.patch
    patches = images.reshape(rows * cameras, grid, patch, grid, patch, 3)
    x = jnp.einsum("ngphqc,pqcd->nghd", patches, weights[f"{IMG}/embedding/kernel"])
    x = (x + weights[f"{IMG}/embedding/bias"]).reshape(rows * cameras, grid * grid, -1)
    x = x + weights[f"{IMG}/pos_embedding"]
    x, _ = lax.scan(_vision_layer, x, _layers(weights, BLOCK))
    x = _layer_norm(x, _layers(weights, f"{IMG}/Transformer/encoder_norm"))
    x = x @ weights[f"{IMG}/head/kernel"] + weights[f"{IMG}/head/bias"]
    return x.reshape(rows, cameras * grid * grid, -1)


def _vision_layer(x: Array, layer: Weights) -> tuple[Array, None]:
    attention = "MultiHeadDotProductAttention_0"
    normed = _layer_norm(x, _layers(layer, "LayerNorm_0"))
    query, key, value = (
        jnp.einsum("nsd,dhk->nshk", normed, layer[f"{attention}/{name}/kernel"])
        + layer[f"{attention}/{name}/bias"]
        for name in ("query", "key", "value")
    )
    logits = jnp.einsum("nthk,nshk->nhts", query * query.shape[-1] ** -0.5, key)
    mixed = jnp.einsum("nhts,nshk->nthk", jax.nn.softmax(logits, axis=-1), value)
    out = jnp.einsum("nthk,hkd->ntd", mixed, layer[f"{attention}/out/kernel"])
    x = x + out + layer[f"{attention}/out/bias"]
    hidden = _layer_norm(x, _layers(layer, "LayerNorm_1"))
    for dense, activate in (("Dense_0", True), ("Dense_1", False)):
        hidden = hidden @ layer[f"MlpBlock_0/{dense}/kernel"] + layer[f"MlpBlock_0/{dense}/bias"]
        hidden = jax.nn.gelu(hidden, approximate=True) if activate else hidden
    return x + hidden, None


def embed_words(weights: Weights, sizes: Sizes, ids: Array) -> Array:
    """Return the scaled embeddings of tokens, (rows, tokens, width)."""
    words = weights[EMBEDDING][ids]
    return words * jnp.sqrt(sizes.width).astype(words.dtype)


def unembed(weights: Weights, hidden: Array) -> Array:
    """Return logits (rows, vocabulary) of hidden states (rows, width) before the final norm."""
    return _rms_norm(hidden, weights[FINAL_NORM]) @ weights[EMBEDDING].T


def forward(
    weights: Weights,
    x: Array,
    cache: Cache,
    edits: tuple[LayerEdits, Array],
    *,
    positions: Array,
    seen: Array,
    at: Array | int,
    real: Array | None = None,
) -> tuple[Array, Cache, Moments | None]:
    """Run the language model over new positions, whose keys and values are written to the cache.

    Args:
        weights: The parameters.
        x: (rows, positions, width), embedded.
        cache: Of the positions before.
        edits: Of every layer, and where they act.
        positions: (rows, positions), for the rotary embedding.
        seen: (rows, positions, prefix + steps), which keys each position sees.
        at: Index in the cache of the first new position.
        real: (rows, positions), those whose activations are measured; ``None``: none is.

    Returns:
        Hidden states (rows, positions, width) before the final norm, the cache, and the moments of
        the natural activations of each layer.
    """
    layer_edits, acts = edits
    table = jnp.asarray(rotary_table(cache.keys.shape[-1], seen.shape[-1] + 1))
    turn = table[:, positions + 1, None]  # (2, rows, positions, 1, head size / 2)

    def step(
        x: Array, layer: tuple[Weights, Cache, LayerEdits]
    ) -> tuple[Array, tuple[Cache, Moments | None]]:
        weights, past, edit = layer
        normed = _rms_norm(x, weights["pre_attention_norm/scale"])
        mixed, past = _attend(weights, normed, past, turn, seen, at)
        x = x + mixed
        normed = _rms_norm(x, weights["pre_ffw_norm/scale"])
        gate, up = (normed @ matrix for matrix in weights["mlp/gating_einsum"])
        natural = jax.nn.gelu(gate, approximate=True) * up
        moments = None if real is None else _moments(natural, real)
        return x + steer(natural, edit, acts) @ weights["mlp/linear"], (past, moments)

    x, (cache, moments) = lax.scan(step, x, (_layers(weights, LAYERS), cache, layer_edits))
    return x, cache, moments


def _moments(natural: Array, real: Array) -> Moments:
    single, weight = natural.astype(jnp.float32), real[..., None].astype(jnp.float32)
    mean = jnp.sum(single * weight, axis=(0, 1)) / jnp.sum(weight)
    return Moments(mean, jnp.sum(jnp.square(single - mean) * weight, axis=(0, 1)))


def _attend(
    layer: Weights, x: Array, past: Cache, turn: Array, seen: Array, at: Array | int
) -> tuple[Array, Cache]:
    if "attn/qkv_einsum/w" in layer:
        query, key, value = jnp.einsum("btd,cndh->cbtnh", x, layer["attn/qkv_einsum/w"])
    else:
        query = jnp.einsum("btd,ndh->btnh", x, layer["attn/q_einsum/w"])
        key, value = jnp.einsum("btd,ckdh->cbtkh", x, layer["attn/kv_einsum/w"])
    turned = _rotate(key, turn).astype(past.keys.dtype)
    keys = lax.dynamic_update_slice_in_dim(past.keys, turned, at, axis=1)
    values = lax.dynamic_update_slice_in_dim(past.values, value, at, axis=1)
    rows, length, heads, head_dim = query.shape
    query = _rotate(query, turn) * head_dim**-0.5
    grouped = query.reshape(rows, length, keys.shape[2], -1, head_dim)
    logits = jnp.einsum("btkgh,bskh->bkgts", grouped, keys, preferred_element_type=jnp.float32)
    weights = jax.nn.softmax(jnp.where(seen[:, None, None], logits, HIDDEN), axis=-1)
    mixed = jnp.einsum("bkgts,bskh->btkgh", weights.astype(x.dtype), values)
    mixed = mixed.reshape(rows, length, heads, head_dim)
    return jnp.einsum("btnh,nhd->btd", mixed, layer["attn/attn_vec_einsum/w"]), Cache(keys, values)


def _rotate(x: Array, turn: Array) -> Array:
    """Rotate the halves of each head by cosine and sine, in float32."""
    cosine, sine = turn
    first, second = jnp.split(x.astype(jnp.float32), 2, axis=-1)
    return jnp.concatenate(
        [first * cosine - second * sine, second * cosine + first * sine], axis=-1
    )


def _rms_norm(x: Array, scale: Array) -> Array:
    single = x.astype(jnp.float32)
    variance = jnp.mean(jnp.square(single), axis=-1, keepdims=True)
    return (single / jnp.sqrt(variance + 1e-6) * (1 + scale)).astype(x.dtype)


def _layer_norm(x: Array, layer: Weights) -> Array:
    single = x.astype(jnp.float32)
    mean = jnp.mean(single, axis=-1, keepdims=True)
    # As flax does: less exact than the mean of squared deviations, but what openpi computes.
    variance = jnp.maximum(jnp.mean(jnp.square(single), axis=-1, keepdims=True) - mean**2, 0)
    normed = (single - mean) * (lax.rsqrt(variance + 1e-6) * layer["scale"])
    return (normed + layer["bias"]).astype(x.dtype)


def _layers(weights: Weights, prefix: str) -> dict[str, Array]:
    """Return the weights below ``prefix``, by the rest of their names."""
    return {
        name.removeprefix(f"{prefix}/"): array
        for name, array in weights.items()
        if name.startswith(f"{prefix}/")
    }


def acting(edits: Edits, *, prefill: bool) -> tuple[LayerEdits, Array]:
    """Return the edits of every layer with the positions of the prefill, or of a decode step."""
    return edits.layers, edits.prefill if prefill else edits.decode
