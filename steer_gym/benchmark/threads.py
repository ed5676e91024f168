"""How many threads a policy computes with."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from steer_gym.policy import Policy


@contextmanager
def suitable_threads(policy: Policy) -> Iterator[None]:
    """Let a light policy compute on one thread, whatever the machine has.

    So its numbers are the same in one process, in several, and on a cluster: sums over several
    threads round differently. And threads that wait for one another on processors which others use
    cost many times what they save.
    """
    torch = sys.modules.get("torch")
    if not (policy.light and torch):
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
