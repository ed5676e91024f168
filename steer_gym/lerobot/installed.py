"""Import LeRobot, which stands in no extra: its pins and ours exclude each other."""

from __future__ import annotations

import importlib
from typing import Any

from steer_gym.errors import MissingPackageError


def lerobot(module: str) -> Any:
    """Return a module of LeRobot, such as ``"policies.pretrained"``.

    Raises:
        MissingPackageError: It is not installed, or does not work beside what is.
    """
    try:
        return importlib.import_module(f"lerobot.{module}")
    except (ImportError, TypeError) as error:  # TypeError: LeRobot 0.4 beside transformers 5
        raise MissingPackageError(
            f"LeRobot cannot be used here ({error}). For Python 3.11 it wants torch < 2.11 "
            'and transformers < 5: give it an environment of its own, with "steer_gym[remote]" '
            "beside it. A policy that needs newer ones runs elsewhere, by `steer-gym serve`, and "
            'takes part there as make_policy("remote").'
        ) from error
