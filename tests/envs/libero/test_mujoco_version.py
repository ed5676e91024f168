"""The installed MuJoCo is told from package metadata; these tests lay out other versions of it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from steer_gym.envs.libero.mujoco_version import (
    is_newer_than,
    warn_if_newer,
    with_linear_textures,
)

XML = '<mujoco><texture name="a"/><texture name="b" colorspace="sRGB"/><textured/></mujoco>'


def install(version: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put metadata of another MuJoCo before the installed one's, for this test."""
    info = folder / f"mujoco-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: mujoco\nVersion: {version}\n")
    monkeypatch.syspath_prepend(folder)
    warn_if_newer.cache_clear()


@pytest.mark.parametrize(
    ("installed", "newer", "newer_series"),
    [
        ("2.3.7", False, False),
        ("3.3.2", False, False),
        ("3.3.3", True, False),
        ("3.3.10", True, False),
        ("3.4.0", True, True),
        ("3.17.0", True, True),
    ],
)
def test_versions_are_compared_as_numbers(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    installed: str,
    newer: bool,
    newer_series: bool,
) -> None:
    install(installed, tmp_path, monkeypatch)
    assert (is_newer_than("3.3.2"), is_newer_than("3.3")) == (newer, newer_series)


def test_the_reference_version_is_used_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("3.3.2", tmp_path, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_newer()
    assert with_linear_textures(XML) == XML


def test_a_newer_version_reads_textures_as_before_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("3.3.7", tmp_path, monkeypatch)
    with pytest.warns(UserWarning, match=r"mujoco 3\.3\.7 .* 3\.3\.3 and later") as told:
        warn_if_newer()
    assert "Contacts" not in str(told[0].message)
    assert with_linear_textures(XML) == (
        '<mujoco><texture colorspace="linear" name="a"/>'
        '<texture name="b" colorspace="sRGB"/><textured/></mujoco>'
    )


def test_a_version_with_other_contacts_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("3.4.0", tmp_path, monkeypatch)
    with pytest.warns(UserWarning, match="Contacts changed in 3.4.0, which cannot be undone"):
        warn_if_newer()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_if_newer()
