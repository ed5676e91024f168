"""Whether a controller took tool and payload: what it shows against what was asked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from steer_gym.robot import RobotError

from .arm_settings import ArmSettings
from .poses import Array, pose_error

_TOOL = 1e-5
"""[m] and [rad]; the controller shows what it was given, in doubles."""
_PAYLOAD = 1e-3
"""[kg] and [m]: a gram, a millimetre."""
_ADVICE = (
    "Its installation or a URCap may overrule it: let the pendant and ArmSettings say the same, "
    "and what is true of the tool"
)


def require_tool(settings: ArmSettings, shown: ArrayLike) -> None:
    """Refuse a tool centre point ``shown`` (6,) that is not the one that was set."""
    shown = np.asarray(shown, dtype=np.float64)
    _require_answer(shown, 6)
    if np.abs(pose_error(shown, np.array(settings.tcp))).max() > _TOOL:
        raise RobotError(
            f"The controller did not take the tool: tcp {list(settings.tcp)} was asked, and it "
            f"shows {shown.round(6).tolist()}. {_ADVICE}."
        )


def payload_taken(settings: ArmSettings, shown_kg: float, shown_cog: Sequence[float]) -> bool:
    """Tell whether mass [kg] and centre of gravity (3,) [m] are those that were set."""
    asked = np.array([settings.payload_kg, *settings.payload_cog])
    shown = np.array([shown_kg, *shown_cog])
    return shown.shape == asked.shape and bool(np.abs(shown - asked).max() <= _PAYLOAD)


def require_payload(settings: ArmSettings, shown_kg: float, shown_cog: Sequence[float]) -> None:
    """Refuse a payload that is not the one that was set."""
    _require_answer(np.asarray(shown_cog), 3)
    if not payload_taken(settings, shown_kg, shown_cog):
        raise RobotError(
            f"The controller did not take the payload: {settings.payload_kg:g} kg at "
            f"{list(settings.payload_cog)} m was asked, and it shows {shown_kg:g} kg at "
            f"{np.round(shown_cog, 4).tolist()} m. {_ADVICE}."
        )


def _require_answer(shown: Array, count: int) -> None:
    """Refuse the empty answer that ur_rtde gives where there is none."""
    if shown.shape != (count,):
        raise RobotError(
            f"The control program stopped while arming: {shown.tolist()} was shown where "
            f"{count} numbers were asked for."
        )
