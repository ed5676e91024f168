"""Policies by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym import make_policy, register_policy
from steer_gym.errors import SteerGymError, UnknownNameError
from steer_gym.registry import POLICIES, policy_targets


@pytest.fixture(autouse=True)
def _own_table(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(POLICIES):
        monkeypatch.setitem(POLICIES, name, POLICIES[name])
    monkeypatch.setitem(POLICIES, "placeholder", "nowhere:Nothing")


def test_a_registered_policy_is_made_with_its_options(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_policies.py").write_text("from types import SimpleNamespace as Mine\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(POLICIES, "mine", raising=False)
    monkeypatch.setitem(POLICIES, "mine", "my_policies:Mine")
    register_policy("mine", "my_policies:Mine")
    assert make_policy("mine", checkpoint="a/b").checkpoint == "a/b"


def test_an_unknown_name_gets_a_close_match_and_the_known_ones() -> None:
    with pytest.raises(UnknownNameError) as error:
        make_policy("pockte")
    message = str(error.value)
    assert message.startswith("Unknown policy 'pockte'. Did you mean 'pocket'? Known: ")
    assert all(name in message for name in policy_targets())


def test_a_name_is_taken_once() -> None:
    with pytest.raises(SteerGymError, match="The name 'placeholder' is taken by nowhere:Nothing"):
        register_policy("placeholder", "elsewhere:Nothing")


@pytest.mark.parametrize("target", ["module.Class", ":Class", "module:", ""])
def test_a_target_names_module_and_class(target: str) -> None:
    with pytest.raises(SteerGymError, match="A policy's target is 'module:Class', but is "):
        register_policy("mine", target)


def test_options_that_a_policy_does_not_take_or_lacks_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "strict.py").write_text("def make(checkpoint, *, device='cpu'): return checkpoint")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(POLICIES, "strict", "strict:make")
    assert make_policy("strict", checkpoint="a/b") == "a/b"
    with pytest.raises(UnknownNameError, match=r"'strict' 'devise'\. Did you mean 'device'"):
        make_policy("strict", checkpoint="a/b", devise="cpu")
    with pytest.raises(SteerGymError, match="'strict' needs the option 'checkpoint'"):
        make_policy("strict")
