"""Import optional packages when they are asked for, and say how to install the missing ones."""

from __future__ import annotations

import importlib
from types import ModuleType

from steer_gym.errors import MissingPackageError


def require(module: str, *, extra: str) -> ModuleType:
    """Import and return ``module``.

    Args:
        module: Dotted import name, for example ``"torch"``.
        extra: The extra of steer_gym that brings it.

    Raises:
        MissingPackageError: The package is absent; the message holds the install line. An
            import that fails inside an installed package is raised as it is.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != module.partition(".")[0]:
            raise
        raise MissingPackageError(
            f"{module.partition('.')[0]!r} is not installed; it comes with the extra {extra!r}: "
            f'pip install "steer_gym[{extra}]"'
        ) from error
