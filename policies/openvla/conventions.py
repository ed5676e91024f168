"""Every convention of OpenVLA's evaluations in one place: view, prompt, statistics, gripper.

Source: the released evaluation code (openvla c8f03f4): ``experiments/robot/libero`` for LIBERO,
``prismatic/extern/hf`` for everything else. The protocol around it (10 steps of waiting, steps an
episode, seeds) is the environment's: ``seeding="reference-openvla"`` of ``steer_gym.envs.libero``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from steer_gym.convention import LIBERO_DELTA, ActionConvention
from steer_gym.errors import SteerGymError, UnknownNameError

from .images import centre_cropped, jpeg_round_trip, lanczos_resized
from .tensors import CheckpointError

Prompt = Literal["v0", "v0.1"]
PROMPTS: dict[str, str] = {
    "v0": "In: What action should the robot take to {}?\nOut:",
    "v0.1": "A chat between a curious user and an artificial intelligence assistant. The assistant "
    "gives helpful, detailed, and polite answers to the user's questions. "
    "USER: What action should the robot take to {}? ASSISTANT:",
}
"""The instruction goes in lower case; v0.1 is that of the early checkpoints on Vicuna."""
EVALUATED = 224
"""Pixels of a side, to which the LIBERO evaluation resizes and crops pictures."""
ACTION_CUE = 29871
"""Token (a lone blank) that training put before the action, and that every prompt must end in."""

SUITE_OF: dict[str, str] = {
    "openvla/openvla-7b-finetuned-libero-spatial": "libero_spatial",
    "openvla/openvla-7b-finetuned-libero-object": "libero_object",
    "openvla/openvla-7b-finetuned-libero-goal": "libero_goal",
    "openvla/openvla-7b-finetuned-libero-10": "libero_10",
    "moojink/openvla-7b-oft-finetuned-libero-spatial": "libero_spatial",
    "moojink/openvla-7b-oft-finetuned-libero-object": "libero_object",
    "moojink/openvla-7b-oft-finetuned-libero-goal": "libero_goal",
    "moojink/openvla-7b-oft-finetuned-libero-10": "libero_10",
}
"""The checkpoints that were fine-tuned on one suite of LIBERO, and their suites."""


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How pictures go in and actions come out, for one family of checkpoints."""

    mirrored: bool
    """Mirror pictures left to right. LIBERO's checkpoints saw robosuite's upside-down pictures
    rotated by 180 degrees; ours are upright, so that mirroring gives the same."""
    jpeg: bool
    """Pass pictures through JPEG and Lanczos3, as the training data went."""
    crop_area: float
    """Share of the picture's area that the centre crop keeps; 1: no crop. Training cropped at
    random to 0.9."""
    gripper_sign: bool
    """Turn the gripper's number, 0 closed to 1 open, into LIBERO's: -1 open, 1 closed."""
    action: ActionConvention
    """Meaning of the actions that come out."""
    any_size: bool = False
    """Whether an action has as many numbers as the statistics scale, be they more or fewer."""

    def view(self, picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
        """Return what the network is to see of a picture, (size, size, 3).

        As upstream, what the evaluation does is done at 224 pixels whatever the network's size is;
        the processor then resizes to that.
        """
        if self.mirrored:
            picture = picture[:, ::-1]
        picture = np.ascontiguousarray(picture)
        if self.jpeg:
            picture = lanczos_resized(jpeg_round_trip(picture), EVALUATED)
        if self.crop_area != 1:
            picture = centre_cropped(picture, self.crop_area)
        resized = Image.fromarray(picture).resize((size, size), Image.Resampling.BICUBIC)
        return np.asarray(resized)

    def outward(self, actions: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return actions, (..., size), in the convention's terms."""
        out = actions.copy()
        if self.gripper_sign:
            out[..., -1] = -np.sign(2 * out[..., -1] - 1)
        return out.astype(np.float32)


CONVENTIONS: dict[str, Convention] = {
    "libero": Convention(
        mirrored=True, jpeg=True, crop_area=0.9, gripper_sign=True, action=LIBERO_DELTA
    ),
    "plain": Convention(
        mirrored=False,
        jpeg=False,
        crop_area=1.0,
        gripper_sign=False,
        any_size=True,
        action=ActionConvention(
            control="ee_delta",
            size=7,
            frame="base",
            unit="m, rad (roll, pitch, yaw)",
            gripper_open=1.0,
            gripper_closed=0.0,
            rate_hz=5.0,
        ),
    ),
}
"""``libero``: the official LIBERO evaluation. ``plain``: what upstream's processor and
``predict_action`` do and no more, as for BridgeData's WidowX. What the numbers of an action of
another size than 7 mean no file tells: it is for the environment to say."""


def convention_named(name: str | None, key: str) -> Convention:
    """Return a convention by name; without one, LIBERO's for LIBERO's statistics, else plain."""
    chosen = name or ("libero" if key.startswith("libero") else "plain")
    if chosen not in CONVENTIONS:
        raise UnknownNameError("convention", chosen, CONVENTIONS)
    return CONVENTIONS[chosen]


def prompt_named(name: str | None, checkpoint: str, config: Mapping[str, Any]) -> str:
    """Return a prompt's template; without a name, v0.1 for checkpoints on Vicuna."""
    early = "v01" in checkpoint or "vicuna" in str(config.get("llm_backbone_id", ""))
    chosen = name or ("v0.1" if early else "v0")
    if chosen not in PROMPTS:
        raise UnknownNameError("prompt", chosen, PROMPTS)
    return PROMPTS[chosen]


def statistics_key(statistics: Mapping[str, Any], wanted: str | None, checkpoint: str) -> str:
    """Return the data set whose statistics scale the actions.

    Args:
        statistics: Of the checkpoint.
        wanted: As the user says, ``_no_noops`` left out or not; by default the suite that the
            checkpoint was made for, or the only one there is.
        checkpoint: Its name.
    """
    suite = (
        wanted
        or _suite_of(checkpoint)
        or (next(iter(statistics)) if len(statistics) == 1 else None)
    )
    if suite is None:
        raise SteerGymError(
            f"{checkpoint} was trained on {len(statistics)} data sets; say whose statistics scale "
            f"its actions, unnorm_key=... Known: {', '.join(sorted(statistics))}."
        )
    for key in (suite, f"{suite}_no_noops"):
        if key in statistics:
            return key
    raise UnknownNameError("unnorm_key", suite, statistics)


def _suite_of(checkpoint: str) -> str | None:
    """Return the suite of a hub id, or of a local folder of that name."""
    suites = {name.rpartition("/")[2]: suite for name, suite in SUITE_OF.items()}
    return suites.get(checkpoint.rpartition("/")[2])


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """From numbers in [-1, 1] to actions: 1st to 99th percentile of the training data."""

    low: NDArray[np.float64]
    """(size,), q01."""
    high: NDArray[np.float64]
    """(size,), q99."""
    scaled: NDArray[np.bool_]
    """(size,); false where the number stays as it is: the gripper's."""

    @classmethod
    def of(cls, statistics: Mapping[str, Any], key: str, kind: str = "action") -> Scaling:
        """Return the scaling of actions, or of the state (``kind="proprio"``), by ``key``.

        Raises:
            CheckpointError: They are malformed.
        """
        try:
            numbers = statistics[key][kind]
            low, high = np.array(numbers["q01"], float), np.array(numbers["q99"], float)
            scaled = np.array(numbers.get("mask", np.ones(len(low))), bool)
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(
                f"The statistics of {key} lack q01 and q99 of {kind} ({error!r})."
            ) from error
        if not low.shape == high.shape == scaled.shape == (len(low),):
            raise CheckpointError(
                f"The statistics of {key} have {low.shape}, {high.shape} and {scaled.shape} "
                "numbers for q01, q99 and mask; they must agree."
            )
        return cls(low=low, high=high, scaled=scaled)

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return actions from values in [-1, 1], (..., size)."""
        return np.where(self.scaled, 0.5 * (values + 1) * (self.high - self.low) + self.low, values)

    def inward(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return values in [-1, 1], those beyond clipped, from measured numbers, (..., size)."""
        values = 2 * (numbers - self.low) / (self.high - self.low + 1e-8) - 1
        return np.clip(np.where(self.scaled, values, numbers), -1, 1)
