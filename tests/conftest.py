"""For all tests: Ctrl-C works in the processes that they start, and real time has no rival."""

from __future__ import annotations

import signal
from typing import Any

import pytest

REAL_TIME = (
    "tests/hardware/network/",
    "tests/hardware/controller/test_clients.py",
    "tests/hardware/controller/test_ur_sim.py",
    "tests/envs/ur5/test_ages.py",
    "tests/envs/ur5/test_real_time.py",
)
"""Tests of robots that do not wait: two at once would hold one another up on two cores."""

LONG = (
    "tests/test_examples.py",
    "tests/envs/libero/",
    "tests/policies/pocket/",
    "tests/hardware/test_soak.py",
    *REAL_TIME,
)
"""What takes minutes comes first, so that no process is left alone with it at the end."""

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the long ones."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give each file to one worker, and those of real time to the same one."""
    from xdist.scheduler import LoadFileScheduling

    class OneInRealTime(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return "real time" if file.startswith(REAL_TIME) else file

    return OneInRealTime(config, log)
