"""What is written on the command line, and what is said of it in one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from steer_gym.cli.parser import Parser, UsageError, count, numbers, positive, setting, whole


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (numbers, "3", (3,)),
        (numbers, "0,3,5-7", (0, 3, 5, 6, 7)),
        (numbers, "0-0", (0,)),
        (whole, "0", 0),
        (count, "12", 12),
        (positive, "0.5", 0.5),
        (setting, "device=cuda", ("device", "cuda")),
        (setting, "speed=0.5", ("speed", 0.5)),
        (setting, "words=a=b", ("words", "a=b")),
        (setting, "cameras=[1, true]", ("cameras", [1, True])),
    ],
)
def test_a_value_is_read(read: Callable[[str], Any], text: str, value: Any) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (numbers, ""), (numbers, "a"), (numbers, "3-1"), (numbers, "-1"), (numbers, "1,,2"),
        (numbers, "1-2-3"), (whole, "-1"), (whole, "1.5"), (whole, "²"), (count, "0"),
        (positive, "0"), (positive, "nan"), (positive, "inf"), (positive, "x"),
        (setting, "alone"), (setting, "=1"), (setting, "a b=1"),
    ],
)  # fmt: skip
def test_nonsense_is_named(read: Callable[[str], Any], text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"is no|less than 1|not KEY=VALUE"):
        read(text)


def test_a_complaint_is_one_line_that_names_the_help() -> None:
    parser = Parser(prog="steer-gym thing")
    parser.add_argument("--envs", type=count)
    with pytest.raises(UsageError) as error:
        parser.parse_args(["--envs", "0"])
    assert str(error.value) == (
        "argument --envs: 0 is less than 1. `steer-gym thing --help` shows the options."
    )
