"""The toy world's benchmark."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from steer_gym.benchmark import Benchmark
from steer_gym.registry import POLICIES

sys.path.append(str(Path(__file__).parent))  # so that other processes find toy_work too

import toy_work


@pytest.fixture
def benchmark() -> Iterator[Benchmark]:
    """Return a small benchmark whose policy the registry knows meanwhile."""
    toy_work.register()
    yield toy_work.BENCHMARK
    del POLICIES["reach"]
