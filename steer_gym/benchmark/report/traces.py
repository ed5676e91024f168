"""Speed and height over time, of one place under several conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.episode import Step
from steer_gym.evaluation.clock import Clock
from steer_gym.figure_style import colour, drawn

SMOOTH = 5
"""Steps over which a trace of the speed is averaged."""


def traces(steps: Mapping[str, Sequence[Step]], tints: Mapping[str, str], rate_hz: float) -> Any:
    """Return the figure; ``tints`` holds a condition's colour where it is not its name's."""

    def draw(axes: Sequence[Any]) -> None:
        speeds, heights = axes
        for name, taken in steps.items():
            time_s = Clock.of(taken, rate_hz).ends_s
            style = {"color": tints.get(name, colour(name)), "linewidth": 1.6, "label": name}
            speeds.plot(time_s, smooth([step.speed_m_s for step in taken]), **style)
            heights.plot(time_s, [step.tcp_pose[2] for step in taken], **style)
        speeds.set_ylabel("measured speed [m/s]")
        heights.set_ylabel("height of the tool [m]")
        for axis in axes:
            axis.set_xlabel("time [s]")
        heights.legend(frameon=False, fontsize=8.5)

    return drawn(draw, panels=2, height_in=3.2)


def smooth(values: Sequence[float]) -> NDArray[np.float64]:
    """Return a running mean, of fewer values at the ends."""
    window = np.ones(min(SMOOTH, len(values)))
    counts = np.convolve(np.ones(len(values)), window, "same")
    means: NDArray[np.float64] = np.convolve(values, window, "same") / counts
    return means
