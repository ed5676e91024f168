"""What projecting value vectors costs beside the bare matrix product, and what memory it takes.

    python benchmarks/projection.py [--rounds 5] [--neurons 4096] [--device cpu] [--command]

Every round runs the bare product of a slice of neurons and the whole projection of the same slice
(both ends, top k), in a random order, each into the same blocks; shown are the median of their
ratios and quartiles, and what a whole model comes to by the slice. The floor is the model's FLOP
at the rate of a large square product in the same run. ``--command`` runs `steer-gym neurons
project smollm2` once in a process of its own, for time and peak memory of all that a user runs.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from steer_gym.neurons.projection import Projector, _precision

SHAPES = {
    # neurons, width of the residual stream, vocabulary
    "SmolLM2-135M": (46_080, 576, 49_152),
    "OpenVLA-7B": (352_256, 4_096, 32_064),
    "pi0-FAST": (294_912, 2_048, 257_152),
}


def bare(projector: Projector, values: Tensor) -> None:
    """Multiply into the projector's own block, and keep nothing."""
    with _precision("medium" if projector._narrow else "highest"):
        for part in values.split(projector.block):
            torch.mm(part, projector._columns, out=projector._logits[: len(part)])


def whole(projector: Projector, values: Tensor) -> None:
    """Project both ends."""
    for part in values.split(projector.block):
        projector(part)


def seconds(run: Callable[[], object], device: str) -> float:
    """Return the wall time of one run."""
    wait = torch.cuda.synchronize if device.startswith("cuda") else lambda: None
    wait()
    started = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - started


def rate(narrow: bool, device: str) -> float:
    """Return the FLOP per second of a large square product."""
    side = 8192 if device.startswith("cuda") else 2048
    square = torch.randn(side, side, device=device)
    with _precision("medium" if narrow else "highest"):
        return 2 * side**3 / min(seconds(lambda: square @ square, device) for _ in range(5))


def compare(name: str, narrow: bool, options: argparse.Namespace) -> None:
    """Print one line: one model's shape in one precision."""
    neurons, dim, vocabulary = SHAPES[name]
    count = min(options.neurons if vocabulary < 100_000 else options.neurons // 4, neurons)
    rows = torch.randn(vocabulary, dim, device=options.device)
    values = torch.randn(count, dim, device=options.device)
    projector = Projector(rows, k=options.k, narrow=narrow)
    ways = {"bare": bare, "whole": whole}
    times: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in random.sample(list(ways), len(ways)):
            run = ways[way]
            times[way].append(seconds(lambda run=run: run(projector, values), options.device))
    ratio = np.quantile(np.array(times["whole"]) / np.array(times["bare"]), (0.25, 0.5, 0.75))
    model_s = float(np.median(times["whole"])) * neurons / count
    floor_s = 2.0 * neurons * dim * vocabulary / rate(narrow, options.device)
    print(
        f"  {name:13} {'bfloat16' if narrow else 'float32':9} {ratio[1]:5.2f} [{ratio[0]:.2f}, "
        f"{ratio[2]:.2f}] of the bare product | whole model {model_s:7.1f} s, "
        f"{model_s / floor_s:.2f} of the floor of {floor_s:.1f} s",
        flush=True,
    )


def command() -> None:
    """Print time and peak memory of the command on the whole of SmolLM2."""
    with tempfile.TemporaryDirectory() as folder:
        for dtype in ("float32", "bfloat16"):
            out = Path(folder) / f"{dtype}.safetensors"
            arguments = ["neurons", "project", "smollm2", "--dtype", dtype, "--out", str(out)]
            script = (
                "import resource, sys; from steer_gym.cli import main; main(sys.argv[1:]); "
                "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
            )
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", script, *arguments, "--quiet"],
                capture_output=True, text=True, check=True,
            )  # fmt: skip
            spent, peak = time.perf_counter() - started, int(done.stdout.split()[-1]) / 1e6
            print(f"  command, {dtype}: {spent:.1f} s, peak memory {peak:.2f} GB", flush=True)


def main() -> None:
    """Run and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--neurons", type=int, default=4096, help="in a slice")
    parser.add_argument("--k", type=int, default=30)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--command", action="store_true")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    options = parser.parse_args()
    random.seed(0)
    threads = torch.get_num_threads()
    print(f"torch {torch.__version__}, {options.device}, {threads} threads, k {options.k}")
    for name in options.shapes:
        for narrow in (False, True):
            compare(name, narrow, options)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"  peak memory of all this: {peak:.2f} GB")
    if options.command:
        command()


if __name__ == "__main__":
    main()
