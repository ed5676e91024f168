"""OpenVLA-OFT as a policy: two pictures and the state in, eight actions out, in one pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.affine import KIND, PADDING
from steer_gym.errors import ConventionError
from steer_gym.observation import (
    CAMERAS,
    INSTRUCTION,
    LIBERO_STATE,
    Observation,
    images,
    joined_state,
)
from steer_gym.policy import Plan, PolicySpec

from .checkpoint import Checkpoint, open_checkpoint
from .conventions import Scaling
from .inputs import prompt_ids
from .model import OpenVlaModel, Projector, Prompts
from .oft_parts import load_head, load_state_projector
from .policy import RENDERED, OpenVlaPolicy
from .tensors import CheckpointError

STOP = 2
"""Llama's end-of-sequence, which training put behind the actions."""
STATE_SIZE = 8
"""Position [m], rotation vector [rad] and two fingers [m] of LIBERO's robot."""


class OpenVlaOftPolicy(OpenVlaPolicy):
    """OpenVLA-OFT (Kim et al., RSS 2025): parallel decoding of a chunk, regressed with an L1 head.

    All pictures, the state, the words and the places of the actions go through the language model
    at once, every position seeing every other. The hidden states at the actions' places, each read
    one place earlier as in training, go through the action head. There are no action tokens, so
    nothing is invalid and ``Plan.tokens`` is empty.

    Steering: the places of the actions are of kind ``decode``, although they are part of the one
    pass; the state is of kind ``state``.

    **No published weights have ever been loaded with it.** Tests hold it to an independent
    computation of the released code's function on small random weights. FiLM, diffusion heads and
    checkpoints of other robots (ALOHA) are refused.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        cameras: Sequence[str] = CAMERAS,
        horizon: int = 8,
        device: str | None = None,
        dtype: torch.dtype | str | None = None,
        quantization: str | None = None,
        unnorm_key: str | None = None,
    ) -> None:
        """Load a checkpoint, and see that it looks at its images.

        Args:
            checkpoint: A folder in the published format, or a hub id.
            cameras: The pictures that it was trained on, in their order; no file tells.
            horizon: Actions in a chunk; no file tells.
            device: A torch device; by default CUDA where there is one.
            dtype: Of the weights; by default bfloat16 on CUDA, float32 elsewhere.
            quantization: ``int8`` or ``nf4``: the language model in 8 or 4 bits.
            unnorm_key: Data set whose statistics scale state and actions.

        Raises:
            CheckpointError: The checkpoint is incomplete, broken, or of another kind.
        """
        self._cameras, self._horizon = tuple(cameras), horizon
        super().__init__(
            checkpoint,
            device=device,
            dtype=dtype,
            quantization=quantization,
            unnorm_key=unnorm_key,
            convention="libero",
        )

    def _open(self, checkpoint: str | Path, adapter: str | Path | None) -> Checkpoint:
        return open_checkpoint(checkpoint, adapter, oft=True)

    def _load(
        self, dtype: torch.dtype, quantization: str | None, adapter: str | Path | None
    ) -> OpenVlaModel:
        model, folder = super()._load(dtype, quantization, adapter), self.checkpoint.folder
        size = model.llama.model.embed_tokens.weight.shape[1]
        self._head = load_head(folder, size).to(self._device, dtype).eval()
        self._projector = load_state_projector(folder)
        if self._projector is not None:
            self._projector.to(self._device, dtype).eval()
            self._state = self._state_scaling(self._projector)
        return model

    def _spec(self) -> PolicySpec:
        spec, outputs = super()._spec(), self._head.fc2.out_features
        if outputs != spec.action.size:
            raise ConventionError(
                f"The action head gives {outputs} numbers, but the statistics scale "
                f"{spec.action.size}."
            )
        return replace(
            spec,
            name="openvla-oft",
            cameras=dict.fromkeys(self._cameras, RENDERED),
            horizon=self._horizon,
            execute=self._horizon,
            tokens=0,
            invalid_tokens=(),
        )

    def _state_scaling(self, projector: Projector) -> Scaling:
        scaling = Scaling.of(self.checkpoint.statistics, self._key, "proprio")
        takes = projector.get_submodule("fc1").in_features
        if not takes == len(scaling.low) == STATE_SIZE:
            raise CheckpointError(
                f"The state's projector takes {takes} numbers and the statistics scale "
                f"{len(scaling.low)}; LIBERO's state has 8: position, rotation vector, two fingers."
            )
        return scaling

    def _response(self, views: NDArray[np.uint8]) -> Tensor:
        pixels = [self.pixels.normalised(views)] * len(self._cameras)
        prompts, rows = self.prompts(["move"] * len(views)), len(views)
        state = np.zeros((rows, STATE_SIZE))
        plan = self.predict_chunk(pixels, state, prompts, [ActConfig()] * rows)
        return torch.from_numpy(plan.extra["predicted"])

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return a chunk a row: (rows, horizon, 7). See ``Policy.plan``.

        Raises:
            ObservationError: The state is missing or of another size, and the checkpoint takes one.
        """
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        views = [self.pixels(images(batch, camera)) for camera in self._cameras]
        unseen = np.zeros((len(configs), STATE_SIZE))
        state = joined_state(batch, LIBERO_STATE) if self._projector is not None else unseen
        plan = self.predict_chunk(views, state, self.prompts(batch[INSTRUCTION]), configs)
        return replace(plan, latency_s=time.perf_counter() - started)

    def predict_chunk(
        self,
        views: Sequence[Tensor],
        state: NDArray[np.float64],
        prompts: Prompts,
        configs: Sequence[ActConfig],
    ) -> Plan:
        """Return the plan for inputs that are ready, one config per row.

        Args:
            views: A tensor a camera, as ``OpenVlaModel.embed_images`` takes them.
            state: (rows, 8), as measured; unused by a checkpoint without a state projector.
            prompts: From ``prompts``.
            configs: As ``prepare`` returns them.
        """
        with torch.inference_mode(), self._steered(configs, prompts) as steered:
            seen = [self.model.embed_images(v.to(self._device, self.model.dtype)) for v in views]
            if self._projector is not None:
                numbers = torch.from_numpy(self._state.inward(state)).float()
                token = self._projector(numbers.to(self._device, self.model.dtype))
                seen.append(token[:, None])
            hidden = self._hidden(torch.cat(seen, dim=1), prompts)
            read = hidden[:, -self._places - 2 : -2]  # from the last word on: one place early
            values = self._head(read.reshape(len(read), self._horizon, -1))
        predicted = self._scaling(values.double().cpu().numpy())
        return Plan(
            actions=self._convention.outward(predicted),
            steering=steered.reports(0),
            extra={"predicted": predicted},
        )

    @property
    def _places(self) -> int:
        return self._horizon * self.spec.action.size

    def prompts(self, instructions: Sequence[str]) -> Prompts:
        """Return the prompts for instructions, one a row, with the places of the actions."""
        tokenizer, template = self.checkpoint.tokenizer, self._template
        ids = [
            [*prompt_ids(template, text, tokenizer), *[0] * self._places, STOP]
            for text in instructions
        ]
        pictures = self.model.patches * len(self._cameras)
        prompts = Prompts.of(ids, pictures + (self._projector is not None))
        kinds = prompts.kinds
        kinds[:, -self._places - 1 :] = KIND["decode"]
        if self._projector is not None:
            starts = (kinds != PADDING).argmax(axis=1)
            kinds[np.arange(len(kinds)), starts + 1 + pictures] = KIND["state"]
        return prompts

    def _hidden(self, seen: Tensor, prompts: Prompts) -> Tensor:
        """Return the last hidden states, normalised; every real position sees every other."""
        words = self.model.llama.model.embed_tokens(
            torch.from_numpy(prompts.ids).to(self._device)
        ).clone()
        words[:, -self._places - 1 : -1] = 0
        order = torch.from_numpy(prompts.order).to(self._device)[:, :, None]
        embedded = torch.cat([words, seen], dim=1).gather(1, order.expand(-1, -1, words.shape[-1]))
        real = torch.from_numpy(prompts.kinds != PADDING).to(self._device)
        itself = torch.eye(real.shape[1], dtype=torch.bool, device=self._device)
        states: Tensor = self.model.llama.model(
            inputs_embeds=embedded,
            attention_mask=(real[:, None] | itself)[:, None],
            position_ids=(real.cumsum(1) - 1).clamp(min=0),
            use_cache=False,
        ).last_hidden_state
        return states
