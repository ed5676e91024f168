"""Draw the README's picture from a finished demo.

    python docs/draw_picture.py runs/demo docs/demo.png

Left: the same initial state at the same moments, unsteered and with the neurons of "fast" held.
Right: what every condition did to the arm's measured speed.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

from steer_gym.evaluation.rows import read_rows
from steer_gym.evaluation.runner import EPISODES
from steer_gym.evaluation.summary import compare
from steer_gym.film import read_film

TIMES_S = (1.0, 2.0, 3.0, 4.0)
RATE_HZ = 20
SHOWN = ("unsteered", "fast")
COMPARED = ("fast", "slow", "random like fast", "told fast", "told slow")
COLOURS = {"fast": "#d1495b", "slow": "#2e86ab"}


def main() -> None:
    """Read the folder, draw, save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("demo", type=Path)
    parser.add_argument("picture", type=Path)
    options = parser.parse_args()
    figure, (films, effects) = plt.subplots(
        1, 2, figsize=(12, 3.7), layout="constrained", width_ratios=(2.4, 1)
    )
    draw_films(films, options.demo / "films")
    draw_effects(effects, read_rows(options.demo / EPISODES))
    figure.savefig(options.picture, dpi=110)


def draw_films(axis: Any, folder: Path) -> None:
    """Draw one row of pictures a condition; a film that has ended shows its last picture."""
    rows = []
    for name in SHOWN:
        frames = read_film(next(folder.glob(f"{name}-*.mp4")))
        wanted = [min(int(t * RATE_HZ), len(frames) - 1) for t in TIMES_S]
        rows.append(np.concatenate([frames[i] for i in wanted], axis=1))
    axis.imshow(np.concatenate(rows))
    side = rows[0].shape[0]
    axis.set_xticks([side * (i + 0.5) for i in range(len(TIMES_S))], [f"{t:g} s" for t in TIMES_S])
    axis.set_yticks([side * (i + 0.5) for i in range(len(SHOWN))], SHOWN)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)


def draw_effects(axis: Any, rows: Any) -> None:
    """Draw the paired differences of the measured speed, with their intervals."""
    for place, name in enumerate(COMPARED):
        speed = compare(rows, name, "unsteered").differences["speed_m_s"]
        colour = COLOURS.get(name.removeprefix("told "), "#8a94a3")
        axis.plot([speed.low, speed.high], [place] * 2, color=colour, linewidth=3)
        axis.plot(speed.value, place, "o", color=colour, markersize=8)
    axis.axvline(0, color="#1c2430", linewidth=0.8)
    axis.set_yticks(range(len(COMPARED)), COMPARED)
    axis.invert_yaxis()
    axis.set_xlabel("speed against unsteered [m/s]")
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.grid(axis="x", color="#e4e8ee")


if __name__ == "__main__":
    main()
