"""Pocket as a policy."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from steer_gym.acting import ActConfigs
from steer_gym.convention import LIBERO_DELTA
from steer_gym.neuron_set import NeuronSet
from steer_gym.neurons.source import NeuronSource
from steer_gym.observation import (
    IMAGE_BASE,
    IMAGE_WRIST,
    INSTRUCTION,
    LIBERO_STATE,
    Observation,
    images,
    joined_state,
)
from steer_gym.policy import Observer, Plan, Policy, PolicySpec
from steer_gym.steering import Steering

from ..beliefs import BelievingChoice
from ..engines.anatomy import down_projections, feed_forward_norms, neuron_space
from ..engines.torch_engine import TorchEngine
from .model import ACTION_TOKENS
from .reading import loaded_source
from .transforms import Inputs, image_tensor, prompt_ids, state_vector, without_padding
from .weights import SHIPPED, load_checkpoint

CONCEPTS, SPREAD = "concepts.json", "spread.npy"


class PocketPolicy(Policy):
    """A small VLA of OpenVLA's anatomy; see ``MODEL_CARD.md`` for what it can and cannot do.

    ``ActConfig.invalid_tokens``: ``clip`` decodes a token that is no action as OpenVLA does, to
    +0.996; ``mask`` lets only the 256 action tokens compete.
    """

    light = True

    def __init__(self, checkpoint: str | Path | None = None, device: str = "cpu") -> None:
        """Load the policy.

        Args:
            checkpoint: A folder that ``steer-gym pocket train`` wrote; by default the shipped one.
            device: A torch device.
        """
        self._folder = Path(checkpoint or SHIPPED)
        loaded = load_checkpoint(self._folder, device)
        self.model, self.tokenizer, self.history = loaded.model, loaded.tokenizer, loaded.history
        self._device = torch.device(device)
        size = self.model.sizes.image_size
        neurons = neuron_space(self.model.llama)
        self.spec = PolicySpec(
            name="pocket",
            action=LIBERO_DELTA,
            cameras={IMAGE_BASE: (size, size), IMAGE_WRIST: (size, size)},
            tokens=ACTION_TOKENS,
            neurons=neurons,
            invalid_tokens=("clip", "mask"),
        )
        self.engine = TorchEngine(
            down_projections(self.model.llama), neurons, norms=feed_forward_norms(self.model.llama)
        )

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return one action a row: (rows, 1, 7). See ``Policy.plan``."""
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        inputs = self.inputs(batch)
        kinds = self.model.prefill_kinds(inputs.prompt.cpu().numpy())
        with (
            torch.inference_mode(),
            self.engine.steered(
                [row.steering for row in configs],
                kinds,
                spread=self.spread(),
                measured=[row.measure_steering for row in configs],
            ) as steered,
        ):
            embedded = self.model.embed_observation(inputs.base, inputs.wrist, inputs.state)
            choose = BelievingChoice(configs, self.tokenizer.bins)
            tokens = self.model.generate(embedded, inputs.prompt, choose)
        ids = tokens.cpu().numpy()
        actions, valid = self.tokenizer.decode_actions(ids)
        return Plan(
            actions=actions[:, None],
            tokens=ids,
            valid=valid,
            latency_s=time.perf_counter() - started,
            steering=steered.reports(ACTION_TOKENS - 1),
            extra=choose.told(choose.expected),
        )

    @cached_property
    def _found(self) -> dict[str, Any]:
        path = self._folder / CONCEPTS
        found: dict[str, Any] = json.loads(path.read_text())["concepts"] if path.is_file() else {}
        return found

    @cached_property
    def _concepts(self) -> dict[str, NeuronSet]:
        return {name: NeuronSet.from_json(data["neurons"]) for name, data in self._found.items()}

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the concepts of the checkpoint, bound to its weights."""
        return self._concepts

    def recommended(self, concept: str) -> Steering:
        """Return the steering that ``steer-gym pocket concepts`` chose. See the base class."""
        if steering := self._found.get(concept, {}).get("steering"):
            return Steering.from_json(steering)
        return super().recommended(concept)

    @cached_property
    def _spread(self) -> NDArray[np.float32] | None:
        path = self._folder / SPREAD
        return np.load(path).astype(np.float32) if path.is_file() else None

    def spread(self) -> NDArray[np.float32] | None:
        """Return each neuron's standard deviation over demonstrations, (layers, width)."""
        return self._spread

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Show natural activations. See the base class."""
        return self.engine.observed(observer)

    def neuron_source(self) -> NeuronSource:
        """Return value vectors, unembedding and tokens. See the base class."""
        return loaded_source(self.model, self.tokenizer, self.spec.neurons)

    def inputs(self, batch: Observation) -> Inputs:
        """Return the network's inputs for a batch of observations."""
        size, device = self.model.sizes.image_size, self._device
        state = joined_state(batch, LIBERO_STATE)
        prompts = prompt_ids(batch[INSTRUCTION], self.tokenizer, self.model.sizes.prompt_length)
        return Inputs(
            base=image_tensor(images(batch, IMAGE_BASE), size, device),
            wrist=image_tensor(images(batch, IMAGE_WRIST), size, device),
            state=torch.from_numpy(state_vector(state[:, :6], state[:, 6:])).to(device),
            prompt=torch.from_numpy(without_padding(prompts)).to(device),
        )
