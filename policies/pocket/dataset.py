"""All demonstrations in memory, and batches of them for training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.errors import SteerGymError

from .episodes import Demonstration, load_demonstration
from .tokenizer import END, PAD, PocketTokenizer
from .transforms import prompt_ids, state_vector
from .wording import Style, instruction, narration

NARRATION_LENGTH = 16
WORDINGS = 256
"""Instructions drawn for each task and style; a step of training picks one of them."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Steps of demonstrations, rows first."""

    base: Tensor
    """(rows, size, size, 3), uint8."""
    wrist: Tensor
    """The same."""
    state: Tensor
    """(rows, 8)."""
    prompt: Tensor
    """(rows, prompt length)."""
    actions: Tensor
    """(rows, 7), token ids."""
    narration: Tensor
    """(rows, narration length), padded on the right."""


class DemonstrationSet:
    """Every step of every demonstration, on one device."""

    def __init__(
        self,
        folder: Path,
        tokenizer: PocketTokenizer,
        *,
        prompt_length: int,
        device: torch.device,
        workers: int,
        seed: int,
    ) -> None:
        """Read every episode of ``folder``; prompts and narrations are drawn with ``seed``."""
        paths = sorted(folder.glob("episode-*.npz"))
        if not paths:
            raise SteerGymError(
                f"{folder} holds no episodes; run `steer-gym pocket collect` first."
            )
        self.device = device
        self.episodes = len(paths)
        parts: list[tuple[Tensor, ...]] = []
        groups: list[NDArray[np.int64]] = []
        self._styles: dict[tuple[str, Style], int] = {}
        for number, episode in enumerate(_load_all(paths, workers)):
            group = self._styles.setdefault((episode.task, episode.style), len(self._styles))
            groups.append(np.full(len(episode.actions), group))
            parts.append(_tensors(episode, tokenizer, device))
            if number % 50 == 49 or number + 1 == len(paths):
                print(f"\rread {number + 1}/{len(paths)} episodes", end="", file=sys.stderr)
        print(file=sys.stderr)
        self.base, self.wrist, self.state, self.actions = (
            torch.cat(column) for column in zip(*parts, strict=True)
        )
        self.group = torch.from_numpy(np.concatenate(groups)).to(device)
        self._draw_words(tokenizer, prompt_length, np.random.default_rng(seed))

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.group)

    @property
    def tasks(self) -> list[str]:
        """Return the tasks' languages."""
        return sorted({task for task, _ in self._styles})

    def batch(self, rows: int, generator: torch.Generator) -> Batch:
        """Return ``rows`` random steps, each with one of its wordings."""
        at = torch.randint(len(self), (rows,), generator=generator).to(self.device)
        wording = torch.randint(WORDINGS, (rows,), generator=generator).to(self.device)
        group = self.group[at]
        return Batch(
            base=self.base[at],
            wrist=self.wrist[at],
            state=self.state[at],
            prompt=self._prompts[group, wording],
            actions=self.actions[at],
            narration=self._narrations[group, wording],
        )

    def _draw_words(
        self, tokenizer: PocketTokenizer, length: int, rng: np.random.Generator
    ) -> None:
        prompts, narrations = [], []
        for task, style in self._styles:
            texts = [instruction(task, style, rng) for _ in range(WORDINGS)]
            prompts.append(prompt_ids(texts, tokenizer, length))
            told = [[*tokenizer.encode(narration(style, rng)), END] for _ in range(WORDINGS)]
            narrations.append(padded(told, NARRATION_LENGTH))
        self._prompts = torch.from_numpy(np.stack(prompts)).to(self.device)
        self._narrations = torch.from_numpy(np.stack(narrations)).to(self.device)


def padded(rows: Sequence[Sequence[int]], length: int) -> NDArray[np.int64]:
    """Return token ids as one array, (rows, length), cut or padded on the right."""
    ids = np.full((len(rows), length), PAD, np.int64)
    for row, tokens in enumerate(rows):
        ids[row, : min(len(tokens), length)] = tokens[:length]
    return ids


def _load_all(paths: Sequence[Path], workers: int) -> Iterator[Demonstration]:
    if workers <= 1:
        yield from map(load_demonstration, paths)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(load_demonstration, paths, chunksize=4)


def _tensors(
    episode: Demonstration, tokenizer: PocketTokenizer, device: torch.device
) -> tuple[Tensor, ...]:
    state = state_vector(episode.tcp_pose, episode.gripper)
    actions = tokenizer.encode_actions(episode.actions)
    arrays = (episode.base, episode.wrist, state, actions)
    return tuple(torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays)
