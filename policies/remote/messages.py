"""The messages of the wire: metadata, request, reply, and what steer_gym adds to openpi's.

openpi: the server greets with metadata; a request is one observation; a reply holds ``actions``
(horizon, size) and ``server_timing``; a text frame is an error. steer_gym's additions begin with
``steer_gym/``, and a reply holds them only if the request did: old clients never see them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from steer_gym.acting import ActConfig
from steer_gym.convention import ActionConvention
from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.observation import INSTRUCTION, Observation, observation_row, row_count
from steer_gym.policy import Plan, Policy, PolicySpec, SteeringReport, SteeringSize

from .codec import WireError
from .dialects import heard_dialect

HELLO, CONFIGS, RESET = "steer_gym/policy", "steer_gym/configs", "steer_gym/reset"
PLAN, DONE = "steer_gym/plan", "steer_gym/done"
ACTIONS = "actions"
VERSION = 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Request:
    """One client's question."""

    rows: tuple[Mapping[str, Any], ...]
    """Single observations."""
    configs: tuple[ActConfig, ...]
    """One per row."""
    native: bool
    """Whether the client speaks steer_gym: it then gets whole plans."""


def hello(policy: Policy) -> dict[str, Any]:
    """Return the metadata that the server greets with."""
    concepts = {name: neurons.to_json() for name, neurons in policy.concepts.items()}
    spec = {**asdict(policy.spec), "cameras": {k: list(v) for k, v in policy.spec.cameras.items()}}
    told = {"version": VERSION, "spec": spec, "remembers": policy.remembers, "concepts": concepts}
    return {HELLO: told}


def told_spec(told: Mapping[str, Any]) -> PolicySpec:
    """Return the spec that ``hello`` told."""
    spec = dict(told["spec"])
    neurons = spec.pop("neurons")
    return PolicySpec(
        **{
            **spec,
            "action": ActionConvention(**spec["action"]),
            "cameras": {key: (size[0], size[1]) for key, size in spec["cameras"].items()},
            "invalid_tokens": tuple(spec["invalid_tokens"]),
            "neurons": None if neurons is None else NeuronSpace(**neurons),
        }
    )


def told_concepts(told: Mapping[str, Any]) -> dict[str, NeuronSet]:
    """Return the concepts that ``hello`` told."""
    return {name: NeuronSet.from_json(data) for name, data in told["concepts"].items()}


def ask(batch: Observation, configs: Sequence[ActConfig]) -> dict[str, Any]:
    """Return a request for a batch, in steer_gym's words."""
    return {
        **{key: value if key == INSTRUCTION else np.asarray(value) for key, value in batch.items()},
        INSTRUCTION: list(batch[INSTRUCTION]),
        CONFIGS: [config.to_json() for config in configs],
    }


def asked(message: Mapping[Any, Any]) -> Request:
    """Return the request of a message, be it steer_gym's or one of openpi's robots'.

    Raises:
        WireError: It is none of them.
        SteerGymError: A config is not allowed.
    """
    if CONFIGS not in message and INSTRUCTION not in message:
        observation = heard_dialect(message).observation(message)
        return Request(rows=(observation,), configs=(ActConfig(),), native=False)
    given = message.get(CONFIGS)
    observation = {key: value for key, value in message.items() if key != CONFIGS}
    rows = _rows(observation)
    configs = [{}] * len(rows) if given is None else given
    if not isinstance(configs, list) or not all(isinstance(row, dict) for row in configs):
        raise WireError(f"{CONFIGS!r} must be a list of maps, one per row, not {given!r}.")
    if len(configs) != len(rows):
        raise WireError(f"{CONFIGS!r} has {len(configs)} entries for {len(rows)} rows.")
    read = tuple(ActConfig.from_json(row) for row in configs)
    return Request(rows=rows, configs=read, native=given is not None)


def _rows(observation: Mapping[Any, Any]) -> tuple[Mapping[str, Any], ...]:
    words = observation.get(INSTRUCTION)
    if isinstance(words, str):
        return (observation,)
    if not isinstance(words, list) or not words or not all(isinstance(w, str) for w in words):
        raise WireError(f"{INSTRUCTION!r} must be text, or a list of texts, but is {words!r}.")
    batch = {**observation, INSTRUCTION: tuple(words)}
    return tuple(observation_row(batch, row) for row in range(row_count(batch)))


def answer(plan: Plan, rows: slice, request: Request) -> dict[str, Any]:
    """Return the reply to one request of those that ``plan`` answers together."""
    timing = {"infer_ms": plan.latency_s * 1000}
    actions = plan.actions[rows]
    if not request.native:
        return {ACTIONS: actions[0], "server_timing": timing}
    reports = [None if report is None else asdict(report) for report in plan.steering[rows]]
    told = {
        "tokens": None if plan.tokens is None else plan.tokens[rows],
        "valid": None if plan.valid is None else plan.valid[rows],
        "steering": reports,
        "latency_s": plan.latency_s,
        "extra": {key: list(value[rows]) for key, value in _texts(plan).items()},
    }
    return {ACTIONS: actions, "server_timing": timing, PLAN: told}


def _texts(plan: Plan) -> dict[str, tuple[str | None, ...]]:
    """Return what of ``Plan.extra`` can travel: one text, or nothing, per row."""
    rows = len(plan.actions)
    return {
        key: tuple(value)
        for key, value in plan.extra.items()
        if isinstance(value, tuple | list)
        and len(value) == rows
        and all(text is None or isinstance(text, str) for text in value)
    }


def _report(told: Mapping[str, Any]) -> SteeringReport:
    size = told.get("size")
    if size is not None:
        size = SteeringSize(**{**size, "layers": tuple(map(tuple, size["layers"]))})
    return SteeringReport(**{**told, "size": size})


def answered(message: Mapping[Any, Any]) -> Plan:
    """Return the plan that ``answer`` told.

    Raises:
        WireError: The message is no such reply.
    """
    try:
        told, actions = message[PLAN], np.array(message[ACTIONS], np.float32)
        return Plan(
            actions=actions,
            tokens=None if told["tokens"] is None else np.array(told["tokens"]),
            valid=None if told["valid"] is None else np.array(told["valid"]),
            latency_s=float(told["latency_s"]),
            steering=tuple(
                None if report is None else _report(report) for report in told["steering"]
            ),
            extra={key: tuple(value) for key, value in told["extra"].items()},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise WireError(f"The server's reply is no plan ({error!r}).") from error
