"""``steer-gym convert``: pi0-FAST's weights from openpi's formats to LeRobot's, and back.

Every number keeps its bits. Low-rank weights are merged into the weights that they belong to, which
LeRobot's format has no names for, and bfloat16 becomes float32, which holds the same numbers.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from .orbax_folder import save_orbax
from .parameters import load_parameters, save_npz
from .safetensors_file import HeadSizes, save_safetensors
from .sizes import CheckpointError, Sizes


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "source",
        type=Path,
        help="a checkpoint: an orbax folder, a .safetensors of LeRobot, an .npz, or what holds one",
    )
    parser.add_argument(
        "target",
        type=Path,
        help="what to write: NAME.safetensors, NAME.npz, or a new folder, which becomes an orbax "
        "checkpoint (openpi looks for one named params)",
    )
    for name, size in asdict(HeadSizes()).items():
        parser.add_argument(
            f"--{name.replace('_', '-')}",
            type=int,
            default=None,
            metavar="N",
            help="size of a head, for a .safetensors that does not note it (default: PaliGemma's "
            f"{size})",
        )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Convert, and say what was written."""
    given = {name: getattr(options, name) for name in asdict(HeadSizes())}
    named = {name: size for name, size in given.items() if size is not None}
    sizes = convert(options.source, options.target, heads=HeadSizes(**named) if named else None)
    print(
        f"{options.target}: {sizes.depth} layers of {sizes.neurons:,} neurons, width "
        f"{sizes.width:,}, {sizes.vocabulary:,} tokens."
    )
    return 0


def convert(source: str | Path, target: str | Path, *, heads: HeadSizes | None = None) -> Sizes:
    """Write the parameters of a checkpoint in the format that the target's name asks for.

    Args:
        source: See ``load_parameters``.
        target: ``*.safetensors``, ``*.npz``, or else an orbax folder that is not there yet.
        heads: Sizes of the heads, for a safetensors file that does not note them.

    Raises:
        CheckpointError: The source is incomplete or broken, or the target is there already.
    """
    target = Path(target)
    if target.exists():
        raise CheckpointError(f"{target} is there already; name a file or folder that is not.")
    parameters = load_parameters(source, heads=heads)
    if target.suffix == ".safetensors":
        save_safetensors(parameters, target)
    elif target.suffix == ".npz":
        save_npz(parameters, target)
    else:
        save_orbax(parameters, target)
    return Sizes.of(parameters)
