"""The comparisons that the paper makes, and the one that runs anywhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .stage import FindingsError


@dataclass(frozen=True, kw_only=True)
class Model:
    """Where a model of a comparison is, and how it is read."""

    name: str
    checkpoint: str | None
    """What ``open_source`` takes, or a table's file; none: its folder must be given."""
    kind: str | None = None
    """See ``steer_gym.neurons.sources.READERS``; by default what the files say."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the reader."""
    published: str = ""
    """Where a model without ``checkpoint`` is to be had."""


PRESETS: dict[str, tuple[Model, ...]] = {
    "pocket": (
        Model(name="SmolLM2", checkpoint="smollm2"),
        Model(name="Pocket", checkpoint="pocket"),
    ),
    "openvla": (
        Model(
            name="Llama-2", checkpoint=None, kind="transformers",
            published="the hub's meta-llama/Llama-2-7b-hf",
        ),
        Model(name="OpenVLA", checkpoint="openvla/openvla-7b", kind="openvla"),
        Model(
            name="fine-tuned on LIBERO-Long", kind="openvla",
            checkpoint="openvla/openvla-7b-finetuned-libero-10",
        ),
    ),
    "pi0-fast": (
        Model(
            name="PaliGemma", checkpoint=None, kind="transformers",
            published="the hub's google/paligemma-3b-pt-224",
        ),
        Model(
            name="pi0-FAST", checkpoint=None, kind="pi0-fast",
            # Of a profile only the ids of the action tokens are read, which are the same in all.
            options={"profile": "pi0_fast_libero"},
            published="gs://openpi-assets/checkpoints/pi0_fast_base",
        ),
        Model(
            name="fine-tuned on LIBERO", checkpoint=None, kind="pi0-fast",
            options={"profile": "pi0_fast_libero"},
            published="gs://openpi-assets/checkpoints/pi0_fast_libero",
        ),
    ),
}  # fmt: skip
"""Name -> base model, VLA, fine-tuned VLA."""


def chosen_models(given: Sequence[str], preset: str | None, names: Sequence[str]) -> list[Model]:
    """Return the models to compare.

    Args:
        given: Tables or checkpoints; with a preset, in place of its own, or none.
        preset: One of ``PRESETS``.
        names: In place of the preset's, or of the files'.

    Raises:
        FindingsError: They are too few, or one has no checkpoint.
    """
    models = list(PRESETS[preset]) if preset else [_of_path(path) for path in given]
    if given and len(given) != len(models):
        raise FindingsError(f"Preset {preset!r} has {len(models)} models; {len(given)} were given.")
    if names and len(names) != len(models):
        raise FindingsError(f"{len(names)} names were given for {len(models)} models.")
    models = [
        replace(m, checkpoint=path) for m, path in zip(models, given or _own(models), strict=True)
    ]
    if names:
        models = [replace(model, name=name) for model, name in zip(models, names, strict=True)]
    lacking = [f"{m.name} ({m.published})" for m in models if m.checkpoint is None]
    if lacking:
        raise FindingsError(
            f"Download {', '.join(lacking)} and give the paths of all {len(models)} models, in the "
            "order base model, VLA, fine-tuned VLA; a table's file does as well."
        )
    return models


def _own(models: list[Model]) -> list[str | None]:
    return [model.checkpoint for model in models]


def _of_path(path: str) -> Model:
    return Model(name=Path(path).stem, checkpoint=path)
