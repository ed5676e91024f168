"""The folders, setup.cfg and the imports tell the same story."""

from __future__ import annotations

import ast
import configparser
from collections.abc import Iterator
from pathlib import Path

import pytest

import steer_gym

ROOT = Path(__file__).resolve().parents[1]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
WINGS = {
    package.strip(): ROOT / folder.strip()
    for package, folder in (
        line.split("=") for line in CONFIG["options"]["package_dir"].strip().splitlines()
    )
}


def test_every_package_is_listed() -> None:
    """A folder left out of ``packages`` is missing from the wheel without a word."""
    lines = CONFIG["options"]["packages"].split("\n")
    listed = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    found = {
        ".".join([package, *init.parent.relative_to(folder).parts])
        for package, folder in WINGS.items()
        for init in folder.rglob("__init__.py")
    }
    assert listed == found


@pytest.mark.parametrize("wing", [name for name in WINGS if name != "steer_gym"])
def test_wings_know_only_the_core(wing: str) -> None:
    """A wing reaches another only through steer_gym's protocols and registry."""
    others = tuple(f"{name}." for name in WINGS if name not in ("steer_gym", wing))
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in WINGS[wing].rglob("*.py")
        for line, module in imports_of(path)
        if f"{module}.".startswith(others)
    ]
    assert not strays


def test_the_core_knows_no_wing() -> None:
    wings = tuple(f"{name}." for name in WINGS if name != "steer_gym")
    strays = [
        f"{path.relative_to(ROOT)}:{line} imports {module}"
        for path in WINGS["steer_gym"].rglob("*.py")
        for line, module in imports_of(path)
        if f"{module}.".startswith(wings)
    ]
    assert not strays


def test_every_public_name_is_there() -> None:
    assert all(hasattr(steer_gym, name) for name in steer_gym.__all__)
    assert sorted(steer_gym.__all__) == list(steer_gym.__all__)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the full name of every absolute import in ``path``."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)
