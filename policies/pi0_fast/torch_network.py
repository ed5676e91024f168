"""pi0-FAST's weights in PyTorch: transformers' SigLIP and Gemma modules, under their names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import embedding, linear
from transformers import GemmaConfig, GemmaModel, SiglipVisionConfig, SiglipVisionModel

from .safetensors_file import to_tensors
from .sizes import CheckpointError, Parameters, Sizes


class Network(nn.Module):
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


def assign(
    network: nn.Module, parameters: Parameters, device: torch.device, dtype: torch.dtype
) -> None:
    """Put the weights in place of the model's, which lie on the meta device.

    The parameters stay as they are: with the device the CPU, two copies are held.

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
    return torch.from_numpy(np.array(array, np.float32, order="C")).to(device, dtype)


def _materialise(modules: Iterable[nn.Module], device: torch.device) -> None:
    """Give buffers that no checkpoint holds a place: positions of patches, and unused ones."""
    for module in modules:
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_meta:
                fresh = torch.zeros(buffer.shape, dtype=buffer.dtype, device=device)
                if name == "position_ids":
                    fresh = torch.arange(buffer.shape[-1], device=device).expand(buffer.shape)
                module._buffers[name] = fresh
