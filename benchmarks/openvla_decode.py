"""How fast OpenVLA's actions come: our decoding against the released way, and against the floor.

    python benchmarks/openvla_decode.py [--size tiny] [--rounds 7] [--batches 1,4,16] [--compiled]

Weights are random. "released way" is what the published code does with every observation: alone,
with a growing cache, the logits of every position of the prefill, and steering by a hook that
edits in place and multiplies by the down projection a second time. Every round runs every way
once, in a random order, and each time is divided by the released way's of the same round: the
machine's moods cancel. Times are per observation.

The floor of one action at batch 1 is its arithmetic in the prefill at the rate of a large matrix
product, and six readings of the language model's weights at the rate of a large sum, both measured
in the same run. On a CPU all is processor time of one thread, so that only ratios mean anything.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        registers=registers,
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
        "released way": (1, lambda: theirs(False)),
        "released way, steered": (1, lambda: theirs(True)),
    }
    for rows in batches:
        for name, config in (
            ("clip", ActConfig()),
            ("mask", ActConfig(invalid_tokens="mask")),
            ("clip, steered", ActConfig(steering=steering)),
        ):
            found[f"ours, {rows:2} rows, {name}"] = (
                rows, lambda rows=rows, config=config: ours(rows, config)
            )  # fmt: skip
    return found


def floor_s(model: OpenVlaModel) -> tuple[float, float]:
    """Return the least time of the prefill's arithmetic and of six decode steps' reading."""
    weight = model.llama.lm_head.weight
    side = 4096 if weight.is_cuda else 1024
    square = torch.randn(side, side, device=weight.device, dtype=weight.dtype)
    bulk = torch.randn((1 << 30) if weight.is_cuda else (1 << 26), device=weight.device)
    flops = 2 * side**3 / _best(lambda: square @ square)
    rate = bulk.nbytes / _best(lambda: bulk.sum())
    body = [p for n, p in model.llama.named_parameters() if "embed_tokens" not in n]
    read = sum(p.nbytes for p in body)
    vision = sum(p.numel() for m in (model.towers, model.projector) for p in m.parameters())
    layers = sum(p.numel() for p in model.llama.model.layers.parameters())
    positions = len(PROMPT) + model.patches
    arithmetic = 2 * (vision * model.patches + layers * positions)
    return max(arithmetic / flops, read / rate), 6 * read / rate


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


def main() -> None:
    """Run and print everything."""
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
    print(f"torch {torch.__version__}, {device}, {dtype}, size {options.size}")
    with torch.inference_mode():
        runs = ways(model, [int(rows) for rows in options.batches.split(",")], engine)
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _, run in runs.values():
            run()  # warm up
        for _ in range(options.rounds):
            for name in random.sample(list(runs), len(runs)):
                rows, run = runs[name]
                times[name].append(_seconds(run) / rows)
        prefill, decode = floor_s(model)
    base = np.array(times["released way"])
    for name, spent in times.items():
        ratio = np.quantile(np.array(spent) / base, (0.25, 0.5, 0.75))
        print(
            f"  {name:28} {1e3 * np.median(spent):8.1f} ms an observation   "
            f"{ratio[1]:5.3f} [{ratio[0]:5.3f}, {ratio[2]:5.3f}] of the released way"
        )
    print(f"  floor at batch 1: prefill {1e3 * prefill:.1f} ms + decode {1e3 * decode:.1f} ms")


if __name__ == "__main__":
    main()
