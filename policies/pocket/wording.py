"""The words of styles: how an instruction asks for one, how a narration tells of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Speed = Literal["slow", "normal", "fast"]
Height = Literal["low", "normal", "high"]

ASK_SPEED: dict[Speed, tuple[str, ...]] = {
    "fast": (
        "quickly",
        "fast",
        "rapidly",
        "swiftly",
        "in a hurry",
        "as fast as you can",
        "at high speed",
        "at full speed",
        "be quick",
        "hurry up",
        "move fast",
        "without delay",
        "speed up",
        "faster",
        "with a rapid motion",
    ),
    "slow": (
        "slowly",
        "gently",
        "carefully",
        "take your time",
        "at low speed",
        "be slow",
        "without haste",
        "move slowly",
        "with a slow motion",
        "at a slow pace",
        "slow down",
        "no rush",
        "with great care",
        "slower",
        "be careful",
    ),
    "normal": (),
}
"""Ways to ask for a speed; a normal speed is never asked for."""

ASK_HEIGHT: dict[Height, tuple[str, ...]] = {
    "high": (
        "lift it high",
        "carry it high",
        "high above the floor",
        "raise it high",
        "keep it up high",
        "up in the air",
        "at a great height",
        "move it up high",
        "higher",
    ),
    "low": (
        "keep it low",
        "carry it low",
        "low above the floor",
        "close to the ground",
        "stay low",
        "near the floor",
        "at a low height",
        "barely lift it",
        "lower",
    ),
    "normal": (),
}
"""Ways to ask for a transport height."""

TELL_SPEED: dict[Speed, tuple[str, ...]] = {
    "fast": ("fast", "quickly", "rapidly", "at high speed"),
    "slow": ("slowly", "gently", "carefully", "at low speed"),
    "normal": ("steadily", "at a normal pace"),
}
TELL_HEIGHT: dict[Height, tuple[str, ...]] = {
    "high": ("high", "high up", "far above the floor"),
    "low": ("low", "low down", "close to the floor"),
    "normal": ("at a normal height",),
}
"""Words of a narration, which follows the action tokens in training and is never generated."""


@dataclass(frozen=True, kw_only=True)
class Style:
    """How an episode is carried out."""

    speed: Speed
    height: Height


def instruction(task: str, style: Style, rng: np.random.Generator, *, silence: float = 0.5) -> str:
    """Return the task's language, with the style asked for in one of many ways, or silent.

    Args:
        task: The task's own language.
        style: What the episode shows; a normal part of it is never put into words.
        rng: Draws the wording.
        silence: Probability, for each part of the style, that it is not mentioned.
    """
    asked = [
        str(rng.choice(wordings))
        for wordings in (ASK_SPEED[style.speed], ASK_HEIGHT[style.height])
        if wordings and rng.random() >= silence
    ]
    rng.shuffle(asked)
    if not asked:
        return task
    if len(asked) == 1 and rng.random() < 0.3:
        return f"{asked[0]}, {task}"
    return ", ".join([task, *asked]) if rng.random() < 0.7 else f"{task} {' and '.join(asked)}"


def narration(style: Style, rng: np.random.Generator) -> str:
    """Return a few words that tell how the arm is moving."""
    speed = rng.choice(TELL_SPEED[style.speed])
    height = rng.choice(TELL_HEIGHT[style.height])
    return f"moving {speed} and {height}"


def all_wordings() -> list[str]:
    """Return every wording, for the vocabulary."""
    tables = (ASK_SPEED, ASK_HEIGHT, TELL_SPEED, TELL_HEIGHT)
    return [text for table in tables for wordings in table.values() for text in wordings]
