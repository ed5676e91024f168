"""Films of two episodes from one initial state, side by side, with the steering drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.convention import ActionConvention
from steer_gym.episode import Step
from steer_gym.evaluation.rows import Row
from steer_gym.extras import require
from steer_gym.figure_style import GRID, INK, MUTED, STYLE, colour
from steer_gym.film import Frame, read_film, write_film

from .expectation import expectations
from .roles import Role
from .study import Study
from .traces import smooth

SIDE, GAP, HEAD, STRIP, DPI = 192, 8, 24, 64, 100
BORDER = 4
"""Width of the frame that shows that steering acts [pixels]."""
DIMMED = 0.45
"""Brightness of the last picture of an episode that has ended before the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Side:
    """One of the two episodes."""

    title: str
    tint: str
    frames: Sequence[Frame]
    steps: Sequence[Step]
    trace: NDArray[np.float64]
    """What the strip below shows, one number a step."""


def paired_film(study: Study, row: Row, path: Path) -> bool:
    """Write the film of an episode beside its baseline's; tell whether both were filmed."""
    role = study.roles[row["condition"]]
    other = study.ended[study.baseline].get((row["task"], row["init_state"]))
    if other is None or study.film(row) is None or study.film(other) is None:
        return False
    measure = expectations(role.concept)[0].measure
    sides = [
        _side(study, other, study.baseline, colour(study.baseline), measure),
        _side(study, row, _title(role), colour(role.label, role.kind), measure),
    ]
    write_film(path, _composed(sides, measure), rate_hz=_rate_hz(row))
    return True


def _rate_hz(row: Row) -> float:
    convention = row.get("convention")
    return ActionConvention(**convention).rate_hz if convention else 20.0


def _title(role: Role) -> str:
    dose = "" if role.alpha is None or role.kind == "prompt" else f", alpha {role.alpha:g}"
    return f"{role.name}{dose}" if f"a{role.alpha or 0:g}" not in role.name else role.name


def _side(study: Study, row: Row, title: str, tint: str, measure: str) -> Side:
    film, steps = study.film(row), study.steps(row)
    assert film is not None
    speeds = measure == "speed_m_s"
    trace = smooth([s.speed_m_s for s in steps]) if speeds else [s.tcp_pose[2] for s in steps]
    return Side(
        title=title,
        tint=tint,
        frames=[_enlarged(frame) for frame in read_film(film)],
        steps=steps,
        trace=np.asarray(trace, np.float64),
    )


def _composed(sides: Sequence[Side], measure: str) -> list[Frame]:
    height, width = sides[0].frames[0].shape[:2]
    ground, (left, right) = _ground(sides, measure, height, width)
    length = max(len(side.frames) for side in sides)
    frames = []
    for step in range(length):
        frame = ground.copy()
        for place, side in enumerate(sides):
            x = place * (width + GAP)
            frame[HEAD : HEAD + height, x : x + width] = _picture(side, step)
        cursor = round(left + (right - left) * step / max(length - 1, 1))
        frame[HEAD + height + 4 :, cursor : cursor + 1] = _rgb(INK)
        frames.append(frame)
    return frames


def _picture(side: Side, step: int) -> Frame:
    """Return a side's picture: framed while steering acts, dimmed when its episode is over."""
    picture = side.frames[min(step, len(side.frames) - 1)].copy()
    if step >= len(side.frames):
        return (picture * DIMMED).astype(np.uint8)
    if step < len(side.steps) and side.steps[step].steering:
        inside = picture[BORDER:-BORDER, BORDER:-BORDER].copy()
        picture[:] = _rgb(side.tint)
        picture[BORDER:-BORDER, BORDER:-BORDER] = inside
    return picture


def _ground(
    sides: Sequence[Side], measure: str, height: int, width: int
) -> tuple[Frame, tuple[float, float]]:
    """Return what stays: titles and traces, and where the time axis begins and ends [pixels]."""
    matplotlib: Any = require("matplotlib", extra="bench")
    figures: Any = require("matplotlib.figure", extra="bench")
    agg: Any = require("matplotlib.backends.backend_agg", extra="bench")
    wide, high = 2 * width + GAP, HEAD + height + STRIP
    with matplotlib.rc_context(STYLE | {"font.size": 7.5}):
        figure = figures.Figure(figsize=(wide / DPI, high / DPI), dpi=DPI, facecolor="white")
        axis = figure.add_axes((0.02, 6 / high, 0.96, (STRIP - 22) / high))
        for place, side in enumerate(sides):
            x = (place * (width + GAP) + 4) / wide
            figure.text(x, 1 - HEAD / 2 / high, side.title, color=side.tint, va="center",
                        weight="bold", fontsize=8.5)  # fmt: skip
            axis.plot(side.trace, color=side.tint, linewidth=1.3)
        axis.set_xlim(0, max(len(side.trace) for side in sides) - 1 or 1)
        axis.set(xticks=[], yticks=[])
        axis.spines["bottom"].set_color(GRID)
        said = "speed of the tool" if measure == "speed_m_s" else "height of the tool"
        figure.text(0.02, (STRIP - 12) / high, said, color=MUTED, va="center")
        canvas = agg.FigureCanvasAgg(figure)
        canvas.draw()
        ground = np.asarray(canvas.buffer_rgba())[:high, :wide, :3].copy()
    return ground, (0.02 * wide, 0.98 * wide)


def _enlarged(frame: Frame) -> Frame:
    times = max(1, round(SIDE / frame.shape[1]))
    larger = frame.repeat(times, axis=0).repeat(times, axis=1)
    return larger[: larger.shape[0] // 2 * 2, : larger.shape[1] // 2 * 2]


def _rgb(tint: str) -> tuple[int, int, int]:
    return int(tint[1:3], 16), int(tint[3:5], 16), int(tint[5:7], 16)
