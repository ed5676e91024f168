"""pi0-FAST as a policy."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, ActConfigs
from steer_gym.errors import SteerGymError, SteeringError
from steer_gym.extras import load, require
from steer_gym.neuron_set import NeuronSet
from steer_gym.neurons.source import NeuronSource
from steer_gym.observation import INSTRUCTION, Observation
from steer_gym.policy import Observer, Plan, PolicySpec

from ..engines.running_spread import RunningSpread
from ..measured_spread import SpreadMeasuring
from .action_tokens import ActionReader, DecodedRow
from .concepts import PI0_FAST_CONCEPTS
from .fast_tokenizer import FastTokenizer, fast_folder
from .generation import Backend, Sampling
from .parameters import load_parameters, weights_file
from .prefix import ModelInputs
from .profiles import Profile, find_profile
from .prompt import prompt_text, prompt_tokenizer, prompts
from .reading import fast_vocabulary
from .safetensors_file import HeadSizes
from .sizes import Parameters
from .statistics import Length, Statistics, find_statistics
from .transforms import camera_images, holding, padded_to, state_vector

INVALID_TOKENS = ("zeros", "hold", "prefix")


class Pi0FastPolicy(SpreadMeasuring):
    """pi0-FAST with a profile's conventions; see ``profiles``. No published weights were tried.

    ``ActConfig.invalid_tokens``, for a row whose tokens are no chunk of actions: ``zeros`` takes
    zeros for its normalised actions, as openpi does, which is a motion; ``hold`` keeps the arm
    where it is; ``prefix`` takes what the valid tokens at its start say. ``Plan.extra["reasons"]``
    holds, per row, why it is malformed, or ``None``.
    """

    def __init__(
        self,
        checkpoint: str | Path,
        *,
        profile: str | Profile,
        backend: Literal["torch", "jax"] = "torch",
        tokenizer: str | Path | None = None,
        fast: str | Path | None = None,
        norm_stats: str | Path | None = None,
        heads: HeadSizes | None = None,
        max_tokens: int | None = None,
        released_as: str | None = None,
        device: str = "cpu",
        dtype: Literal["float32", "bfloat16"] = "float32",
    ) -> None:
        """Load a checkpoint.

        Args:
            checkpoint: A local folder or file, see ``load_parameters``.
            profile: Name in ``PROFILES``, or a profile of your own.
            backend: ``"torch"`` or ``"jax"``.
            tokenizer: PaliGemma's sentencepiece model; by default ``tokenizer.model`` in the
                checkpoint, else the hub's.
            fast: Folder or hub name of the FAST tokenizer; by default ``fast/`` in the checkpoint,
                else the profile's.
            norm_stats: File of statistics; by default the one in the checkpoint.
            heads: Sizes of the heads, for safetensors files of unusual size.
            max_tokens: Tokens at most; by default the profile's.
            released_as: The published checkpoint that the folder is, where its name does not tell;
                the concepts published for it are its concepts then.
            device: A torch device; JAX uses its own default.
            dtype: Of weights and activations.

        Raises:
            CheckpointError: Weights or statistics are missing or unexpected.
            UnknownNameError: There is no such profile.
            SteerGymError: Another option is not allowed, or the hub does not give a tokenizer.
        """
        folder = Path(checkpoint)
        self.profile = chosen = find_profile(profile)
        _check_choice("backend", backend, ("torch", "jax"))
        _check_choice("dtype", dtype, ("float32", "bfloat16"))
        weights = weights_file(folder)  # before anything is asked of the hub
        self._words = prompt_tokenizer(tokenizer, folder)
        beside = folder / "fast"
        self._fast = FastTokenizer(
            fast_folder(fast or (beside if beside.is_dir() else chosen.fast))
        )
        self._reader = ActionReader(self._fast, self._words, chosen)
        ends = (self._words.end, *([self._reader.bar] if chosen.stops_at_bar else []))
        steps = max_tokens or chosen.decoding.steps
        self._decoding = replace(chosen.decoding, end_tokens=ends, steps=steps)
        self._statistics = Statistics.load(
            find_statistics(norm_stats, folder, chosen.asset),
            chosen.normalisation,
            state=_state_length(chosen),
            actions=Length(robot=chosen.action.size, model=chosen.dimensions),
        )
        self.model = _backend(backend, load_parameters(weights, heads=heads), device, dtype)
        self._concepts = PI0_FAST_CONCEPTS.of(
            folder.name, self.model.space, released_as=released_as
        )
        self.spec = self._spec(steps)
        self._read_spread(folder)

    def _spec(self, steps: int) -> PolicySpec:
        side = self.model.sizes.image_size
        sources = [slot.source for slot in self.profile.cameras if slot.source is not None]
        return PolicySpec(
            name="pi0-fast",
            action=self.profile.action,
            cameras=dict.fromkeys(sources, (side, side)),
            horizon=self.profile.horizon,
            execute=self.profile.execute,
            tokens=steps,
            neurons=self.model.space,
            invalid_tokens=INVALID_TOKENS,
            joints=self.profile.joints,
            gripper=self.profile.gripper,
        )

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the concepts published for this checkpoint, bound to its weights."""
        return self._concepts

    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return a chunk of actions a row; see ``Policy.plan``."""
        started = time.perf_counter()
        batch, configs = self.prepare(observation, config)
        state = state_vector(batch, self.profile)
        generated = self.model.generate(
            self.inputs(batch, state),
            decoding=self._decoding,
            steerings=[row.steering for row in configs],
            sampling=_sampling(configs),
            spread=self.spread(),
            measured=[row.measure_steering for row in configs],
        )
        rows = [self._reader.read(tokens) for tokens in generated.tokens]
        return Plan(
            actions=self._actions(rows, configs, batch, state),
            tokens=generated.tokens,
            valid=np.stack([row.valid for row in rows]),
            latency_s=time.perf_counter() - started,
            steering=generated.reports,
            extra={"reasons": tuple(row.chunk.reason for row in rows)},
        )

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Show natural activations; of the torch backend only. See the base class."""
        if engine := getattr(self.model, "engine", None):
            shown: AbstractContextManager[None] = engine.observed(observer)
            return shown
        raise SteeringError("pi0-FAST in JAX does not show its activations; take backend='torch'.")

    def _watch(self, observation: Observation, spread: RunningSpread) -> None:
        """Show activations at the images and the prompt; those of generated tokens do not count."""
        batch, _ = self.prepare(observation, None)
        inputs = self.inputs(batch, state_vector(batch, self.profile))
        self.model.observe(inputs, self._decoding, spread)

    def neuron_source(self) -> NeuronSource:
        """Return value vectors, unembedding and tokens. See the base class."""
        return self.model.neuron_weights().source(
            self.profile.name,
            self.model.space,
            lambda: fast_vocabulary(self._words, self._fast, self.profile),
        )

    def inputs(self, batch: Observation, state: NDArray[np.float64]) -> ModelInputs:
        """Return the model's inputs for a batch of observations and their raw states."""
        profile, stats = self.profile, self._statistics.state
        padded = state if profile.pads_normalised else padded_to(state, profile.state_size)
        normalised = padded_to(stats.normalise(padded), profile.state_size)
        texts = [
            prompt_text(words, numbers, profile)
            for words, numbers in zip(batch[INSTRUCTION], normalised, strict=True)
        ]
        ids, kinds = prompts(texts, self._words, profile)
        seen = [slot.seen for slot in profile.cameras]
        return ModelInputs(
            images=camera_images(batch, profile, self.model.sizes.image_size),
            camera_mask=np.tile(np.array(seen), (len(state), 1)),
            prompt=ids,
            prompt_kinds=kinds,
        )

    def _actions(
        self,
        rows: Sequence[DecodedRow],
        configs: Sequence[ActConfig],
        batch: Observation,
        state: NDArray[np.float64],
    ) -> NDArray[np.float32]:
        choices = [config.invalid_tokens or INVALID_TOKENS[0] for config in configs]
        malformed = np.array([row.chunk.reason is not None for row in rows])
        normalised = np.stack([row.chunk.actions for row in rows])
        normalised[malformed & (np.array(choices) == "zeros")] = 0.0
        actions = self._statistics.actions.restore(normalised)
        relative = np.array(self.profile.delta, np.bool_)
        actions[..., : len(relative)] += np.where(relative, state[:, : len(relative)], 0)[:, None]
        actions = actions[..., : self.profile.action.size]
        held = malformed & (np.array(choices) == "hold")
        if held.any():
            actions[held] = holding(batch, self.profile)[held, None]
        return actions.astype(np.float32)


def _state_length(profile: Profile) -> Length:
    raw = {"tcp_pose": 6, "joints": profile.joints, "gripper": profile.gripper}
    robot = sum(raw[key] for key in profile.state)
    padded = robot if profile.pads_normalised else max(robot, profile.state_size or 0)
    return Length(robot=robot, model=padded)


def _check_choice(option: str, given: str, allowed: tuple[str, str]) -> None:
    if given not in allowed:
        raise SteerGymError(f"{option} must be {allowed[0]!r} or {allowed[1]!r}, not {given!r}.")


def _backend(name: str, parameters: Parameters, device: str, dtype: str) -> Backend:
    model: Backend
    if name == "torch":
        torch = require("torch", extra="torch")
        make = load("steer_gym.policies.pi0_fast.torch_model:TorchModel")
        model = make(parameters, device=device, dtype=getattr(torch, dtype))
    else:
        model = load("steer_gym.policies.pi0_fast.jax_model:JaxModel")(parameters, dtype=dtype)
    return model


def _sampling(configs: Sequence[ActConfig]) -> Sampling:
    fresh = np.random.default_rng()
    seeds = [
        int(fresh.integers(2**32)) if row.seed is None else row.seed % 2**32 for row in configs
    ]
    return Sampling(
        temperature=np.array([row.temperature for row in configs], np.float32),
        seeds=np.array(seeds, np.uint32),
    )
