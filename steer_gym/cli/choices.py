"""Options that ``demo`` and ``eval`` share: which policy, steered how."""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from steer_gym.errors import SteeringError, UnknownNameError
from steer_gym.evaluation.conditions import steered
from steer_gym.evaluation.grid import Condition
from steer_gym.policy import Policy
from steer_gym.registry import make_policy, policy_targets
from steer_gym.schedules.base import KINDS, Schedule
from steer_gym.steering import Steering

from .parser import UsageError, setting


def add_policy(
    parser: argparse.ArgumentParser | argparse._ArgumentGroup,
    *,
    default: str | None = None,
    required: bool = True,
    action: str | type[argparse.Action] = "store",
) -> None:
    """Add the options that choose a policy; without a default it must be named if ``required``.

    ``action`` is argparse's, of the policy's name.
    """
    parser.add_argument(
        "--policy", default=default, required=required and default is None, metavar="NAME",
        action=action, help="see `steer-gym policies`",
    )  # fmt: skip
    parser.add_argument("--checkpoint", metavar="PATH_OR_ID", help="weights of the policy")
    parser.add_argument(
        "--policy-option", dest="policy_options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="further option of the policy; may be repeated",
    )  # fmt: skip


def add_steer(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses steerings."""
    parser.add_argument(
        "--steer", action="append", default=[], metavar="STEERING",
        help="a condition that steers: CONCEPT, CONCEPT=ALPHA, several joined by +, or a JSON file "
        "of a steering; may be repeated",
    )  # fmt: skip


def add_schedule(parser: argparse._ArgumentGroup) -> None:
    """Add the option that lets the steerings change within an episode."""
    parser.add_argument(
        "--schedule", metavar="SCHEDULE",
        help="how alpha of every --steer changes within an episode, as `schedule` in a benchmark's "
        'plan: {"kind": "ramp", "points": [[0, 0], [40, 4]]}, or a JSON file of that',
    )  # fmt: skip


def policy_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments of ``make_policy``; an unknown policy is refused."""
    if options.policy not in policy_targets():
        raise UnknownNameError("policy", options.policy, policy_targets())
    given = dict(options.policy_options)
    return given if options.checkpoint is None else {**given, "checkpoint": options.checkpoint}


def chosen_policy(options: argparse.Namespace) -> Policy:
    """Return the policy.

    Raises:
        UsageError: It does not take such options.
    """
    given = policy_options(options)
    try:
        return make_policy(options.policy, **given)
    except TypeError as error:
        raise UsageError(f"Cannot make policy {options.policy!r}: {error}.") from error


def check_steer(texts: list[str]) -> None:
    """Refuse what no policy could make sense of."""
    for text in texts:
        if _is_file(text):
            load_steering(text)
        else:
            for part in text.split("+"):
                _concept_and_alpha(part)


def steer_condition(text: str, policy: Policy) -> Condition:
    """Return the condition that a ``--steer`` asks for.

    Raises:
        UsageError: It cannot be read.
        UnknownNameError: The policy has no such concept.
    """
    if _is_file(text):
        return steered(Path(text).stem, load_steering(text))
    steering = Steering()
    for part in text.split("+"):
        concept, alpha = _concept_and_alpha(part)
        own = policy.recommended(concept)
        steering += own if alpha is None else own.replace(alpha=alpha)
    return steered(text, steering)


def given_schedule(text: str) -> Schedule:
    """Return the schedule that a ``--schedule`` says.

    Raises:
        UsageError: It is no JSON, and no file of it.
        ActConfigError: It is no schedule.
        UnknownNameError: There is no such kind.
    """
    try:
        return Schedule.from_json(json.loads(Path(text).read_text() if _is_file(text) else text))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UsageError(
            f"--schedule takes JSON data with a kind, one of {', '.join(KINDS)}, or a file of it, "
            f"not {text!r}: {error}."
        ) from error


def scheduled(condition: Condition, schedule: Schedule) -> Condition:
    """Return the steered condition with a dose that changes, named after it."""
    return replace(
        condition,
        name=f"{condition.name} {schedule.to_json()['kind']}",
        configs=tuple(replace(config, schedule=schedule) for config in condition.configs),
    )


def load_steering(path: str) -> Steering:
    """Return the steering in a JSON file."""
    try:
        return Steering.load(path)
    except (OSError, UnicodeDecodeError, AttributeError) as error:
        raise UsageError(f"Cannot read the steering {path}: {error}.") from error
    except SteeringError as error:
        raise UsageError(f"{path}: {error}") from error


def _is_file(text: str) -> bool:
    return text.endswith(".json")


def _concept_and_alpha(part: str) -> tuple[str, float | None]:
    concept, equals, number = part.partition("=")
    try:
        alpha = float(number) if equals else None
    except ValueError:
        alpha = math.nan
    if not concept or (alpha is not None and not math.isfinite(alpha)):
        raise UsageError(
            f"--steer takes CONCEPT, CONCEPT=ALPHA with a finite number, or a JSON file, not "
            f"{part!r}."
        )
    return concept, alpha
