"""A table to draw, and a browser to draw it in."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from steer_gym.neurons.table import NeuronTable

sys.path.append(str(Path(__file__).parent))  # for the two modules beside this one

from chromium import Tab, browser, chromium
from toy_atlas import toy_table


@pytest.fixture(scope="session")
def table() -> NeuronTable:
    return toy_table()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="session")
def tab(folder: Path) -> Iterator[Tab]:
    pytest.importorskip("websockets", reason="the DevTools protocol is spoken over websockets")
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with browser(executable, folder) as opened:
        yield opened
