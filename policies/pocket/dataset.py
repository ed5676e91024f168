"""All demonstrations in memory, and batches of them for training."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from steer_gym.errors import SteerGymError

from .episodes import Demonstration, load_demonstration
from .tokenizer import END, PAD, PocketTokenizer
from .transforms import prompt_ids, state_vector
from .wording import Style, instruction, narration

NARRATION_LENGTH = 8
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
    """(rows, longest prompt), padded on the right."""
    aim: Tensor
    """(rows, 6), from the tool to the object, and to the goal [m]."""
    actions: Tensor
    """(rows, 7), token ids."""
    narration: Tensor
    """(rows, narration length), padded on the right."""


class DemonstrationSet:
    """Every step of every demonstration, in memory: 10 GB for 100,000 steps."""

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
        self._images: list[tuple[Tensor, Tensor]] = []
        self._styles: dict[tuple[str, Style], int] = {}
        columns = []
        for number, episode in enumerate(_load_all(paths, workers)):
            self._images.append(_images(episode))
            group = self._styles.setdefault((episode.task, episode.style), len(self._styles))
            columns.append(_columns(number, group, episode, tokenizer))
            if number % 50 == 49 or number + 1 == len(paths):
                print(f"\rread {number + 1}/{len(paths)} episodes", end="", file=sys.stderr)
        print(file=sys.stderr)
        self._place, self._group, self._state, self._aim, self._actions = (
            torch.from_numpy(np.concatenate(column)) for column in zip(*columns, strict=True)
        )
        self._draw_words(tokenizer, prompt_length, np.random.default_rng(seed))

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self._group)

    @property
    def tasks(self) -> list[str]:
        """Return the tasks' languages."""
        return sorted({task for task, _ in self._styles})

    def batch(self, rows: int, generator: torch.Generator) -> Batch:
        """Return ``rows`` random steps, each with one of its wordings."""
        at = torch.randint(len(self), (rows,), generator=generator)
        wording = torch.randint(WORDINGS, (rows,), generator=generator)
        group = self._group[at]
        pictures = [self._pictures(*place) for place in self._place[at].tolist()]
        base, wrist = zip(*pictures, strict=True)
        columns = {
            "base": torch.stack(base),
            "wrist": torch.stack(wrist),
            "state": self._state[at],
            "prompt": self._prompts[group, wording],
            "aim": self._aim[at],
            "actions": self._actions[at],
            "narration": self._narrations[group, wording],
        }
        return Batch(**{name: column.to(self.device) for name, column in columns.items()})

    def _pictures(self, episode: int, step: int) -> tuple[Tensor, Tensor]:
        base, wrist = self._images[episode]
        return base[step], wrist[step]

    def _draw_words(
        self, tokenizer: PocketTokenizer, length: int, rng: np.random.Generator
    ) -> None:
        prompts, narrations = [], []
        for task, style in self._styles:
            texts = [instruction(task, style, rng) for _ in range(WORDINGS)]
            prompts.append(prompt_ids(texts, tokenizer, length))
            told = [[*tokenizer.encode(narration(style, rng)), END] for _ in range(WORDINGS)]
            narrations.append(padded(told, NARRATION_LENGTH))
        longest = int((np.stack(prompts) != PAD).sum(-1).max())
        self._prompts = torch.from_numpy(np.stack(prompts)[:, :, :longest])
        self._narrations = torch.from_numpy(np.stack(narrations))


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


def _images(episode: Demonstration) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(episode.base), torch.from_numpy(episode.wrist)


def _columns(
    number: int, group: int, episode: Demonstration, tokenizer: PocketTokenizer
) -> tuple[NDArray[Any], ...]:
    """Return place (steps, 2), group (steps,), state, aim and action tokens of an episode."""
    steps = len(episode.actions)
    return (
        np.stack([np.full(steps, number), np.arange(steps)], axis=1),
        np.full(steps, group),
        state_vector(episode.tcp_pose, episode.gripper),
        episode.aim,
        tokenizer.encode_actions(episode.actions),
    )
