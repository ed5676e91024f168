"""The table of faults names every fault, and only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
TABLE = HERE.parents[1] / "docs" / "ur5_faults.md"
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROW = re.compile(r"^\| (\d+) \|.*`([\w/]+\.py)::(\w+)` \|$", re.MULTILINE)


def test_every_fault_has_a_row_whose_test_exists_and_carries_its_number() -> None:
    rows = ROW.findall(TABLE.read_text())
    assert [int(number) for number, _, _ in rows] == list(range(1, 29))
    for number, file, test in rows:
        assert f"def {test}(" in (HERE / file).read_text(), test
        assert number in test.split("_"), test


def test_every_test_that_the_page_names_exists() -> None:
    named = NAMED.findall(TABLE.read_text())
    assert len(named) > 28
    for file, test in named:
        assert f"def {test}(" in (HERE / file).read_text(), test
