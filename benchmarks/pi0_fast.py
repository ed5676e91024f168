"""What steering costs pi0-FAST, in PyTorch and in JAX, and how often JAX compiles.

    python benchmarks/pi0_fast.py [--rounds 15] [--depth 4] [--width 512] [--neurons 4096]

A random model of the given size reads two images and a prompt and writes eight tokens. Every round
runs unsteered and under another steering, in random order, and the steered time is divided by the
unsteered of the same round: the machine's moods cancel. Shown are the median of those ratios and
their quartiles. On a CPU the time is processor time, so that other programs count little.
"""

from __future__ import annotations

import argparse
import random
import time

import numpy as np

from steer_gym import NeuronSet, Steering
from steer_gym.affine import KIND
from steer_gym.policies.pi0_fast.generation import Backend, Decoding
from steer_gym.policies.pi0_fast.jax_model import JaxModel, _generate
from steer_gym.policies.pi0_fast.prefix import ModelInputs
from steer_gym.policies.pi0_fast.sizes import Parameters, Sizes
from steer_gym.policies.pi0_fast.torch_model import TorchModel

DECODING = Decoding(steps=8, end_tokens=())
STEERINGS = 50


def sizes_of(options: argparse.Namespace) -> Sizes:
    """Return the sizes of the model: Gemma's proportions, a small SigLIP."""
    return Sizes(
        vocabulary=4096,
        width=options.width,
        depth=options.depth,
        neurons=options.neurons,
        heads=8,
        kv_heads=1,
        head_dim=options.width // 8,
        vision_width=64,
        vision_depth=2,
        vision_neurons=128,
        vision_heads=2,
        patch=14,
        grid=16,
    )


def random_parameters(sizes: Sizes) -> Parameters:
    """Return normal parameters whose products stay of the size of their factors."""
    rng = np.random.default_rng(0)
    return {
        name: (rng.standard_normal(shape, np.float32) * shape[-2] ** -0.5)
        if len(shape) > 1
        else np.zeros(shape, np.float32)
        for name, shape in sizes.shapes().items()
    }


def inputs_of(sizes: Sizes) -> ModelInputs:
    """Return one row of two images and 64 tokens."""
    rng, side = np.random.default_rng(1), sizes.image_size
    return ModelInputs(
        images=rng.uniform(-1, 1, (1, 2, side, side, 3)).astype(np.float32),
        camera_mask=np.ones((1, 2), np.bool_),
        prompt=rng.integers(4, sizes.vocabulary, (1, 64)),
        prompt_kinds=np.full((1, 64), KIND["text"]),
    )


def steering(sizes: Sizes, number: int) -> Steering:
    """Return one of many steerings: other neurons, other sizes, other strengths."""
    rng = np.random.default_rng(number)
    count = 5 + number % 40
    flat = rng.choice(sizes.depth * sizes.neurons, count, replace=False)
    return Steering(NeuronSet.from_flat(flat.tolist()), float(rng.normal()) * 5)


def seconds(model: Backend, inputs: ModelInputs, edit: Steering | None) -> float:
    """Return the processor time of one call."""
    started = time.process_time()
    model.generate(inputs, decoding=DECODING, steerings=[edit])
    return time.process_time() - started


def measure(name: str, model: Backend, sizes: Sizes, rounds: int) -> None:
    """Print the cost of steering one backend."""
    inputs = inputs_of(sizes)
    seconds(model, inputs, None), seconds(model, inputs, steering(sizes, 0))
    ratios, plain = [], []
    for number in range(rounds):
        ways: list[Steering | None] = [None, steering(sizes, number)]
        random.shuffle(ways)
        taken = {edit is not None: seconds(model, inputs, edit) for edit in ways}
        ratios.append(taken[True] / taken[False])
        plain.append(taken[False])
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(
        f"{name:<6} unsteered {np.median(plain) * 1000:7.1f} ms of processor, "
        f"steered x {middle:.3f} ({low:.3f} to {high:.3f})"
    )


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--neurons", type=int, default=4096)
    options = parser.parse_args()
    sizes = sizes_of(options)
    parameters = random_parameters(sizes)
    measure("torch", TorchModel(parameters), sizes, options.rounds)
    model = JaxModel(parameters)
    measure("jax", model, sizes, options.rounds)
    before, inputs = _generate._cache_size(), inputs_of(sizes)
    for number in range(STEERINGS):
        seconds(model, inputs, steering(sizes, 1000 + number))
    print(f"jax compiled {_generate._cache_size() - before} times over {STEERINGS} steerings")


if __name__ == "__main__":
    main()
