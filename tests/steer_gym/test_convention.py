"""Environment and policy must mean the same by an action."""

from __future__ import annotations

from dataclasses import replace

import pytest

from steer_gym.convention import LIBERO_DELTA
from steer_gym.errors import ConventionError


def test_equal_conventions_agree() -> None:
    LIBERO_DELTA.require_same(replace(LIBERO_DELTA), self_name="env", other_name="policy")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("control", "joint_position"),
        ("size", 8),
        ("frame", "tool"),
        ("unit", "rad"),
        ("gripper_open", 1.0),
        ("gripper_closed", 0.0),
        ("rate_hz", 10.0),
    ],
)
def test_every_field_that_differs_is_named_with_both_values(field: str, value: object) -> None:
    other = replace(LIBERO_DELTA, **{field: value})
    with pytest.raises(ConventionError) as error:
        LIBERO_DELTA.require_same(other, self_name="the env", other_name="the policy")
    assert str(error.value) == (
        f"the env and the policy disagree on actions. {field}: the env has "
        f"{getattr(LIBERO_DELTA, field)!r}, the policy has {value!r}. "
        "Use an environment and a policy with the same convention."
    )
