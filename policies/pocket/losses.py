"""What Pocket learns: actions, the words of instructions and narrations, plain text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad, smooth_l1_loss

from .dataset import Batch
from .model import ACTION_TOKENS, PocketModel
from .tokenizer import PAD


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the parts; each part is a mean over its tokens."""

    actions: float = 1.0
    aim: float = 0.5
    instruction: float = 0.05
    narration: float = 0.05
    text: float = 0.2


def augment(images: Tensor, *, shift: int, generator: torch.Generator) -> Tensor:
    """Return images (rows, size, size, 3) uint8 as (rows, 3, size, size) in about [-1, 1].

    Each row is shifted by up to ``shift`` pixels, and its brightness and contrast vary by a few
    per cent, so that a policy does not hang on one renderer's exact pixels.
    """
    rows, size = images.shape[:2]
    device = images.device
    wide = pad(images.permute(0, 3, 1, 2), (shift,) * 4, mode="replicate")
    offset = torch.randint(2 * shift + 1, (2, rows, 1), generator=generator).to(device)
    line = torch.arange(size, device=device)
    row, column = offset[0] + line, offset[1] + line
    at = torch.arange(rows, device=device)[:, None, None]
    moved = wide.permute(0, 2, 3, 1)[at, row[:, :, None], column[:, None, :]]
    contrast = 1 + 0.2 * (torch.rand((rows, 1, 1, 1), generator=generator) - 0.5).to(device)
    brightness = 0.2 * (torch.rand((rows, 1, 1, 1), generator=generator) - 0.5).to(device)
    scaled = moved.permute(0, 3, 1, 2).float() / 127.5 - 1
    return scaled * contrast + brightness


class Aim(nn.Linear):
    """Reads where the object and the goal are from the last position of the prefill.

    An auxiliary of training, which is not part of the policy: it makes the network find the object
    in the pictures sooner than the action tokens alone would.
    """

    SCALE_M = 0.1

    def __init__(self, dimension: int) -> None:
        super().__init__(dimension, 6)

    def loss(self, hidden: Tensor, aim: Tensor) -> Tensor:
        """Return the loss for (rows, dimension) and the true offsets (rows, 6) [m]."""
        return smooth_l1_loss(self(hidden).float(), aim / self.SCALE_M, beta=0.1)


def demonstration_losses(
    model: PocketModel, aim: Aim, batch: Batch, generator: torch.Generator, *, shift: int = 1
) -> tuple[dict[str, Tensor], Tensor]:
    """Return the losses of a batch, and which action tokens were predicted, (rows, 7) bool."""
    base = augment(batch.base, shift=shift, generator=generator)
    wrist = augment(batch.wrist, shift=shift, generator=generator)
    observation = model.embed_observation(base, wrist, batch.state)
    prefill = model.embed_prefill(observation, batch.prompt)
    answer = torch.cat([batch.actions, batch.narration], dim=1)
    mask = torch.cat([model.prefill_mask(batch.prompt), answer != PAD], dim=1)
    embeddings = torch.cat([prefill, model.embed_words(answer)], dim=1)
    hidden = model.llama.model(
        inputs_embeds=embeddings,
        attention_mask=mask,
        position_ids=(mask.cumsum(1) - 1).clamp(min=0),
        use_cache=False,
    ).last_hidden_state
    act = prefill.shape[1] - 1
    words = act - batch.prompt.shape[1]
    told = act + ACTION_TOKENS
    actions = model.llama.lm_head(hidden[:, act:told])
    some = slice(None, max(len(hidden) // 4, 1))  # words need fewer samples than actions
    losses = {
        "actions": cross_entropy(actions.flatten(0, 1).float(), batch.actions.flatten()),
        "aim": aim.loss(hidden[:, act], batch.aim),
        "instruction": _language_loss(model, hidden[some, words - 1 : act - 1], batch.prompt[some]),
        "narration": _language_loss(model, hidden[some, told:-1], batch.narration[some]),
    }
    return losses, actions.argmax(-1) == batch.actions


def text_loss(model: PocketModel, tokens: Tensor) -> Tensor:
    """Return the loss of plain text, (rows, length), padded on the right."""
    hidden = model.llama.model(
        input_ids=tokens[:, :-1], attention_mask=tokens[:, :-1] != PAD, use_cache=False
    ).last_hidden_state
    return _language_loss(model, hidden, tokens[:, 1:])


def _language_loss(model: PocketModel, hidden: Tensor, targets: Tensor) -> Tensor:
    logits = model.llama.lm_head(hidden).float()
    return cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=PAD)
