"""``steer-gym export``: an evaluation's episodes in formats of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from steer_gym.lerobot.layout import LAYOUTS
from steer_gym.lerobot.replay import export_run

from .parser import setting


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("format", choices=["lerobot"], help="LeRobot's dataset format, v3.0")
    parser.add_argument(
        "folder", type=Path, metavar="RUN", help="folder of an evaluation or a benchmark"
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="a new folder")
    parser.add_argument(
        "--layout", choices=sorted(LAYOUTS), default="plain",
        help="plain: upright pictures; libero: mirrored and named as LeRobot's LIBERO has them",
    )  # fmt: skip
    parser.add_argument("--successes", action="store_true", help="leave failures out")
    parser.add_argument(
        "--condition", dest="conditions", action="append", default=[], metavar="NAME",
        help="only this condition; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--env-option", dest="env_options", action="append", default=[], type=setting,
        metavar="KEY=VALUE", help="for gym.make, such as image_size=256; may be repeated",
    )  # fmt: skip
    parser.set_defaults(run=export)


def export(options: argparse.Namespace) -> int:
    """Play the episodes again, write them, and say how many."""
    episodes = export_run(
        options.folder,
        options.out,
        layout=options.layout,
        successes_only=options.successes,
        conditions=options.conditions,
        tell=lambda row: print(row["key"], flush=True),
        **dict(options.env_options),
    )
    print(f"{episodes} episodes in {options.out}")
    return 0
