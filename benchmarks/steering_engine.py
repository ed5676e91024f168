"""What steering costs: one gated feed-forward block, steered in several ways in one run.

    python benchmarks/steering_engine.py [--rounds 15] [--device cpu] [--dtype float32]

Every round runs every way once, in a random order, and each time is divided by the unsteered
time of the same round: the machine's moods cancel. Shown are the median of those ratios and their
quartiles. "released hook" is what the paper's code does: write alpha into the input of the down
projection in place, then multiply by its weights a second time. On a CPU the time is processor
time of one thread, so that other programs on the machine count little.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from steer_gym import NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND
from steer_gym.policies.engines.torch_engine import TorchEngine

SHAPES = {"small (576, 1536)": (576, 1536), "7B (4096, 11008)": (4096, 11008)}
"""Name -> (width of the residual stream, neurons): SmolLM2-135M and OpenVLA."""
PASSES = {"prefill of 280": 280, "decode step": 1}
ALPHA = 10.0


class FeedForward(nn.Module):
    """A gated feed-forward block."""

    def __init__(self, dim: int, width: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(dim, width, bias=False)
        self.up_proj = nn.Linear(dim, width, bias=False)
        self.down_proj = nn.Linear(width, dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (rows, positions, dim)."""
        projected: Tensor = self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return projected


@contextmanager
def unsteered(block: FeedForward, neurons: list[int]) -> Iterator[None]:
    """Leave the block as it is."""
    del block, neurons
    yield


@contextmanager
def released_hook(block: FeedForward, neurons: list[int]) -> Iterator[None]:
    """Edit the input in place after the projection has run, and project again."""

    def hook(module: nn.Linear, args: tuple[Tensor], _output: Tensor) -> Tensor:
        args[0][..., neurons] = ALPHA
        return nn.functional.linear(args[0], module.weight, module.bias)

    with block.down_proj.register_forward_hook(hook):
        yield


@contextmanager
def cloning_hook(block: FeedForward, neurons: list[int]) -> Iterator[None]:
    """Edit a copy before the projection runs."""

    def hook(_module: nn.Linear, args: tuple[Tensor]) -> tuple[Tensor]:
        edited = args[0].clone()
        edited[..., neurons] = ALPHA
        return (edited,)

    with block.down_proj.register_forward_pre_hook(hook):
        yield


@contextmanager
def engine(
    block: FeedForward, neurons: list[int], operation: str | None, *, measured: bool = False
) -> Iterator[None]:
    """Steer with TorchEngine; without an operation it is installed and has nothing to do.

    ``measured``: also measure how large what it adds is; ``x`` stands for the residual stream.
    """
    space = NeuronSpace(layers=1, width=block.down_proj.in_features)
    steering = operation and Steering(NeuronSet.from_flat(neurons), ALPHA, operation=operation)
    installed = TorchEngine([block.down_proj], space, norms=[block.gate_proj])
    kinds = np.full((1, max(PASSES.values())), KIND["text"])
    with installed.steered([steering or None], kinds, measured=[measured]) as call:
        yield
    call.reports()  # after the time is taken, as is the arithmetic of measured decode steps
    installed.remove()


Way = Callable[[FeedForward, list[int]], AbstractContextManager[None]]
WAYS: dict[str, Way] = {
    "unsteered": unsteered,
    "released hook": released_hook,
    "cloning pre-hook": cloning_hook,
    "engine, nothing to steer": partial(engine, operation=None),
    "engine, override": partial(engine, operation="override"),
    "engine, add": partial(engine, operation="add"),
    "engine, override, sized": partial(engine, operation="override", measured=True),
}


def seconds(block: FeedForward, x: Tensor, way: Way, neurons: list[int], passes: int) -> float:
    """Return the time of some forward passes; entering the way is not counted."""
    with way(block, neurons):
        block(x)
        started = _now()
        for _ in range(passes):
            block(x)
        return _now() - started


def ratios(block: FeedForward, x: Tensor, rounds: int) -> dict[str, np.ndarray]:
    """Return each way's times over the unsteered times of the same rounds, (rounds,)."""
    neurons = list(range(0, 1000, 100))
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    once = seconds(block, x, unsteered, neurons, passes=1)
    passes = max(1, int(0.02 / once))
    for turn in range(rounds):
        for name in random.sample(list(WAYS), len(WAYS)):
            times[name].append(seconds(block, x, WAYS[name], neurons, passes))
        print(f"\r  round {turn + 1}/{rounds}", end="", file=sys.stderr, flush=True)
    print("\r" + " " * 30 + "\r", end="", file=sys.stderr)
    plain = np.array(times["unsteered"])
    return {name: np.array(spent) / plain for name, spent in times.items()}


def switching_ms(device: str, dtype: torch.dtype, calls: int = 50) -> float:
    """Return the median time to set and clear ten neurons in a model of OpenVLA's size."""
    modules = [nn.Linear(11008, 1, device=device, dtype=dtype) for _ in range(32)]
    installed = TorchEngine(modules, NeuronSpace(layers=32, width=11008))
    kinds, spent = np.full((1, 280), KIND["text"]), []
    for call in range(calls):
        steering = Steering(NeuronSet.from_flat(range(call, 352_256, 35_225)), ALPHA)
        started = _now()
        with installed.steered([steering], kinds):
            pass
        spent.append(_now() - started)
    return float(np.median(spent)) * 1e3


def _now() -> float:
    """Return seconds: of the clock once the GPU has finished, or of this process."""
    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def main() -> None:
    """Run and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--dtype", help="default: bfloat16 on CUDA, float32 elsewhere")
    options = parser.parse_args()
    usual = "bfloat16" if options.device.startswith("cuda") else "float32"
    dtype = getattr(torch, options.dtype or usual)
    random.seed(0)
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, {options.device}, {dtype}, {options.rounds} rounds")
    print("time over unsteered, same round: median [quartiles]")
    with torch.inference_mode():
        for shape, (dim, width) in SHAPES.items():
            block = FeedForward(dim, width).to(options.device, dtype).requires_grad_(False)
            for name, positions in PASSES.items():
                x = torch.randn(1, positions, dim, device=options.device, dtype=dtype)
                print(f"\n{shape}, {name}")
                for way, seen in ratios(block, x, options.rounds).items():
                    low, middle, high = np.quantile(seen, (0.25, 0.5, 0.75))
                    print(f"  {way:25} {middle:5.3f} [{low:5.3f}, {high:5.3f}]")
        spent = switching_ms(options.device, dtype)
    print(f"\nset and clear a steering over 32 layers of 11,008 neurons: {spent:.2f} ms a call")


if __name__ == "__main__":
    main()
