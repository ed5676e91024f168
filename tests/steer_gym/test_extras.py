"""Missing packages come with the line that installs them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from steer_gym.errors import MissingPackageError
from steer_gym.extras import load, require


def test_what_is_there_is_returned() -> None:
    assert require("json.decoder", extra="torch") is sys.modules["json.decoder"]
    assert load("json:loads")("[1]") == [1]


def test_a_missing_package_names_its_extra() -> None:
    message = (
        r"'no_such_package' is not installed; it comes with the extra 'ur5': "
        r'pip install "steer_gym\[ur5\]"'
    )
    with pytest.raises(MissingPackageError, match=message):
        require("no_such_package.part", extra="ur5")


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("jax", r'pip install "steer_gym\[jax\]"'),
        ("no_such_package", "pip install no_such_package"),
    ],
)
def test_what_a_target_lacks_is_named(
    package: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugin_in_need.py").write_text(f"import {package}.numpy\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "jax", None)  # as if it were not installed
    with pytest.raises(MissingPackageError, match=f"needs '{package}', which is not .*{line}"):
        load("plugin_in_need:Policy")


def test_a_fault_inside_an_installed_package_stays_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_inside.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_package'") as error:
        require("broken_inside", extra="torch")
    assert type(error.value) is ModuleNotFoundError
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'") as error:
        load("no_such_module:Policy")
    assert type(error.value) is ModuleNotFoundError
