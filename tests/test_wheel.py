"""The wheel, built from a copy of the tree and installed in a folder of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
WINGS = {
    "steer_gym": "steer_gym",
    **{w: f"steer_gym/{w}" for w in ("policies", "envs", "hardware")},
}
"""Folder -> where its files are in the wheel."""
UNSHIPPED = ("__pycache__", ".*")


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it; setuptools leaves a folder ``build`` behind, so not in the tree itself."""
    pytest.importorskip("setuptools", minversion="77", reason="the build needs it")
    tree = tmp_path_factory.mktemp("tree")
    for folder in WINGS:
        shutil.copytree(ROOT / folder, tree / folder, ignore=shutil.ignore_patterns(*UNSHIPPED))
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    out = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", out, tree)
    (built,) = out.glob("*.whl")
    return built


def test_it_holds_every_file_of_the_wings_and_nothing_at_the_top(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = {
        f"{place}/{file.relative_to(ROOT / folder).as_posix()}"
        for folder, place in WINGS.items()
        for file in (ROOT / folder).rglob("*")
        if file.is_file()
        and not any(part.startswith((".", "__pycache__")) for part in file.parts[len(ROOT.parts) :])
    }
    assert "steer_gym/py.typed" in expected
    assert expected - names == set()
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"steer_gym"}


PROGRAM = """
import importlib.util, pathlib, sys
import gymnasium, steer_gym, steer_gym.envs, steer_gym.hardware
import steer_gym.policies.scripted.policy
target = pathlib.Path(sys.argv[1])
loaded = [module for name, module in sys.modules.items() if name.split(".")[0] == "steer_gym"]
assert len(loaded) > 20
for module in loaded:
    assert target in pathlib.Path(module.__file__).parents, module.__file__
assert not [name for name in ("policies", "envs", "hardware") if importlib.util.find_spec(name)]
steer_gym.check_policy(steer_gym.make_policy("scripted"))
print(gymnasium.spec("steer_gym/LiberoObject-v0").id)
"""


def test_it_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip("install", "--quiet", "--no-deps", "--target", site, wheel)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, site],
        cwd=elsewhere,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "steer_gym/LiberoObject-v0\n"), done.stderr
    assert (site / "bin" / "steer-gym").is_file()
