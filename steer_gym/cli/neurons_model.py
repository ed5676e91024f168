"""Options that the commands on neurons share: which model, which table; and their progress."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from steer_gym.evaluation.progress import LINE_EVERY_S, duration
from steer_gym.neurons.source import NeuronSource
from steer_gym.neurons.sources import NAMED, READERS, open_source

from .choices import chosen_policy
from .parser import UsageError, setting


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options that choose a model, by its files or as a loaded policy."""
    parser.add_argument(
        "model", nargs="?", metavar="MODEL",
        help=f"a checkpoint's folder, {' or '.join(NAMED)}; read from its files alone",
    )  # fmt: skip
    parser.add_argument("--kind", choices=READERS, help="of checkpoint (default: what it says)")
    parser.add_argument(
        "--option", dest="options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="adapter=FOLDER; of pi0-FAST profile=, tokenizer=, fast=",
    )  # fmt: skip
    loaded = parser.add_argument_group("instead of MODEL, a policy that is loaded first")
    loaded.add_argument("--policy", metavar="NAME", help="see `steer-gym policies`")
    loaded.add_argument("--checkpoint", metavar="PATH_OR_ID", help="weights of the policy")
    loaded.add_argument(
        "--policy-option", dest="policy_options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="further option of the policy; may be repeated",
    )  # fmt: skip


def chosen_source(options: argparse.Namespace) -> NeuronSource:
    """Return the neurons of the chosen model.

    Raises:
        UsageError: Not exactly one of a model and a policy is named.
    """
    if (options.model is None) == (options.policy is None):
        raise UsageError("Name one MODEL, or a policy by --policy.")
    if options.policy is not None:
        return chosen_policy(options).neuron_source()
    return open_source(options.model, kind=options.kind, **dict(options.options))


def add_table(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a table."""
    parser.add_argument("table", type=Path, metavar="TABLE", help="of `steer-gym neurons project`")


class Counting:
    """Says on standard error how many of ``total`` things are done, and how long the rest takes."""

    def __init__(self, things: str, total: int, *, quiet: bool = False) -> None:
        """Begin."""
        self._things, self._total, self._quiet = things, total, quiet
        self._live = sys.stderr.isatty()
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Counting:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the line."""
        if self._live and not self._quiet:
            print(file=sys.stderr)

    def after(self, before: int) -> Callable[[int], None]:
        """Return a counter of the things that come after ``before`` others."""
        return lambda done: self(before + done)

    def __call__(self, done: int, *_: Any) -> None:
        """Show how many are done, if it is time."""
        now = time.monotonic()
        if self._quiet or now - self._shown < (0.2 if self._live else LINE_EVERY_S):
            return
        self._shown, spent = now, now - self._started
        left = (self._total - done) * spent / max(done, 1)
        start, end = ("\r\x1b[K", "") if self._live else ("", "\n")
        line = (
            f"{done:,} of {self._total:,} {self._things} | {duration(spent)}, {duration(left)} left"
        )
        print(f"{start}{line}", end=end, file=sys.stderr, flush=True)
