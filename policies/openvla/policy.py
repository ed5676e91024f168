"""OpenVLA as a policy."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.errors import ConventionError, SteerGymError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.source import NeuronSource
from steer_gym.observation import IMAGE_BASE, INSTRUCTION, Observation, images
from steer_gym.policy import Observer, Plan, PolicySpec

from ..action_bins import ActionBins
from ..beliefs import BelievingChoice
from ..engines.anatomy import down_projections, feed_forward_norms, neuron_space
from ..engines.torch_engine import SteeredCall, TorchEngine
from ..measured_spread import SpreadMeasuring
from .adapters import load_adapter
from .checkpoint import Checkpoint, open_checkpoint
from .concepts import OPENVLA_CONCEPTS
from .conventions import Scaling, convention_named, prompt_named, statistics_key
from .inputs import PixelInputs, prompt_ids
from .loading import load_model
from .model import OpenVlaModel, Prompts
from .reading import loaded_source
from .self_test import check_sees_images
from .tensors import CheckpointError

RENDERED = (256, 256)
"""Size of the pictures that the LIBERO checkpoints were trained on, before they are resized."""
DTYPES = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float32")}
"""Of weights, by name."""


class OpenVlaPolicy(SpreadMeasuring):
    """OpenVLA (Kim et al., CoRL 2024) from its published checkpoints, without remote code.

    The same function as the released code, to 1e-4 in the logits and to the token in greedy
    decoding, which tests show on small random weights in the published format. **No published
    weights have ever been loaded with it**, for want of a network and a GPU.

    ``ActConfig.invalid_tokens``: ``clip`` decodes a token that is no action as upstream does, to
    +0.996, which is full speed; ``mask`` lets only the action tokens compete. ``Plan.valid`` tells
    which were actions. ``Plan.extra["predicted"]`` holds upstream's ``predict_action``: (rows,
    size) before the convention turns the gripper; ``expected_actions``, (rows, size), what the
    network's probabilities come to in the convention of the actions, and ``action_probability``.

    Where the network says end-of-sequence, upstream stops early and takes the last words of its
    prompt for actions. Here decoding goes on, and the token counts as no action.

    OpenVLA-OFT checkpoints are refused; they are another policy, ``openvla-oft``.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        device: str | None = None,
        dtype: torch.dtype | str | None = None,
        quantization: str | None = None,
        adapter: str | Path | None = None,
        unnorm_key: str | None = None,
        convention: str | None = None,
        prompt: str | None = None,
        released_as: str | None = None,
        compiled: bool = False,
    ) -> None:
        """Load a checkpoint, and see that it looks at its images.

        Args:
            checkpoint: A folder in the published format, or a hub id.
            device: A torch device; by default CUDA where there is one.
            dtype: Of the weights; by default bfloat16 on CUDA, float32 elsewhere.
            quantization: ``int8`` or ``nf4``: the language model in 8 or 4 bits.
            adapter: A LoRA folder of peft, merged into the weights. The weights are then others:
                they have no published concepts, and ``spread.npy`` is the adapter's.
            unnorm_key: Data set whose statistics scale the actions; see ``statistics_key``.
            convention: One of ``CONVENTIONS``; by default what the statistics' name says.
            prompt: One of ``PROMPTS``; by default what the checkpoint's name says.
            released_as: The published checkpoint that a local folder, or a folder with an
                adapter, is, for its concepts.
            compiled: Compile the decode step with ``torch.compile``: slow at first, and once
                more for each new number of rows, and when a prompt is longer, or a row's edits
                are for more groups of positions, than any before; not for other neurons or
                another alpha.

        Raises:
            CheckpointError: The checkpoint is incomplete, broken, or of another kind.
            SteerGymError: An option is not allowed.
        """
        self._device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        dtype = _weights_dtype(dtype or ("bfloat16" if self._device.type == "cuda" else "float32"))
        self.checkpoint = self._open(checkpoint, adapter)
        name, statistics = self.checkpoint.name, self.checkpoint.statistics
        self._key = statistics_key(statistics, unnorm_key, name)
        self._scaling = Scaling.of(statistics, self._key)
        self._convention = convention_named(convention, self._key)
        self._template = prompt_named(prompt, name, self.checkpoint.config)
        self.model = self._load(dtype, quantization, adapter)
        self._check_words()
        self.pixels = PixelInputs.of(self.checkpoint.folder, self.model.sizes, self._convention)
        self._bins = ActionBins(self.checkpoint.vocabulary, self.checkpoint.bins)
        self.spec = self._spec()
        # An adapter makes other weights, in which the checkpoint's neurons and spread mean nothing.
        self._read_spread(Path(adapter) if adapter else self.checkpoint.folder)
        self._concepts = OPENVLA_CONCEPTS.of(
            "" if adapter else name, self.neurons, released_as=released_as
        )
        llama = self.model.llama
        self._engine = TorchEngine(
            down_projections(llama), self.neurons, norms=feed_forward_norms(llama), dtype=dtype
        )
        if compiled:
            self.model.step = torch.compile(self.model.step, mode="reduce-overhead")
        check_sees_images(self._response, self.pixels.size, self.model.dtype)

    def _open(self, checkpoint: str | Path, adapter: str | Path | None) -> Checkpoint:
        return open_checkpoint(checkpoint, adapter)

    def _load(
        self, dtype: torch.dtype, quantization: str | None, adapter: str | Path | None
    ) -> OpenVlaModel:
        return load_model(
            self.checkpoint.folder,
            self.checkpoint.config,
            device=self._device,
            dtype=dtype,
            quantization=quantization,
            adapter=load_adapter(adapter) if adapter else None,
        )

    def _check_words(self) -> None:
        rows = len(self.model.llama.model.embed_tokens.weight)
        largest = max(prompt_ids(self._template, "move", self.checkpoint.tokenizer))
        if largest >= rows or self.checkpoint.vocabulary < self.checkpoint.bins:
            raise CheckpointError(
                f"Prompts have tokens up to {largest}, and {self.checkpoint.bins} of "
                f"{self.checkpoint.vocabulary} tokens are actions, but the network knows {rows} "
                "tokens; tokenizer.json, config.json and the tensors belong to different models."
            )

    def _response(self, views: NDArray[np.uint8]) -> Tensor:
        """Return what the network makes of views, (rows, size, size, 3), for the self-test."""
        seen: list[Tensor] = []

        def choose(logits: Tensor) -> Tensor:
            seen.append(logits)
            return logits.argmax(-1)

        pixels = self.pixels.normalised(views).to(self._device, self.model.dtype)
        prompts = self.prompts(["move"] * len(views))
        self.model.generate(pixels, prompts, choose, tokens=1, competing=slice(0, None))
        return seen[0]

    def _spec(self) -> PolicySpec:
        action, size = self._convention.action, len(self._scaling.low)
        if self._convention.any_size:
            action = replace(action, size=size)
        if action.size != size:
            raise ConventionError(
                f"The statistics scale actions of {size} numbers, but the convention has "
                f"{action.size}: {action}. Choose other statistics by unnorm_key=..., or "
                "convention='plain'."
            )
        return PolicySpec(
            name="openvla",
            action=action,
            cameras={IMAGE_BASE: RENDERED},
            tokens=size,
            neurons=neuron_space(self.model.llama),
            invalid_tokens=("clip", "mask"),
        )

    @property
    def neurons(self) -> NeuronSpace:
        """Return the neurons, with the fingerprint of the weights."""
        assert self.spec.neurons is not None
        return self.spec.neurons

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the concepts published for this checkpoint, bound to its weights."""
        return self._concepts

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return one action a row: (rows, 1, size). See ``Policy.plan``."""
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        pixels = self.pixels(images(batch, IMAGE_BASE))
        plan = self.predict(pixels, self.prompts(batch[INSTRUCTION]), configs)
        return replace(plan, latency_s=time.perf_counter() - started)

    def predict(self, pixels: Tensor, prompts: Prompts, configs: Sequence[ActConfig]) -> Plan:
        """Return the plan for inputs that are ready, one config per row.

        Args:
            pixels: As ``OpenVlaModel.embed_images`` takes them.
            prompts: From ``prompts``, or of token ids by ``Prompts.of``.
            configs: As ``prepare`` returns them.
        """
        choose = BelievingChoice(configs, self._bins)
        with torch.inference_mode(), self._steered(configs, prompts) as steered:
            tokens = self.model.generate(
                pixels.to(self._device, self.model.dtype),
                prompts,
                choose,
                tokens=self.spec.tokens,
                competing=choose.competing,
            )
        ids = tokens.cpu().numpy()
        values, valid = self._bins.decode(ids)
        predicted = self._scaling(values)
        expected = self._convention.outward(self._scaling(choose.expected.astype(np.float64)))
        return Plan(
            actions=self._convention.outward(predicted)[:, None],
            tokens=ids,
            valid=valid,
            steering=steered.reports(self.spec.tokens - 1),
            extra={"predicted": predicted, **choose.told(expected)},
        )

    def _steered(
        self, configs: Sequence[ActConfig], prompts: Prompts
    ) -> AbstractContextManager[SteeredCall]:
        return self._engine.steered(
            [row.steering for row in configs],
            prompts.kinds,
            spread=self.spread(),
            measured=[row.measure_steering for row in configs],
        )

    def prompts(self, instructions: Sequence[str]) -> Prompts:
        """Return the prompts for instructions, one a row."""
        tokenizer = self.checkpoint.tokenizer
        ids = [prompt_ids(self._template, text, tokenizer) for text in instructions]
        return Prompts.of(ids, self.model.patches)

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Show natural activations. See the base class."""
        return self._engine.observed(observer)

    def neuron_source(self) -> NeuronSource:
        """Return value vectors, unembedding and tokens. See the base class."""
        return loaded_source(self.model, self.neurons, self.checkpoint)

    def close(self) -> None:
        """Take the steering engine off the model."""
        self._engine.remove()


def _weights_dtype(given: torch.dtype | str) -> torch.dtype:
    dtype = DTYPES.get(given) if isinstance(given, str) else given
    if dtype not in DTYPES.values():
        raise SteerGymError(
            f"dtype must be one of {', '.join(DTYPES)}, but is {given!r}. For fewer bits give "
            "quantization='int8' or 'nf4'."
        )
    assert dtype is not None
    return dtype
