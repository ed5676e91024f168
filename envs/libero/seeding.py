"""Where the fixtures of a scene stand: from a seed alone, or as upstream's loops leave them.

LIBERO's initial states fix the movable objects, but cabinets, stoves and racks are placed by a
sampler that reads numpy's global generator at every reset. So the scene of an episode depends on
how often the environment was reset before, and on whatever else draws from that generator.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from steer_gym.extras import require

Seeding = Literal["episode", "reference-openvla", "reference-openpi"]

REFERENCE_SEEDS = {"reference-openvla": 0, "reference-openpi": 7}
"""What the published loops give to ``env.seed`` once per task, before the first reset."""


def scene_seed(seed: int, suite: str, task: int, episode: int) -> int:
    """Return the generator's seed for one episode's scene, in [0, 2**32)."""
    entropy = (seed, zlib.crc32(suite.encode()), task, episode)
    return int(np.random.SeedSequence(entropy).generate_state(1)[0])


class SceneSequence:
    """Resets a problem so that its scene is the one of a given episode."""

    def __init__(self, problem: Any, seeding: Seeding) -> None:
        """Follow ``problem``, which has been constructed and not reset yet."""
        self._problem = problem
        self._reference_seed = REFERENCE_SEEDS.get(seeding)
        # Upstream adds samplers of doors and knobs to this list again at every reset and draws
        # from all of them, so its length is part of what a replay must reproduce.
        self._samplers = problem.object_property_initializers
        self._samplers_at_first = len(self._samplers)
        self._next_episode = 0
        self._generator: Any = None

    def reset_to(self, episode: int, seed: int) -> None:
        """Reset the problem to the scene of ``episode``; the global generator stays as it was.

        Args:
            episode: From 0. A reference mode replays the resets that come before it, which takes
                no time when episodes are asked for in order.
            seed: From ``scene_seed``; unused by the reference modes.
        """
        with _global_generator_restored():
            if self._reference_seed is None:
                self._samplers.clear()
                np.random.seed(seed)
                self._reset()
            else:
                self._replay(episode, self._reference_seed)

    def _replay(self, episode: int, reference_seed: int) -> None:
        if self._generator is None or episode < self._next_episode:
            del self._samplers[self._samplers_at_first :]
            np.random.seed(reference_seed)
            self._next_episode = 0
        else:
            np.random.set_state(self._generator)
        while self._next_episode <= episode:
            self._reset()
            self._next_episode += 1
        self._generator = np.random.get_state()

    def _reset(self) -> None:
        """Reset as upstream does: again, as long as its sampler finds no room for the objects."""
        errors = require("robosuite.utils.errors", extra="libero")
        while True:
            try:
                self._problem.reset()
            except errors.RandomizationError:
                continue
            return


@contextmanager
def _global_generator_restored() -> Iterator[None]:
    before = np.random.get_state()
    try:
        yield
    finally:
        np.random.set_state(before)
