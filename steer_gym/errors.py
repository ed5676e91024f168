"""Errors a user can meet; every message says what was given, what was allowed and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class SteerGymError(Exception):
    """Root of every error that steer_gym raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what another process remakes it from: its message, not what made the message."""
        return _remade, (type(self), self.args), self.__dict__


class UnknownNameError(SteerGymError, LookupError):
    """A name that no registry, suite or concept table holds."""

    def __init__(self, kind: str, given: object, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(str(given), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:40]) + (f", ... ({len(names)} in all)" if len(names) > 40 else "")
        super().__init__(f"Unknown {kind} {given!r}.{hint} Known: {shown or 'none'}.")


class MissingPackageError(SteerGymError, ImportError):
    """An optional package is not installed."""


class ObservationError(SteerGymError, ValueError):
    """An observation lacks a key, or a value has the wrong shape or dtype."""


class ActConfigError(SteerGymError, ValueError):
    """An action-selection config holds a value that is not allowed."""


class SteeringError(SteerGymError, ValueError):
    """A steering is malformed, or does not fit the model that it is given to."""


class ConventionError(SteerGymError, ValueError):
    """A policy and an environment disagree on what the numbers of an action mean."""


class PolicyCheckError(SteerGymError, AssertionError):
    """A policy breaks a law of the ``Policy`` contract."""


class ResultsError(SteerGymError, OSError):
    """Results cannot be written or read."""


class EnvironmentOptionError(SteerGymError, ValueError):
    """An option that an environment is made or reset with is not allowed."""


class ActionError(SteerGymError, ValueError):
    """An action has the wrong shape, or numbers that are not finite."""


class EvaluationError(SteerGymError, ValueError):
    """What is to be evaluated is empty, contradictory, or does not fit the policy."""


class TaskError(SteerGymError, ValueError):
    """A task that a policy cannot do, by what it is made for."""


def _remade(kind: type[SteerGymError], args: tuple[Any, ...]) -> SteerGymError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error
