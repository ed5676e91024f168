"""Train Pocket: one process, a budget in minutes, resumable."""

from __future__ import annotations

import sys
import time
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from steer_gym.errors import SteerGymError
from steer_gym.results import atomic_path

from .corpus import read_corpus
from .dataset import DemonstrationSet, padded
from .losses import Aim, LossWeights, demonstration_losses, text_loss
from .model import PocketModel, PocketSizes
from .tokenizer import BEGIN, PocketTokenizer
from .vocabulary import CORPUS, EMBEDDING, TOKENIZER
from .weights import save_checkpoint

TEXT_LENGTH = 64
STATE = "training.pt"


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A training run."""

    demonstrations: Path
    """Folder that ``collect`` filled."""
    vocabulary: Path
    """Folder that ``vocabulary`` filled."""
    out: Path
    """Where the checkpoint goes."""
    minutes: float = 90.0
    """Budget; the learning rate falls to zero at its end."""
    device: str = "cpu"
    batch: int = 128
    """Steps of demonstrations in a batch; an eighth as many texts."""
    learning_rate: float = 1e-3
    weight_decay: float = 0.02
    ema: float = 0.998
    """Decay of the averaged weights, which are the ones that are saved."""
    seed: int = 0
    workers: int = 2
    """Processes that read demonstrations."""
    save_every_s: float = 120.0
    compile: bool = True
    """A third faster after two minutes of compiling; needs a C++ compiler."""
    loss: LossWeights = field(default_factory=LossWeights)


class Trainer:
    """The state of a run: weights, averages, optimiser, time spent."""

    def __init__(self, config: TrainConfig) -> None:
        self.config = config
        self.device = torch.device(config.device)
        self.tokenizer = PocketTokenizer(config.vocabulary / TOKENIZER)
        torch.manual_seed(config.seed)
        self.generator = torch.Generator().manual_seed(config.seed)
        self.model = PocketModel(PocketSizes(vocabulary=self.tokenizer.size))
        # For these short sequences a quarter faster to train than torch's fused attention.
        self.model.llama.set_attn_implementation("eager")
        self._seed_embedding()
        self.model.to(self.device)
        self.aim = Aim(self.model.sizes.dimension).to(self.device)
        self.average = deepcopy(self.model).eval()
        self.optimizers = self._optimizers()
        self.step = 0
        self.spent_s = 0.0
        self._resume()

    def train(self) -> None:
        """Train until the budget is spent, printing progress, saving now and then."""
        config = self.config
        data = DemonstrationSet(
            config.demonstrations,
            self.tokenizer,
            prompt_length=self.model.sizes.prompt_length,
            device=self.device,
            workers=config.workers,
            seed=config.seed,
        )
        texts = self._texts()
        # Shapes never change here, so each part is compiled once; it pays within two minutes.
        for part in (self.model.base, self.model.wrist, self.model.llama.model):
            if config.compile:
                part.compile(dynamic=False)
        print(f"{len(data):,} steps of {data.episodes:,} episodes, {len(texts):,} texts")
        started, saved = time.monotonic() - self.spent_s, time.monotonic()
        meter: dict[str, float] = {}
        while (progress := self.spent_s / (config.minutes * 60)) < 1:
            self._learn(data, texts, progress, meter)
            self.spent_s = time.monotonic() - started
            if self.step % 50 == 0:
                self._report(meter, progress)
            if time.monotonic() - saved > config.save_every_s:
                self.save(data)
                saved = time.monotonic()
        self.save(data)
        print(f"\nsaved {config.out} after {self.step:,} steps")

    def save(self, data: DemonstrationSet) -> None:
        """Write the checkpoint (averaged weights) and what a resumed run needs."""
        history = {
            "steps": self.step,
            "batch": self.config.batch,
            "seconds": round(self.spent_s),
            "samples": self.step * self.config.batch,
            "device": torch.cuda.get_device_name() if self.device.type == "cuda" else "cpu",
            "episodes": data.episodes,
            "demonstration_steps": len(data),
            "tasks": data.tasks,
            "seed": self.config.seed,
            "learning_rate": self.config.learning_rate,
            "loss": asdict(self.config.loss),
        }
        save_checkpoint(self.config.out, self.average, self.config.vocabulary / TOKENIZER, history)
        with atomic_path(self.config.out / STATE) as partial:
            torch.save(self._state(), partial)

    def _learn(
        self, data: DemonstrationSet, texts: Tensor, progress: float, meter: dict[str, float]
    ) -> None:
        at = torch.randint(len(texts), (max(self.config.batch // 8, 1),), generator=self.generator)
        with torch.autocast(self.device.type, torch.bfloat16):
            losses, right = demonstration_losses(
                self.model, self.aim, data.batch(self.config.batch, self.generator), self.generator
            )
            losses["text"] = text_loss(self.model, texts[at.to(self.device)])
        weights = asdict(self.config.loss)
        total = torch.stack([weights[name] * loss for name, loss in losses.items()]).sum()
        self.model.zero_grad(set_to_none=True)
        self.aim.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self.config.learning_rate * _schedule(progress, self.step)
            optimizer.step()
        self._average()
        self.step += 1
        if self.step % 10 == 0:
            _measure(meter, losses, right)

    def _optimizers(self) -> tuple[torch.optim.Optimizer, ...]:
        """Return Muon for the decoder's matrices and AdamW for all else."""
        decoder = [p for p in self.model.llama.model.layers.parameters() if p.ndim == 2]
        inside = {id(p) for p in decoder}
        others = [p for p in self.model.parameters() if id(p) not in inside]
        rate, decay = self.config.learning_rate, self.config.weight_decay
        return (
            torch.optim.Muon(decoder, rate, decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(
                [*others, *self.aim.parameters()], rate, (0.9, 0.95), weight_decay=decay
            ),
        )

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.ema, (1 + self.step) / (10 + self.step))
        for kept, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)

    def _report(self, meter: dict[str, float], progress: float) -> None:
        rate = self.step * self.config.batch / max(self.spent_s, 1e-9)
        left = self.config.minutes * 60 - self.spent_s
        shown = " ".join(f"{name} {value:.3f}" for name, value in meter.items())
        line = (
            f"{100 * progress:5.1f} % step {self.step:6d} {shown} | {rate:.0f}/s, {left:.0f} s left"
        )
        print(line if self.step % 500 == 0 else f"\r{line}", file=sys.stderr, flush=True)

    def _texts(self) -> Tensor:
        texts = read_corpus(self.config.vocabulary / CORPUS)
        encoded = [[BEGIN, *self.tokenizer.encode(text)] for text in texts]
        return torch.from_numpy(padded(encoded, TEXT_LENGTH)).to(self.device)

    @torch.no_grad()
    def _seed_embedding(self) -> None:
        """Give words the geometry of SmolLM2's embedding, at the scale of a fresh one."""
        seed = torch.from_numpy(np.load(self.config.vocabulary / EMBEDDING)).float()
        table = self.model.llama.model.embed_tokens.weight
        if seed.shape[1] < table.shape[1]:
            raise SteerGymError(
                f"The seed embedding has {seed.shape[1]} dimensions; {table.shape[1]} are needed."
            )
        table.normal_(std=0.02)
        table[: len(seed)] = seed[:, : table.shape[1]] * (0.02 / seed[:, : table.shape[1]].std())

    def _state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "aim": self.aim.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "generator": self.generator.get_state(),
            "step": self.step,
            "spent_s": self.spent_s,
        }

    def _resume(self) -> None:
        path = self.config.out / STATE
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.aim.load_state_dict(state["aim"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.generator.set_state(state["generator"].cpu())
        self.step, self.spent_s = state["step"], state["spent_s"]
        print(f"resuming {path} at step {self.step:,}")


def _schedule(progress: float, step: int, warm_up: int = 200) -> float:
    """Return the learning rate's factor: a warm-up in steps, then half a cosine over the budget."""
    return float(min(1, (step + 1) / warm_up) * (0.02 + 0.98 * (1 + np.cos(np.pi * progress)) / 2))


def _measure(meter: dict[str, float], losses: dict[str, Tensor], right: Tensor) -> None:
    seen = {name: loss.item() for name, loss in losses.items()}
    seen["accuracy"] = float(right.float().mean())
    for name, value in seen.items():
        meter[name] = 0.9 * meter.get(name, value) + 0.1 * value
