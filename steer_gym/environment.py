"""What an environment may offer to loops besides Gymnasium's methods; each is optional.

Loops ask ``env.unwrapped`` for them, so that wrappers need not know. Evaluations use both,
``run_episode`` the first: it draws every step, since wrappers may record.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

Chunk = NDArray[np.float32]
"""(actions, action size), in the order in which they are meant to be executed."""


@runtime_checkable
class RealTime(Protocol):
    """An environment whose time passes while the policy thinks."""

    def fresh(self, chunk: Chunk) -> Chunk:
        """Return what is left of a plan that was made from the last observation.

        Called once a plan, right before its first action is executed. Actions whose time has
        passed are left out, but never the last one; those that are still due keep their order.
        """


@runtime_checkable
class Drawn(Protocol):
    """An environment that can save itself pictures that nobody looks at."""

    rendering_paused: bool
    """While true, observations repeat the last pictures."""


def due(env: gym.Env[Any, Any], chunk: Chunk, execute: int) -> Chunk:
    """Return the actions of a plan to execute before the policy looks again.

    Args:
        env: Where; in one that is ``RealTime`` late actions make room for later ones of the plan.
        chunk: The whole plan.
        execute: How many at most.
    """
    if isinstance(env.unwrapped, RealTime):
        chunk = env.unwrapped.fresh(chunk)
    return chunk[:execute]


def look(env: gym.Env[Any, Any], wanted: bool) -> None:
    """Let the next observation show new pictures, or not where the environment can save them."""
    if isinstance(env.unwrapped, Drawn):
        env.unwrapped.rendering_paused = not wanted
