"""Open the neurons of any model that the project knows, from its files alone."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from steer_gym.errors import UnknownNameError
from steer_gym.extras import load

from .safetensors_folder import read_object
from .source import NeuronSource, SourceError

READERS: dict[str, str] = {
    "openvla": "steer_gym.policies.openvla.reading:folder_source",
    "pi0-fast": "steer_gym.policies.pi0_fast.reading:file_source",
    "pocket": "steer_gym.policies.pocket.reading:folder_source",
    "transformers": "steer_gym.neurons.decoder_files:folder_source",
}
"""Kind of checkpoint -> ``module:function``, which takes the checkpoint and options."""
NAMED = {
    "pocket": "the shipped Pocket",
    "smollm2": "SmolLM2-135M, which Pocket's words come from",
}
"""Models that need no path."""
_PI0_FAST = ("_METADATA", "params", "params.npz")
"""What openpi's folders hold; those of LeRobot say what they are in ``config.json``."""


def open_source(checkpoint: str, *, kind: str | None = None, **options: Any) -> NeuronSource:
    """Return the source of a checkpoint's files.

    Args:
        checkpoint: A folder, a file, a hub id, or one of ``NAMED``.
        kind: One of ``READERS``; by default what the files say.
        **options: Of the reader: ``adapter=``; of pi0-FAST ``profile=``, ``tokenizer=``,
            ``fast=``.

    Raises:
        SourceError: There is no such checkpoint, or the reader does not take such options.
        UnknownNameError: There is no such kind.
    """
    if kind is not None and kind not in READERS:
        raise UnknownNameError("kind of checkpoint", kind, READERS)
    arguments: tuple[Any, ...] = (checkpoint,)
    if checkpoint in NAMED and kind is None and not Path(checkpoint).exists():
        kind = "pocket" if checkpoint == "pocket" else "transformers"
        folder = load("steer_gym.smollm2:smollm2_folder")
        arguments = () if checkpoint == "pocket" else (folder(),)
    reader = load(READERS[kind or kind_of(checkpoint)])
    try:
        inspect.signature(reader).bind(*arguments, **options)
    except TypeError as error:
        raise SourceError(f"Cannot read {checkpoint}: {error}.") from error
    source: NeuronSource = reader(*arguments, **options)
    return source


def kind_of(checkpoint: str) -> str:
    """Return the kind that a checkpoint's files say it is.

    Raises:
        SourceError: It is no path of this machine, or says nothing.
    """
    path = Path(checkpoint)
    if not path.exists():
        raise SourceError(
            f"There is no {checkpoint!r} on this machine. Give a checkpoint's folder, one of "
            f"{', '.join(NAMED)}, or a hub id together with its kind ({', '.join(READERS)})."
        )
    config = _config(path)
    if "sizes" in config:
        return "pocket"
    if config.get("model_type") == "openvla":
        return "openvla"
    if "model_type" in config:
        return "transformers"
    of_openpi = any((path / name).exists() for name in _PI0_FAST)
    if of_openpi or config.get("type") == "pi0_fast" or path.suffix in (".npz", ".safetensors"):
        return "pi0-fast"
    raise SourceError(
        f"{path} does not say what it is: it has no config.json with model_type, sizes or type "
        f"pi0_fast, and no {', '.join(_PI0_FAST)}. Name its kind ({', '.join(READERS)})."
    )


def _config(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    return read_object(file) if file.is_file() else {}
