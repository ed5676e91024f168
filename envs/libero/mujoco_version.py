"""How the installed MuJoCo differs from the one that published numbers were made with."""

from __future__ import annotations

import re
import warnings
from functools import cache
from importlib import metadata

REFERENCE = "3.3.2"


def is_newer_than(version: str) -> bool:
    """Tell whether the installed MuJoCo is newer; ``"3.3"`` stands for every 3.3.x."""
    return _numbers(metadata.version("mujoco"))[: version.count(".") + 1] > _numbers(version)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def with_linear_textures(xml: str) -> str:
    """Return a scene's XML whose textures newer MuJoCo draws as 3.3.2 did.

    Since 3.3.3 they are taken for sRGB, which makes libero_object's floor darker. With this, whole
    pictures differ from 3.3.2's by 0.07 grey levels on average.
    """
    if not is_newer_than(REFERENCE):
        return xml
    return re.sub(r"<texture\b(?![^>]*\bcolorspace=)", '<texture colorspace="linear"', xml)


@cache
def warn_if_newer() -> None:
    """Warn once where the installed MuJoCo gives other results than published ones."""
    if not is_newer_than(REFERENCE):
        return
    contacts = (
        " Contacts changed in 3.4.0, which cannot be undone: a bowl no longer sits on its ramekin, "
        "and success on libero_spatial's task 5 is reported to fall from 98 % to 12 %."
    )
    warnings.warn(
        f"mujoco {metadata.version('mujoco')} changes LIBERO; published numbers need {REFERENCE} "
        f'or older: pip install "mujoco=={REFERENCE}". Textures, which 3.3.3 and later draw '
        f"darker, are read as before.{contacts if is_newer_than('3.3') else ''}",
        stacklevel=2,
    )
