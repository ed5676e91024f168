"""Plain text about motion and everyday things, by SmolLM2: what Pocket learns words from."""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from steer_gym.extras import require
from steer_gym.results import atomic_path
from steer_gym.smollm2 import smollm2_folder

SUBJECTS = (
    "The robot arm",
    "The gripper",
    "A child",
    "The train",
    "The cook",
    "The cat",
    "The driver",
    "The bird",
    "The machine",
    "My sister",
    "The elevator",
    "The crane",
    "The waiter",
    "The river",
)
MANNERS = (
    "moved quickly",
    "moved very fast",
    "was slow",
    "moved slowly and carefully",
    "rushed",
    "took its time",
    "went up high",
    "stayed low near the ground",
    "lifted the box high above the table",
    "lowered the bowl down",
    "picked up the bottle",
    "placed the can in the basket",
    "raised its hand",
    "went down to the floor",
    "increased its speed",
    "slowed down",
)
OPENINGS = (
    "High above the city,",
    "Low in the valley,",
    "At high speed,",
    "Slowly and gently,",
    "Quickly,",
    "In the kitchen, the tomato soup",
    "The opposite of fast is",
    "The opposite of high is",
    "To move quickly, you should",
    "To carry a full cup carefully, you should",
    "The milk and the orange juice",
    "A basket on the floor",
    "Chocolate pudding is",
    "Butter and cream cheese",
    "The salad dressing and the ketchup",
    "Words that mean fast:",
    "Words that mean slow:",
    "Words that mean high:",
    "Words that mean low:",
)


def prompts() -> list[str]:
    """Return every beginning that SmolLM2 is asked to continue."""
    return [f"{s} {m}" for s, m in itertools.product(SUBJECTS, MANNERS)] + list(OPENINGS)


def write_corpus(path: Path, *, tokens: int = 150_000, seed: int = 0, batch: int = 128) -> None:
    """Write a JSON-lines file of short texts, about ``tokens`` SmolLM2 tokens in all.

    Args:
        path: Where to write; appears when it is whole.
        tokens: How much to write; about 300 tokens a second on two cores.
        seed: Of the sampling.
        batch: Texts at once.
    """
    written, started = 0, time.monotonic()
    with atomic_path(path) as partial, partial.open("w") as file:
        for texts, count in _batches(seed, batch):
            file.writelines(json.dumps(text) + "\n" for text in texts)
            written += count
            rate = written / (time.monotonic() - started)
            print(f"\rcorpus: {written:,}/{tokens:,} tokens, {rate:.0f}/s", end="", file=sys.stderr)
            if written >= tokens:
                break
    print(file=sys.stderr)


def read_corpus(path: Path) -> list[str]:
    """Return the texts of a file that ``write_corpus`` wrote."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def _batches(seed: int, batch: int) -> Iterator[tuple[list[str], int]]:
    torch = require("torch", extra="torch")
    transformers = require("transformers", extra="torch")
    folder = smollm2_folder()
    model: Any = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, padding_side="left")
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    while True:
        chosen = [str(p) for p in rng.choice(prompts(), batch)]
        inputs = tokenizer(chosen, return_tensors="pt", padding=True)
        with torch.inference_mode():
            output = model.generate(
                **inputs,
                max_new_tokens=56,
                do_sample=True,
                temperature=0.9,
                top_p=0.95,
                pad_token_id=tokenizer.pad_token_id,
            )
        texts = tokenizer.batch_decode(output, skip_special_tokens=True)
        yield texts, int((output != tokenizer.pad_token_id).sum())
