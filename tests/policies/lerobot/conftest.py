"""A small real policy with ``select_action``, and LeRobot's own where it is installed."""

from __future__ import annotations

from collections import deque
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

CAMERA = "observation.images.image"


def features(size: int = 8) -> dict[str, Any]:
    return {
        CAMERA: SimpleNamespace(shape=(3, size, size)),
        "observation.state": SimpleNamespace(shape=(8,)),
    }


class Chunked(torch.nn.Module):  # type: ignore[misc, name-defined]
    """A linear map from the picture to chunks of three actions, with noise, as LeRobot's are."""

    def __init__(self, noise: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.config = SimpleNamespace(input_features=features())
        self.map = torch.nn.Linear(3 * 8 * 8, 21)
        self.noise = noise
        self.queue: deque[Any] = deque()

    def reset(self) -> None:
        self.queue.clear()

    def select_action(self, batch: dict[str, Any]) -> Any:
        if not self.queue:
            picture = batch[CAMERA].flatten(1)
            chunk = self.map(picture).reshape(-1, 3, 7)
            self.queue.extend((chunk + self.noise * torch.randn_like(chunk)).unbind(1))
        return torch.tanh(self.queue.popleft())


@pytest.fixture
def chunked() -> Chunked:
    return Chunked()


@pytest.fixture
def noisy() -> Chunked:
    return Chunked(noise=1.0)
