"""What each published checkpoint was trained on: one frozen profile each, never a default.

From openpi's and LeRobot's sources and issues; no published weights were ever loaded, so a
profile is as good as those sources. What differs from yours: ``dataclasses.replace`` it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from steer_gym.convention import DROID_VELOCITY, LIBERO_DELTA, UR5_JOINTS, ActionConvention
from steer_gym.errors import UnknownNameError
from steer_gym.observation import GRIPPER, IMAGE_BASE, IMAGE_WRIST, JOINTS, TCP_POSE

from .generation import Decoding

Normalisation = Literal["quantile", "zscore"]


@dataclass(frozen=True, kw_only=True)
class CameraSlot:
    """One image that the model expects."""

    name: str
    """openpi's or LeRobot's name."""
    source: str | None = None
    """Key of the observation; ``None``: a black image."""
    seen: bool = True
    """False: the model must not attend to it. openpi shows pi0-FAST its black images."""
    mirrored: bool = False
    """Whether left and right are exchanged, as in LIBERO's data, which turn robosuite's upside-down
    picture by 180 degrees."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How one checkpoint was trained and is to be run."""

    name: str
    action: ActionConvention
    """Meaning of the actions that come out."""
    horizon: int
    """Actions in a chunk."""
    dimensions: int
    """Numbers of an action that the tokens hold; those beyond ``action.size`` are padding."""
    execute: int
    """How many actions of a chunk upstream executes before it looks again."""
    cameras: tuple[CameraSlot, ...]
    """In the order of the model."""
    state: tuple[str, ...]
    """Keys of the observation, joined to the state vector."""
    joints: int
    """Joints of the robot."""
    gripper: int
    """Length of the gripper's value in the observation."""
    normalisation: Normalisation
    """``quantile``: 1 % and 99 % to -1 and 1. ``zscore``: mean and standard deviation."""
    delta: tuple[bool, ...] = ()
    """Which numbers of an action are relative to the state at the chunk's start, which is then
    added; empty: none."""
    state_size: int | None = None
    """Length to which the state is padded with zeros; ``None``: it is not."""
    pads_normalised: bool = False
    """Whether the state is padded after it is normalised (LeRobot), not before."""
    lower_case: bool = True
    """Whether the instruction is lower-cased."""
    second_bos: bool = False
    """Whether a second begin of sequence follows the prompt (LeRobot)."""
    prompt_length: int = 250
    """Tokens of the prompt at most, and the length it is padded to."""
    stops_at_bar: bool = False
    """Whether ``|`` ends generation, as in LeRobot; in openpi the end of sequence does."""
    decoding: Decoding = field(default_factory=Decoding)
    """How tokens are generated."""
    fast: str = "physical-intelligence/fast"
    """The FAST tokenizer: a hub repository."""
    skipped: int = 128
    """Tokens at the end of the vocabulary that stand for no FAST token (PaliGemma's segments)."""
    asset: str = ""
    """Folder below ``assets/`` with the statistics."""


_OPENPI = Decoding(stop="rows")
_LEROBOT = Decoding(position_offset=0, window="seen", stop="rows")
_ARM_DELTA = (True,) * 6 + (False,)

PI0_FAST_LIBERO = Profile(
    name="pi0_fast_libero",
    action=LIBERO_DELTA,
    horizon=10,
    dimensions=7,
    execute=5,
    cameras=(
        CameraSlot(name="base_0_rgb", source=IMAGE_BASE, mirrored=True),
        CameraSlot(name="left_wrist_0_rgb", source=IMAGE_WRIST, mirrored=True),
        CameraSlot(name="right_wrist_0_rgb"),
    ),
    state=(TCP_POSE, GRIPPER),
    joints=7,
    gripper=2,
    # The released checkpoint was trained so; openpi's main forces quantiles (issues 849, 833, 618).
    normalisation="zscore",
    delta=_ARM_DELTA,
    prompt_length=180,
    decoding=_OPENPI,
    asset="physical-intelligence/libero",
)
"""``gs://openpi-assets/checkpoints/pi0_fast_libero``."""

_NO_DELTA = replace(PI0_FAST_LIBERO, name="pi0_fast_libero_zscore_no_delta", delta=())

PI0_FAST_DROID = Profile(
    name="pi0_fast_droid",
    action=DROID_VELOCITY,
    horizon=10,
    dimensions=8,
    execute=8,
    cameras=(
        CameraSlot(name="base_0_rgb", source=IMAGE_BASE),
        CameraSlot(name="base_1_rgb"),
        CameraSlot(name="wrist_0_rgb", source=IMAGE_WRIST),
    ),
    state=(JOINTS, GRIPPER),
    joints=7,
    gripper=1,
    normalisation="quantile",
    decoding=_OPENPI,
    asset="droid",
)
"""``gs://openpi-assets/checkpoints/pi0_fast_droid``."""

PI0_FAST_UR5 = Profile(
    name="pi0_fast_ur5",
    action=UR5_JOINTS,
    horizon=20,
    dimensions=32,
    execute=10,
    cameras=(
        CameraSlot(name="base_0_rgb", source=IMAGE_BASE),
        CameraSlot(name="left_wrist_0_rgb", source=IMAGE_WRIST),
        CameraSlot(name="right_wrist_0_rgb"),
    ),
    state=(JOINTS, GRIPPER),
    joints=6,
    gripper=1,
    normalisation="quantile",
    delta=_ARM_DELTA,
    state_size=32,
    decoding=_OPENPI,
    asset="ur5e",
)
"""The paper's UR5 policy, ``pi0_fast_ur5_low_mem_finetune``; its weights are not published."""

PI0_FAST_BASE = replace(PI0_FAST_UR5, name="pi0_fast_base", horizon=32)
"""``gs://openpi-assets/checkpoints/pi0_fast_base`` on a UR5e, one of the robots that it was trained
on and whose statistics it holds; published for fine-tuning. For another robot of its ``assets/``
replace what differs. The state is padded as when it was published; openpi's main no longer pads."""

LEROBOT_LIBERO = Profile(
    name="lerobot/pi0fast-libero",
    action=LIBERO_DELTA,
    horizon=10,
    dimensions=7,
    execute=10,
    cameras=(
        CameraSlot(name="image", source=IMAGE_BASE, mirrored=True),
        CameraSlot(name="image2", source=IMAGE_WRIST, mirrored=True),
        CameraSlot(name="empty_camera_0", seen=False),
    ),
    state=(TCP_POSE, GRIPPER),
    joints=7,
    gripper=2,
    normalisation="zscore",
    state_size=32,
    pads_normalised=True,
    lower_case=False,
    second_bos=True,
    prompt_length=201,
    stops_at_bar=True,
    decoding=_LEROBOT,
    fast="lerobot/fast-action-tokenizer",
)
"""LeRobot's fine-tuned checkpoint. Its horizon follows its ``n_action_steps``, which was not seen:
compare it with the ``config.json`` of the checkpoint."""

LEROBOT_BASE = replace(
    LEROBOT_LIBERO,
    name="lerobot/pi0fast-base",
    action=UR5_JOINTS,
    horizon=50,
    execute=50,
    cameras=(
        CameraSlot(name="base_0_rgb", source=IMAGE_BASE),
        CameraSlot(name="left_wrist_0_rgb", source=IMAGE_WRIST),
        CameraSlot(name="right_wrist_0_rgb", seen=False),
    ),
    state=(JOINTS, GRIPPER),
    joints=6,
    gripper=1,
)
"""LeRobot's copy of the base model with the defaults of LeRobot 0.4.4, on a UR5. It is for
fine-tuning and holds no statistics: give ``norm_stats=`` of your data. Later versions of LeRobot
normalise by quantiles; what counts is what you fine-tuned with."""

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        PI0_FAST_LIBERO,
        _NO_DELTA,
        replace(_NO_DELTA, name="pi0_fast_libero_quantile_no_delta", normalisation="quantile"),
        PI0_FAST_DROID,
        PI0_FAST_UR5,
        PI0_FAST_BASE,
        LEROBOT_LIBERO,
        LEROBOT_BASE,
    )
}
"""By name. The two without delta are those of openpi's pull request 1048 (yale-iqr-lab)."""


def find_profile(profile: str | Profile) -> Profile:
    """Return a profile by name, or the given one.

    Raises:
        UnknownNameError: Lists the known names.
    """
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise UnknownNameError("pi0-FAST profile", profile, PROFILES)
    return PROFILES[profile]
