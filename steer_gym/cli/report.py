"""``steer-gym report``: say what a folder of results shows, or what changed between two."""

from __future__ import annotations

import argparse
from pathlib import Path

from steer_gym.benchmark.report.comparing import write_comparison
from steer_gym.benchmark.report.writing import write_report

from .parser import UsageError

COMPARE = "compare"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.usage = "%(prog)s [--out FOLDER] FOLDER | %(prog)s [--out FOLDER] compare A B"
    parser.add_argument(
        "folders", nargs="+", metavar="FOLDER",
        help="of a benchmark, of `steer-gym eval` or of the demo; or: compare A B",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="(default: report in FOLDER, or in B)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report, and print its verdict.

    Raises:
        UsageError: There are too few folders, or too many.
    """
    first, *others = options.folders
    if first == COMPARE and len(others) == 2:
        one, other = map(Path, others)
        out = options.out or other / "report" / f"against-{one.resolve().name}"
        written = write_comparison(one, other, out)
    elif others or first == COMPARE:
        raise UsageError("report takes one folder, or `compare` and two.")
    else:
        written = write_report(first, options.out)
    print(f"{written.words}\n\nOpen {written.page}.")
    return 0
