"""Slots that the policy acts for in one batch."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from typing import Any

from steer_gym.acting import ActConfig
from steer_gym.observation import batch_observations
from steer_gym.policy import Policy

from .slot import Slot


class Group:
    """A policy's slots, each a fixed row of the batch: a cell meets the same arithmetic always.

    All act at once, though the policy then waits for the environments: two groups in turn would not
    wait, but batches of half the size cost more than that, where a row is cheaper among others.
    """

    def __init__(self, slots: Sequence[Slot], policy: Policy) -> None:
        """Group ``slots`` and begin the first cell of each."""
        self._slots = slots
        self._policy = policy
        for slot in slots:
            slot.start_next()

    def turn(self) -> bool:
        """Take what the environments answered, act once, and tell whether there is more to do."""
        while waiting := [slot for slot in self._slots if slot.waiting]:
            for slot in waiting:
                slot.receive()
        rows = [row for row, slot in enumerate(self._slots) if slot.cell is not None]
        if not rows:
            return False
        fresh = [row for row in rows if self._slots[row].fresh]
        if fresh:
            self._policy.reset(fresh)
        self._act(rows)
        return True

    def _act(self, rows: Sequence[int]) -> None:
        observations, configs = self._observations(), [slot.config for slot in self._slots]
        try:
            plan = self._policy.plan(batch_observations(observations), configs)
        except Exception:
            self._act_apart(rows, observations, configs)
            return
        for row in rows:
            self._slots[row].play(plan, row)

    def _act_apart(
        self,
        rows: Sequence[int],
        observations: Sequence[dict[str, Any]],
        configs: Sequence[ActConfig],
    ) -> None:
        """End the episodes that the policy raises for, and only those.

        Each row is tried alone, repeated to the size of the batch. A policy that remembers cannot
        be asked again, so there every episode ends.
        """
        for row in rows:
            batch = batch_observations([observations[row]] * len(self._slots))
            try:
                if self._policy.remembers:
                    raise
                plan = self._policy.plan(batch, [configs[row]] * len(self._slots))
            except Exception:
                self._slots[row].end(None, traceback.format_exc())
            else:
                self._slots[row].play(plan, row)

    def _observations(self) -> list[dict[str, Any]]:
        """Return one observation a row; a slot without any yet repeats another's."""
        known = [slot.observation for slot in self._slots if slot.observation is not None]
        return [slot.observation or known[0] for slot in self._slots]
