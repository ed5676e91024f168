"""``steer-gym doctor``: what is installed, what works, and the command that mends each gap."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from itertools import chain

from steer_gym.doctor import Finding, Level, files, machine, packages


def configure(parser: argparse.ArgumentParser) -> None:
    """Add nothing; the doctor looks at everything."""
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print every finding; return 0 if ``steer-gym demo`` can run, else 1."""
    del options
    return show(chain(packages(), files(), machine()))


def show(findings: Iterable[Finding]) -> int:
    """Print findings as they come, then what mends the gaps, and return the exit code."""
    mends = []
    for finding in findings:
        print(finding.text(), flush=True)
        mends += [finding.mend] if finding.level is Level.GAP else []
    if not mends:
        print("\n`steer-gym demo` can run.")
        return 0
    print("\n`steer-gym demo` cannot run yet. This mends it:")
    print("\n".join(f"  {mend}" for mend in dict.fromkeys(mends)))
    return 1
