"""The contract of a policy: look at an observation, select an action under a config."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from steer_gym.acting import ActConfig, ActConfigs, config_rows
from steer_gym.convention import ActionConvention
from steer_gym.errors import ActConfigError, SteeringError, UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.observation import (
    GRIPPER,
    INSTRUCTION,
    JOINTS,
    TCP_POSE,
    Observation,
    as_batch,
    is_batched,
    row_count,
)
from steer_gym.privileged import SHAPES as PRIVILEGED_SHAPES
from steer_gym.steering import Steering

if TYPE_CHECKING:
    from steer_gym.neurons.source import NeuronSource


Observer = Callable[[int, Any, Any], None]
"""Takes a layer, its activations (rows, positions, width), and which positions hold tokens, (rows,
positions); arrays of the policy's own library."""


@dataclass(frozen=True, kw_only=True)
class PolicySpec:
    """What a policy takes and gives."""

    name: str
    """Name in the registry."""
    action: ActionConvention
    """Meaning of its actions."""
    cameras: Mapping[str, tuple[int, int]]
    """Image keys it looks at, each with the (height, width) it works at."""
    horizon: int = 1
    """Actions in one plan."""
    execute: int = 1
    """How many of them are executed by default before the policy looks again."""
    tokens: int = 0
    """Tokens in one plan; 0: the policy writes no tokens."""
    neurons: NeuronSpace | None = None
    """Its neurons; ``None``: it cannot be steered."""
    invalid_tokens: tuple[str, ...] = ()
    """Ways to treat tokens that are no actions; the first is the default."""
    joints: int = 7
    """Joints of the robot it was made for."""
    gripper: int = 2
    """Length of the gripper's value in the observation."""
    privileged: bool = False
    """Whether it needs the keys of ``steer_gym.privileged``, which only a simulation gives."""

    def example_observation(self, seed: int = 0) -> dict[str, Any]:
        """Return a random observation that the policy accepts, for checks and warm-up."""
        rng = np.random.default_rng(seed)
        shapes = PRIVILEGED_SHAPES if self.privileged else {}
        return {
            **{key: rng.uniform(0.01, 0.3, shape) for key, shape in shapes.items()},
            **{
                camera: rng.integers(0, 256, (*size, 3), dtype=np.uint8)
                for camera, size in self.cameras.items()
            },
            TCP_POSE: rng.uniform(-0.5, 0.5, 6),
            JOINTS: rng.uniform(-1, 1, self.joints),
            GRIPPER: rng.uniform(0, 0.04, self.gripper),
            INSTRUCTION: "pick up the bowl and place it on the plate",
        }


@dataclass(frozen=True, kw_only=True)
class SteeringSize:
    """How large what steering adds to the residual stream is, beside the stream, in one plan.

    At layer l and position t, ``|W_S (f'_S - f_S)| / |x + W f|``: f and f' are the activations that
    the down projection W would have taken and took, S the edited neurons, x the stream that the
    feed-forward output is added to; so the numerator is the change of that output, whatever the
    operation, and the denominator is the stream that the layer would have handed on, both in
    Euclidean norm. x is the steered run's: what other layers' edits did is in it. At 1, what is
    added is as large as the stream.
    """

    mean: float
    """Over all edited positions of all edited layers, prefill and decode together; 0 where edits
    change nothing."""
    greatest: float
    """Over the same."""
    layers: tuple[tuple[int, float, float], ...] = ()
    """Layer, its mean and its greatest, for every layer with an edit, lowest first."""


@dataclass(frozen=True, kw_only=True)
class SteeringReport:
    """What steering did to one row of one plan."""

    neurons: int
    """Neurons whose activation was changed somewhere."""
    positions: int
    """Positions at which at least one activation was changed, prefill and decode together."""
    size: SteeringSize | None = None
    """``None``: not asked for (``ActConfig.measure_steering``), not measured by this policy, or not
    finite."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a policy saw fit to do, rows first; for those who want to see inside an action."""

    actions: NDArray[np.float32]
    """(rows, horizon, action size), in the policy's convention."""
    tokens: NDArray[np.int64] | None = None
    """(rows, tokens) as generated, before any repair."""
    valid: NDArray[np.bool_] | None = None
    """(rows, tokens), false where a token is no action."""
    latency_s: float = 0.0
    """Wall time of the whole batch."""
    steering: tuple[SteeringReport | None, ...] = ()
    """One per row; ``None`` where nothing was steered."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What a policy adds for the curious."""


class Policy(ABC):
    """A policy; subclasses set ``spec`` and write ``plan``."""

    spec: PolicySpec

    light: ClassVar[bool] = False
    """Whether a copy costs so little memory that each of several processes may hold one."""

    @abstractmethod
    def plan(self, observation: Observation, config: ActConfigs = None) -> Plan:
        """Return actions for one observation or a batch; a single one gives a plan of one row.

        Args:
            observation: See ``steer_gym.observation``; more cameras than needed are ignored.
            config: One config, or one per row.

        Raises:
            ObservationError: A key is missing, or a value has the wrong shape or dtype.
            SteeringError: The steering does not fit the model.
        """

    def act(self, observation: Observation, config: ActConfigs = None) -> NDArray[np.float32]:
        """Return the next action: (action size,), or (rows, action size) for a batch."""
        actions = self.plan(observation, config).actions[:, 0]
        return actions if is_batched(observation) else actions[0]

    def reset(self, rows: Iterable[int] | None = None) -> None:
        """Forget the episode of these rows, or of all; the default policy remembers nothing."""
        del rows

    @property
    def remembers(self) -> bool:
        """Tell whether actions depend on the episode so far; then row i must stay one episode."""
        return type(self).reset is not Policy.reset

    def close(self) -> None:  # noqa: B027, a policy without resources has nothing to close
        """Free what the policy holds."""

    @property
    def concepts(self) -> Mapping[str, NeuronSet]:
        """Return the named sets of neurons that come with the policy."""
        return {}

    def concept(self, name: str) -> NeuronSet:
        """Return one of ``concepts``.

        Raises:
            UnknownNameError: Lists the known names.
        """
        if name not in self.concepts:
            raise UnknownNameError(f"concept of {self.spec.name}", name, self.concepts)
        return self.concepts[name]

    def recommended(self, concept: str) -> Steering:
        """Return the steering that shows a concept best; policies that know better override it.

        Raises:
            UnknownNameError: Lists the known names.
        """
        return Steering(self.concept(concept), alpha=10.0)

    def spread(self) -> NDArray[np.float32] | None:
        """Return each neuron's natural standard deviation, (layers, width), where it is known."""
        return None

    def observed(self, observer: Observer) -> AbstractContextManager[None]:
        """Show ``observer`` the natural activations of every forward pass in the block.

        Raises:
            SteeringError: The policy does not show them.
        """
        del observer
        raise SteeringError(f"{self.spec.name} does not show the activations of its neurons.")

    def neuron_source(self) -> NeuronSource:
        """Return the policy's value vectors, unembedding and tokens, for ``steer_gym.neurons``.

        Raises:
            SteeringError: The policy does not show them.
        """
        raise SteeringError(f"{self.spec.name} does not show its weights to read neurons from.")

    def prepare(
        self, observation: Observation, config: ActConfigs
    ) -> tuple[Observation, tuple[ActConfig, ...]]:
        """Return observation and configs with rows first, checked against ``spec``.

        Raises:
            ObservationError: The keys hold different numbers of rows.
            ActConfigError: A config, or their number, is not allowed.
            SteeringError: A steering does not fit the model.
        """
        batch = as_batch(observation)
        configs = config_rows(config, row_count(batch))
        for row in set(configs):
            self._check_config(row)
        return batch, configs

    def _check_config(self, config: ActConfig) -> None:
        allowed = self.spec.invalid_tokens
        if config.invalid_tokens is not None and config.invalid_tokens not in allowed:
            raise ActConfigError(
                f"{self.spec.name} treats invalid tokens by {', '.join(allowed) or 'nothing'}, "
                f"not by {config.invalid_tokens!r}."
            )
        if config.schedule is not None:
            raise ActConfigError(
                f"{self.spec.name} acts under a config for one look, but this one has a schedule. "
                "In a loop of your own: policy = steer_gym.Scheduled(policy). run_episode and "
                "evaluations follow schedules by themselves."
            )
        if config.steering:
            if self.spec.neurons is None:
                raise SteeringError(f"{self.spec.name} has no neurons to steer.")
            config.steering.check(self.spec.neurons)
