"""LeRobot itself reads what is written.

It is no extra of this package, since its pins and ours exclude each other. To run this:
``pip install --no-deps lerobot==0.4.4`` and, likewise, what it then misses.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_world

from steer_gym.lerobot.layout import layout_named
from steer_gym.lerobot.replay import export_run


def item_of(dataset: Any, index: int) -> dict[str, Any]:
    """Return one frame; skip where LeRobot's decoder finds no ffmpeg."""
    try:
        item: dict[str, Any] = dataset[index]
    except (RuntimeError, AttributeError, ImportError) as error:
        pytest.skip(f"LeRobot decodes no video here: {str(error)[:200]}")
    return item


@pytest.mark.parametrize("layout", ["plain", "libero"])
def test_lerobot_reads_every_frame(
    lerobot_dataset: Any, run: Path, tmp_path: Path, layout: str
) -> None:
    export_run(run, tmp_path / "data", layout=layout)
    dataset = lerobot_dataset("steer_gym/toy", root=tmp_path / "data")
    assert dataset.num_episodes == 4
    assert dataset.meta.robot_type == "Reach-v0"
    assert set(dataset.meta.stats) >= {"action", "observation.state"}
    item = item_of(dataset, 0)
    assert item["task"] == "reach the target"
    assert item["action"].shape == (7,)
    assert np.allclose(item["observation.state"][:3], toy_world.START)
    last = item_of(dataset, len(dataset) - 1)
    assert last["task"] == "reach the target, quickly"
    assert bool(last["next.success"])
    camera = dataset.meta.camera_keys[0]
    assert camera in layout_named(layout).cameras.values()


def test_lerobot_decodes_the_picture_of_each_frame(
    lerobot_dataset: Any, run: Path, tmp_path: Path
) -> None:
    export_run(run, tmp_path / "data")
    dataset = lerobot_dataset("steer_gym/toy", root=tmp_path / "data")
    for index in (0, len(dataset) // 2, len(dataset) - 1):
        item = item_of(dataset, index)
        picture = item["observation.images.base"].numpy()
        assert picture.shape == (3, 8, 8)
        assert picture[:, 2:, 2:].max() < 0.1  # the toy world is dark but for its corner
        assert picture[:, 0, 0].max() > 0.1
