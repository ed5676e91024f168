"""From a treatment to a condition of one policy: names become neurons, gaps are filled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from steer_gym.acting import ActConfig
from steer_gym.errors import SteerGymError
from steer_gym.evaluation.conditions import Draw, facts, random_like
from steer_gym.evaluation.grid import Condition
from steer_gym.neuron_set import NeuronSet, load_dictionary, matched_random
from steer_gym.policy import Policy
from steer_gym.steering import Steering

from .plan import PolicyChoice
from .treatment import Treatment

ALPHA = 10.0
"""Of a cluster whose condition says no strength: the paper's on the UR5."""


def resolved(
    treatment: Treatment, policy: Policy, choice: PolicyChoice, *, measured: bool = False
) -> Condition:
    """Return the condition that ``treatment`` is for a policy.

    Args:
        treatment: What is done.
        policy: To whom.
        choice: How it was chosen.
        measured: Whether to measure how large a steering is.

    Raises:
        UnknownNameError: The policy has no such concept.
        SteeringError: It cannot be steered so.
        ActConfigError: The schedule or the treatment of invalid tokens says something else.
    """
    try:
        return _resolved(treatment, policy, choice, measured)
    except SteerGymError as error:
        error.args = (f"Condition {treatment.name!r}: {error}",)
        raise


def _resolved(
    treatment: Treatment, policy: Policy, choice: PolicyChoice, measured: bool
) -> Condition:
    steering = _steering(treatment, policy, choice)
    condition = Condition(
        name=treatment.name,
        configs=(_config(treatment, steering, measured),),
        prompt=treatment.prompt,
    )
    if treatment.kind == "random":
        draw = _draw(treatment, choice)
        condition = random_like(condition, policy, draws=treatment.draws, draw=draw)
    said = {} if steering is None else facts(treatment.kind, steering)
    return replace(
        condition,
        name=treatment.name,
        facts={
            "kind": treatment.kind,
            "concept": treatment.concept or said.get("concept"),
            "size": treatment.size,
            "depth": treatment.depth,
            "alpha": said.get("alpha"),
            "control_of": treatment.control_of,
        },
    )


def _config(treatment: Treatment, steering: Steering | None, measured: bool) -> ActConfig:
    given = {
        "steering": None if steering is None else steering.to_json(),
        # A schedule would give the zero dose its strength back.
        "schedule": None if treatment.kind == "zero" else treatment.schedule,
        "invalid_tokens": treatment.invalid_tokens,
        "measure_steering": measured and steering is not None,
    }
    return ActConfig.from_json({key: value for key, value in given.items() if value is not None})


def _steering(treatment: Treatment, policy: Policy, choice: PolicyChoice) -> Steering | None:
    start = treatment.steering
    if treatment.concept is not None:
        neurons = _cluster(treatment, treatment.concept, policy, choice)
        recommended = None if neurons else policy.recommended(treatment.concept)
        start = recommended or Steering(neurons, alpha=ALPHA)  # type: ignore[arg-type]
    if start is None:
        return None
    said = {
        "alpha": treatment.alpha,
        "operation": treatment.operation,
        "unit": treatment.unit,
        "positions": treatment.positions,
    }
    if treatment.kind == "zero":
        said |= {"alpha": 0.0, "operation": "add", "unit": "raw"}
    return start.replace(**{key: value for key, value in said.items() if value is not None})


def _cluster(
    treatment: Treatment, concept: str, policy: Policy, choice: PolicyChoice
) -> NeuronSet | None:
    """Return the named neurons, or ``None`` where the policy's own set is meant."""
    depth, size = treatment.depth or "full", treatment.size
    own = size is None and treatment.depth is None
    named = _dictionary(choice.dictionary)
    parts = (concept,) if own else (concept, size, depth)
    names = ["_".join(str(part) for part in parts if part is not None)]
    names += [f"{concept}_{size}"] if size is not None and depth == "full" else []
    for name in names:
        if name in named:
            return named[name]
    if own:
        return None
    from .reading import cluster  # needs torch

    return cluster(choice, concept, size or len(policy.concept(concept)), depth)


def _draw(treatment: Treatment, choice: PolicyChoice) -> Draw:
    if treatment.match == "layers":
        return matched_random
    from .reading import NormMatch  # needs torch

    return NormMatch(choice)


@lru_cache(maxsize=4)
def _dictionary(path: str | None) -> Mapping[str, NeuronSet]:
    return {} if path is None else load_dictionary(path)
