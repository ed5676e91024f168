"""How fast OpenVLA's actions come: our decoding against the released way, and against the floor.

    python benchmarks/openvla_decode.py [--size tenth] [--rounds 7] [--batches 1,4,16] [--compiled]

Weights are random. "released way" is what the published code does with every observation: alone,
with a growing cache, the logits of every position of the prefill, and steering by a hook that
edits in place and multiplies by the down projection a second time. Every round runs every way
once, batch by batch, in a random order; times are compared within a round: the machine's moods
cancel. Times are per observation. Where not even that is quiet enough for 1 %, "own work" is:
the time inside the engine's hooks, and to write and clear their buffers, in the steered pass.

The floor of a batch is its arithmetic in the prefill at the rate of a large matrix product, and
six readings of the language model's weights at the rate of a large sum, both measured in the same
run. On a CPU all is processor time of one thread, so that only ratios mean anything.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import DynamicCache, LlamaConfig

from steer_gym import ActConfig, NeuronSet, Steering
from steer_gym.policies.engines.anatomy import down_projections, neuron_space
from steer_gym.policies.engines.torch_engine import TorchEngine
from steer_gym.policies.openvla.model import OpenVlaModel, Prompts
from steer_gym.policies.openvla.sizes import TowerSizes
from steer_gym.policies.token_choice import TokenChoice

SIZES = {
    # hidden, neurons, layers, heads, (blocks, heads) of the towers
    "tiny": (512, 1376, 8, 8, (4, 2), (4, 2)),
    "tenth": (1536, 4128, 18, 12, (12, 6), (12, 6)),
    "7B": (4096, 11008, 32, 32, (24, 16), (27, 16)),
}
TOKENS, ACTIONS, PROMPT, ALPHA = 7, range(31744, 32000), [1, *range(300, 320)], 10.0
RELEASED = ("released way", "released way, steered")
Way = Callable[[], None]


def make_model(size: str, device: str, dtype: torch.dtype) -> OpenVlaModel:
    """Return a network with random weights."""
    hidden, width, layers, heads, dino, siglip = SIZES[size]
    towers = [
        _tower("dinov2", dino[1] * 64, dino[0], dino[1] * 256, registers=4),
        _tower("siglip", siglip[1] * 72, siglip[0], siglip[1] * 269, registers=0),
    ]
    channels = sum(tower.channels for tower in towers)
    llama = LlamaConfig(
        vocab_size=32064, hidden_size=hidden, intermediate_size=width, num_hidden_layers=layers,
        num_attention_heads=heads, attn_implementation="sdpa",
    )  # fmt: skip
    projector = [(4 * channels, channels), (hidden, 4 * channels), (hidden, hidden)]
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = OpenVlaModel(towers, projector, llama).eval().requires_grad_(False)
    torch.set_default_dtype(torch.float32)
    return model


def _tower(kind: str, channels: int, blocks: int, width: int, *, registers: int) -> TowerSizes:
    return TowerSizes(
        kind=kind, channels=channels, blocks=blocks, width=width, patch=14, positions=256,
        registers=registers, image_size=224,
    )  # fmt: skip


def twenty_neurons(layers: int) -> NeuronSet:
    """Return 20 neurons in 10 layers, or in all where there are fewer."""
    chosen = np.linspace(0, layers - 1, min(10, layers)).astype(int).tolist()
    return NeuronSet.from_pairs([(chosen[i % len(chosen)], 7 * i) for i in range(20)])


@contextmanager
def released_hooks(model: OpenVlaModel, neurons: NeuronSet) -> Iterator[None]:
    """Steer by editing the input in place after the projection has run, and project again."""

    def hook(at: list[int]) -> Callable[..., Tensor]:
        def edit(module: nn.Linear, args: tuple[Tensor], _output: Tensor) -> Tensor:
            args[0][..., at] = ALPHA
            return nn.functional.linear(args[0], module.weight)

        return edit

    modules = down_projections(model.llama)
    handles = [
        modules[layer].register_forward_hook(hook([n for la, n in neurons.pairs if la == layer]))
        for layer in {layer for layer, _ in neurons.pairs}
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def released_way(model: OpenVlaModel, pixels: Tensor, prompts: Prompts) -> None:
    """Generate the tokens of one row as the published code does."""
    cache = DynamicCache(config=model.llama.config)
    embedded = model._embed(pixels, prompts)
    for _ in range(TOKENS):
        logits = model.llama(inputs_embeds=embedded, cache=cache, use_cache=True).logits
        embedded = model.llama.model.embed_tokens(logits[:, -1].float().argmax(-1)[:, None])


def ways(
    model: OpenVlaModel, batches: list[int], engine: TorchEngine
) -> dict[str, tuple[int, Way]]:
    """Return each way's name, rows, and what to run."""
    device, space = model.llama.lm_head.weight.device, engine.space
    neurons = twenty_neurons(space.layers)
    torch.manual_seed(0)
    size = model.sizes[0].image_size
    pixels = torch.randn(max(batches), 6, size, size).to(device, model.dtype)

    def ours(rows: int, config: ActConfig) -> None:
        prompts = Prompts.of([PROMPT] * rows, model.patches)
        choose = TokenChoice([config] * rows, ACTIONS)
        with engine.steered([config.steering] * rows, prompts.kinds):
            model.generate(
                pixels[:rows], prompts, choose, tokens=TOKENS, competing=choose.competing
            ).cpu()

    def theirs(steered: bool) -> None:
        prompts = Prompts.of([PROMPT], model.patches)
        if not steered:
            return released_way(model, pixels[:1], prompts)
        with released_hooks(model, neurons):
            return released_way(model, pixels[:1], prompts)

    steering = Steering(neurons, ALPHA)
    found: dict[str, tuple[int, Way]] = {
        RELEASED[0]: (1, lambda: theirs(False)),
        RELEASED[1]: (1, lambda: theirs(True)),
    }
    for rows in batches:
        for name, config in (
            ("clip", ActConfig()),
            ("mask", ActConfig(invalid_tokens="mask")),
            ("clip, steered", ActConfig(steering=steering)),
        ):
            found[_ours(rows, name)] = (
                rows, lambda rows=rows, config=config: ours(rows, config)
            )  # fmt: skip
    return found


def _ours(rows: int, name: str) -> str:
    return f"ours, {rows:2} rows, {name}"


@contextmanager
def clocked(model: OpenVlaModel, engine: TorchEngine) -> Iterator[list[float]]:
    """Collect the seconds of the engine's own work in the block: its hooks and its buffers."""
    spent: list[float] = []
    begun: list[float] = []
    kind: Any = type(engine._buffers)
    write, clear = kind.write, kind.clear
    begin = [
        module.register_forward_pre_hook(lambda *_: begun.append(_now()), prepend=True)
        for module in down_projections(model.llama)
    ]
    end = [
        module.register_forward_pre_hook(lambda *_: spent.append(_now() - begun.pop()))
        for module in down_projections(model.llama)
    ]

    def timed(run: Callable[..., object]) -> Callable[..., object]:
        def timing(*args: object) -> object:
            started = _now()
            result = run(*args)
            spent.append(_now() - started)
            return result

        return timing

    kind.write, kind.clear = timed(write), timed(clear)
    try:
        yield spent
    finally:
        kind.write, kind.clear = write, clear
        for handle in (*begin, *end):
            handle.remove()


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What the machine does at its best."""

    flops: float
    """Of a large matrix product, in the weights' type."""
    bytes_s: float
    """Of a large sum."""

    @classmethod
    def measured(cls, weight: Tensor) -> Rates:
        """Measure where ``weight`` lies."""
        side = 4096 if weight.is_cuda else 1024
        square = torch.randn(side, side, device=weight.device, dtype=weight.dtype)
        bulk = torch.randn((1 << 30) if weight.is_cuda else (1 << 26), device=weight.device)
        return cls(
            flops=2 * side**3 / _best(lambda: square @ square),
            bytes_s=bulk.nbytes / _best(lambda: bulk.sum()),
        )


def work(model: OpenVlaModel, rows: int) -> tuple[float, int]:
    """Return the prefill's arithmetic [FLOP], and the bytes of weights that each step reads."""
    read = sum(p.nbytes for n, p in model.llama.named_parameters() if "embed_tokens" not in n)
    vision = sum(p.numel() for m in (model.towers, model.projector) for p in m.parameters())
    layers = sum(p.numel() for p in model.llama.model.layers.parameters())
    positions = len(PROMPT) + model.patches
    return 2.0 * rows * (vision * model.patches + layers * positions), read


def _best(run: Callable[[], object]) -> float:
    run()
    return min(_seconds(run) for _ in range(5))


def _seconds(run: Callable[[], object]) -> float:
    started = _now()
    run()
    return _now() - started


def _now() -> float:
    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def measure(runs: dict[str, tuple[int, Way]], rounds: int) -> dict[str, np.ndarray]:
    """Return the seconds an observation of every way, a number a round."""
    for _, run in runs.values():
        run()  # warm up
    times: dict[str, list[float]] = {name: [] for name in runs}
    groups = [RELEASED, *(_batches(runs).values())]
    for _ in range(rounds):
        for group in random.sample(groups, len(groups)):
            for name in random.sample(group, len(group)):
                rows, run = runs[name]
                times[name].append(_seconds(run) / rows)
    return {name: np.array(spent) for name, spent in times.items()}


def _batches(runs: dict[str, tuple[int, Way]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for name, (rows, _) in runs.items():
        if name not in RELEASED:
            found.setdefault(rows, []).append(name)
    return found


def _quartiles(ratios: np.ndarray) -> str:
    low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
    return f"{middle:5.3f} [{low:5.3f}, {high:5.3f}]"


def report(model: OpenVlaModel, engine: TorchEngine, batches: list[int], rounds: int) -> None:
    """Measure, and print everything."""
    runs = ways(model, batches, engine)
    times, rates = measure(runs, rounds), Rates.measured(model.llama.lm_head.weight)
    for name, spent in times.items():
        of = _quartiles(spent / times[RELEASED[0]])
        print(f"  {name:28} {1e3 * np.median(spent):9.1f} ms an observation   {of} of released")
    steered = times[RELEASED[1]] / times[RELEASED[0]]
    print(f"  steered over unsteered, released way: {_quartiles(steered)}")
    for rows in batches:
        plain, steered_ours = times[_ours(rows, "clip")], times[_ours(rows, "clip, steered")]
        flop, read = work(model, rows)
        floor = max(flop / rates.flops, read / rates.bytes_s) + 6 * read / rates.bytes_s
        shares = []
        for name in ("clip", "clip, steered"):
            with clocked(model, engine) as own:
                whole = _seconds(runs[_ours(rows, name)][1])
            shares.append(100 * sum(own) / whole)
        print(
            f"  {rows:2} rows: steered over unsteered {_quartiles(steered_ours / plain)}; engine's "
            f"own work {shares[1]:.3f} % steered, {shares[0]:.3f} % with nothing to steer"
        )
        print(
            f"           floor {flop / 1e9:.0f} GFLOP and 7 x {read / 1e9:.2f} GB: "
            f"{1e3 * floor / rows:.1f} ms an observation; "
            f"taken {np.median(plain) * rows / floor:.2f}x of it"
        )


def main() -> None:
    """Read the options and report."""
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=SIZES, default="7B" if cuda else "tiny")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batches", default="1,4,16" if cuda else "1,4")
    parser.add_argument("--compiled", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    random.seed(0)
    dtype = torch.bfloat16 if cuda else torch.float32
    model = make_model(options.size, "cuda" if cuda else "cpu", dtype)
    engine = TorchEngine(down_projections(model.llama), neuron_space(model.llama), dtype=dtype)
    if options.compiled:
        model.step = torch.compile(model.step, mode="reduce-overhead")
    device = torch.cuda.get_device_name() if cuda else "cpu, one thread"
    print(f"torch {torch.__version__}, {device}, {dtype}, size {options.size}", flush=True)
    with torch.inference_mode():
        report(model, engine, [int(rows) for rows in options.batches.split(",")], options.rounds)


if __name__ == "__main__":
    main()
