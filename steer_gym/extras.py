"""Import optional things when they are asked for, and say how to install what is missing."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from steer_gym.errors import MissingPackageError

EXTRAS = {
    "PIL": "torch",
    "bddl": "libero",
    "bitsandbytes": "quantization",
    "huggingface_hub": "torch",
    "jax": "jax",
    "libero": "libero",
    "matplotlib": "bench",
    "msgpack": "remote",
    "mujoco": "libero",
    "pyarrow": "bench",
    "ray": "bench",
    "robosuite": "libero",
    "safetensors": "torch",
    "scipy": "bench",
    "sklearn": "bench",
    "simplejpeg": "torch",
    "sentencepiece": "jax",
    "tensorstore": "jax",
    "tokenizers": "torch",
    "torch": "torch",
    "transformers": "torch",
    "websockets": "remote",
    "yaml": "bench",
}
"""Import name of an optional package -> the extra of steer_gym that brings it."""


def load(target: str) -> Any:
    """Import and return what ``"module:attribute"`` names.

    Raises:
        MissingPackageError: The module needs an optional package that is absent; the message
            holds the install line.
    """
    module, _, attribute = target.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", module.partition(".")[0]):
            raise
        extra = EXTRAS.get(package)
        line = f'"steer_gym[{extra}]"' if extra else package
        raise MissingPackageError(
            f"{target} needs {package!r}, which is not installed: pip install {line}"
        ) from error


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
