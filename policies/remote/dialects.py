"""How openpi's robots call what they observe, and what steer_gym calls the same.

openpi's LIBERO client sends pictures turned by 180 degrees from robosuite's upside-down ones, that
is mirrored; steer_gym's are as the camera sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steer_gym.convention import DROID_VELOCITY, LIBERO_DELTA, UR5_JOINTS, ActionConvention
from steer_gym.errors import UnknownNameError
from steer_gym.observation import GRIPPER, IMAGE_BASE, IMAGE_WRIST, INSTRUCTION, JOINTS, TCP_POSE

from .codec import WireError

PROMPT = "prompt"


@dataclass(frozen=True, kw_only=True)
class Part:
    """A key of the wire, and the observation's values that it carries one after the other."""

    key: str
    values: tuple[tuple[str, int], ...]
    """(key of the observation, length)."""


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """The keys of one of openpi's robots."""

    name: str
    images: Mapping[str, str]
    """Key of the wire -> key of the observation."""
    parts: tuple[Part, ...]
    action: ActionConvention
    horizon: int
    """Actions in a chunk of the published checkpoint."""
    execute: int
    """How many of them openpi's client executes."""
    joints: int
    gripper: int
    mirrored: bool = False
    """Whether the wire's pictures are mirrored."""

    def observation(self, message: Mapping[Any, Any]) -> dict[str, Any]:
        """Return the observation that a message carries; what the robot does not tell is zero.

        Raises:
            WireError: A key is missing or of another length.
        """
        vectors = {TCP_POSE: np.zeros(6), JOINTS: np.zeros(self.joints)}
        for part in self.parts:
            values, at = np.asarray(self._get(message, part.key), np.float64), 0
            if values.shape != (sum(length for _, length in part.values),):
                raise WireError(f"{part.key!r} has shape {values.shape}; {part} is wanted.")
            for key, length in part.values:
                vectors[key] = values[at : at + length]
                at += length
        pictures = {
            ours: np.asarray(self._get(message, theirs)) for theirs, ours in self.images.items()
        }
        flipped = {
            k: p[:, ::-1] if self.mirrored and p.ndim == 3 else p for k, p in pictures.items()
        }
        return {**flipped, **vectors, INSTRUCTION: str(self._get(message, PROMPT))}

    def message(self, observation: Mapping[str, Any]) -> dict[str, Any]:
        """Return the message that carries one observation."""
        step = -1 if self.mirrored else 1
        images = {
            theirs: np.ascontiguousarray(observation[ours][:, ::step])
            for theirs, ours in self.images.items()
        }
        vectors = {
            part.key: np.concatenate([observation[key] for key, _ in part.values])
            for part in self.parts
        }
        return {**images, **vectors, PROMPT: observation[INSTRUCTION]}

    def _get(self, message: Mapping[Any, Any], key: str) -> Any:
        if key not in message:
            raise WireError(
                f"A message of openpi's {self.name} needs {key!r}; it holds "
                f"{sorted(map(str, message))}."
            )
        return message[key]


LIBERO = Dialect(
    name="libero",
    images={"observation/image": IMAGE_BASE, "observation/wrist_image": IMAGE_WRIST},
    parts=(Part(key="observation/state", values=((TCP_POSE, 6), (GRIPPER, 2))),),
    action=LIBERO_DELTA,
    horizon=10,
    execute=5,
    joints=7,
    gripper=2,
    mirrored=True,
)
DROID = Dialect(
    name="droid",
    images={
        "observation/exterior_image_1_left": IMAGE_BASE,
        "observation/wrist_image_left": IMAGE_WRIST,
    },
    parts=(
        Part(key="observation/joint_position", values=((JOINTS, 7),)),
        Part(key="observation/gripper_position", values=((GRIPPER, 1),)),
    ),
    action=DROID_VELOCITY,
    horizon=10,
    execute=8,
    joints=7,
    gripper=1,
)
UR5 = Dialect(
    name="ur5",
    images={"base_rgb": IMAGE_BASE, "wrist_rgb": IMAGE_WRIST},
    parts=(
        Part(key="joints", values=((JOINTS, 6),)),
        Part(key="gripper", values=((GRIPPER, 1),)),
    ),
    action=UR5_JOINTS,
    horizon=20,
    execute=10,
    joints=6,
    gripper=1,
)
DIALECTS = {dialect.name: dialect for dialect in (LIBERO, DROID, UR5)}


def find_dialect(name: str) -> Dialect:
    """Return a dialect by name.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if name not in DIALECTS:
        raise UnknownNameError("dialect of openpi", name, DIALECTS)
    return DIALECTS[name]


def heard_dialect(message: Mapping[Any, Any]) -> Dialect:
    """Return the dialect of a message, by its pictures.

    Raises:
        WireError: It is none of them.
    """
    for dialect in DIALECTS.values():
        if any(key in message for key in dialect.images):
            return dialect
    known = {name: list(dialect.images) for name, dialect in DIALECTS.items()}
    raise WireError(
        f"The message holds {sorted(map(str, message))}, but neither steer_gym's observation nor a "
        f"picture of openpi's robots: {known}."
    )
