"""A table to draw, and a browser to draw it in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from steer_gym.neurons.table import NeuronTable

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]  # toy_atlas, chromium

from chromium import folder, tab
from toy_atlas import toy_table

__all__ = ["folder", "tab"]


@pytest.fixture(scope="session")
def table() -> NeuronTable:
    return toy_table()
