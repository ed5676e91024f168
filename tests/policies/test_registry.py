"""Every policy of the table that can be made without a checkpoint of the user's."""

from __future__ import annotations

import inspect

import pytest

from steer_gym import check_policy, make_policy
from steer_gym.errors import MissingPackageError
from steer_gym.extras import load
from steer_gym.registry import POLICIES

SERVED = {"remote"}
"""They ask a server; their own tests start one and check them."""


@pytest.mark.parametrize("name", sorted(set(POLICIES) - SERVED))
def test_keeps_the_contract(name: str) -> None:
    try:
        policy_class = load(POLICIES[name])
    except MissingPackageError as missing:
        pytest.skip(str(missing))
    parameters = inspect.signature(policy_class).parameters.values()
    needed = [each.name for each in parameters if each.default is each.empty]
    if needed:
        pytest.skip(f"{name} is not made without {', '.join(needed)}; its own tests check it")
    policy = make_policy(name)
    assert policy.spec.name == name
    check_policy(policy)
    policy.close()
