"""How far Pocket's calls are from their floor: the matrix products and convolutions alone.

    python benchmarks/pocket_floor.py [--rows 8 1] [--rounds 9] [--threads 1]

One call of ``plan`` is watched; then every product and convolution of it runs again on the same
inputs, with nothing in between, in turns with whole calls. The time of these is the floor of any
code that computes the same network with the same library. Beside it stands what the machine's
best product does (two square matrices), and how many bytes of weights one decode step reads. Times
are processor time of all threads, so with one thread those of a quiet core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

import steer_gym
from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.observation import batch_observations

STAGES = ("vision", "prefill", "decode")
SQUARE = 1024


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product or convolution of a call."""

    stage: str
    module: nn.Module
    given: Tensor
    flop: int


def watched(policy: Any, call: Callable[[], Any]) -> list[Product]:
    """Return every product and convolution of one call."""
    found: list[Product] = []

    def note(module: Any, args: tuple[Tensor, ...], out: Tensor) -> None:
        given = args[0]
        each = module.weight[0].numel()  # multiplications for one number of the output
        found.append(
            Product(
                stage=_stage(given, module in decoder),
                module=module,
                given=given.clone(),
                flop=2 * each * out.numel(),
            )
        )

    decoder = set(policy.model.llama.modules())
    kinds = (nn.Linear, nn.Conv2d)
    hooks = [m.register_forward_hook(note) for m in policy.model.modules() if isinstance(m, kinds)]
    call()
    for hook in hooks:
        hook.remove()
    return found


def _stage(given: Tensor, in_decoder: bool) -> str:
    if not in_decoder:
        return "vision"
    return "prefill" if given.dim() == 3 and given.shape[1] > 1 else "decode"


def cost(call: Callable[[], Any]) -> float:
    """Return the processor time of a call [s]."""
    started = time.process_time()
    call()
    return time.process_time() - started


@torch.inference_mode()
def replay(products: list[Product]) -> None:
    """Compute the products again."""
    for each in products:
        each.module(each.given)


def measure(policy: Any, rows: int, rounds: int) -> None:
    """Print a call of so many rows beside its floor."""
    batch = batch_observations([policy.spec.example_observation(seed) for seed in range(rows)])
    configs = [
        ActConfig(steering=Steering(NeuronSet.from_flat(range(k, 6000, 600)), alpha=2.0 + k))
        for k in range(rows)
    ]

    def call() -> Any:
        return policy.plan(batch, configs)

    call()
    products = watched(policy, call)
    parts = {stage: [p for p in products if p.stage == stage] for stage in STAGES}
    times: dict[str, list[float]] = {name: [] for name in ("call", *STAGES)}
    for _ in range(rounds):
        times["call"].append(cost(call))
        for stage, part in parts.items():
            times[stage].append(cost(lambda part=part: replay(part)))  # type: ignore[misc]
    whole = statistics.median(times["call"])
    print(f"\n{rows} rows in a call, {batch['instruction'][0]!r}")
    for stage, part in parts.items():
        flop, taken = sum(p.flop for p in part), statistics.median(times[stage])
        print(
            f"{stage:<10}{flop / rows / 1e9:8.3f} GFLOP a row {1000 * taken / rows:8.2f} ms a row "
            f"{flop / taken / 1e9:8.1f} GFLOP/s"
        )
    floor = [sum(each) for each in zip(*(times[s] for s in STAGES), strict=True)]
    ratio = statistics.median(one / other for one, other in zip(times["call"], floor, strict=True))
    print(
        f"{'call':<10}{sum(p.flop for p in products) / rows / 1e9:8.3f} GFLOP a row "
        f"{1000 * whole / rows:8.2f} ms a row, {ratio:.2f} times its products"
    )


def best_rate() -> float:
    """Return what the product of two square matrices comes to [FLOP/s]."""
    one, other = torch.randn(2, SQUARE, SQUARE)
    return 2 * SQUARE**3 / min(cost(lambda: one @ other) for _ in range(9))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[8, 1])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    policy: Any = steer_gym.make_policy("pocket")
    layers, head = policy.model.llama.model.layers, policy.model.llama.lm_head
    weights = sum(4 * each.numel() for part in (layers, head) for each in part.parameters())
    print(f"best product {best_rate() / 1e9:.1f} GFLOP/s, {options.threads} threads")
    print(f"a decode step reads {weights / 1e6:.1f} MB of weights (float32)")
    for rows in options.rows:
        measure(policy, rows, options.rounds)
    print(f"\nload {' '.join(f'{each:.1f}' for each in os.getloadavg())}")


if __name__ == "__main__":
    main()
