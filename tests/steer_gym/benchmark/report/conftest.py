"""Studies with known effects: episodes drawn from numbers that the test gives."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steer_gym.benchmark.report.study import Study, read_studies
from steer_gym.convention import LIBERO_DELTA
from steer_gym.episode import Step
from steer_gym.evaluation.measures import measure
from steer_gym.evaluation.steps import write_steps

MakeStudy = Callable[..., Study]
MakeFolder = Callable[..., Path]
BASELINE = {"condition": "unsteered", "kind": "baseline"}


def condition(name: str, **changed: Any) -> dict[str, Any]:
    """Return what is known of a condition.

    ``effects`` are added to the baseline's measures, ``sizes`` are those of the steering.
    """
    return {"condition": name, "kind": "steered", "concept": name.split()[0], **changed}


def episode(
    known: dict[str, Any], task: int, state: int, rng: np.random.Generator
) -> tuple[dict[str, Any], list[Step]]:
    """Return a row, and steps that are as fast as the row says."""
    effects = known.get("effects", {})
    speed = 0.1 + 0.02 * task + 0.01 * rng.normal() + effects.get("speed_m_s", 0.0)
    steps = _steps(speed, int(40 + effects.get("steps", 0)), effects.get("invalid", 0))
    measures = asdict(measure(steps, LIBERO_DELTA))
    for name, shift in effects.items():
        if name in measures and name not in ("speed_m_s", "steps") and measures[name] is not None:
            measures[name] += shift
    row = {
        "key": f"{known['condition']}-task-{task}-init-{state}".replace(" ", "-"),
        **{k: v for k, v in known.items() if k not in ("effects", "sizes", "solved", "crashes")},
        "baseline": "unsteered",
        "policy_label": "made-up",
        "suite": "nowhere",
        "env": "toy/Reach-v0",
        "task": task,
        "init_state": state,
        "instruction": f"do {task}",
        "success": bool(rng.random() < known.get("solved", 1.0)),
        "error": None,
        **measures,
        **known.get("sizes", {}),
        "digest": f"{known['condition']}/{task}/{state}",
        "policy": {"name": "made-up"},
        "config": {"steering": {"edits": []} if known["kind"] != "baseline" else None},
        "convention": asdict(LIBERO_DELTA),
        "provenance": {"commit": "0000000"},
    }
    if state in known.get("crashes", ()):
        row |= {"error": "it broke", "success": None}
    return row, steps


@pytest.fixture(scope="module")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> MakeFolder:
    """Return the maker of folders of results; ``inside`` names a folder within a new one."""

    def make(
        conditions: Sequence[dict[str, Any]],
        *,
        tasks: int = 3,
        states: int = 4,
        seed: int = 0,
        inside: str = "",
    ) -> Path:
        folder = tmp_path_factory.mktemp("results") / inside
        rng, rows = np.random.default_rng(seed), []
        for known in (BASELINE, *conditions):
            for task in range(tasks):
                for state in range(states):
                    row, steps = episode(known, task, state, rng)
                    write_steps(folder, row["key"], steps)
                    rows.append(json.dumps(row) + "\n")
        (folder / "episodes.jsonl").write_text("".join(rows))
        return folder

    return make


@pytest.fixture
def make_study(make_folder: MakeFolder) -> MakeStudy:
    """Return the maker of a study, which takes what that of a folder takes."""
    return lambda *given, **further: read_studies(make_folder(*given, **further))[0]


def _steps(speed: float, count: int, invalid: int) -> list[Step]:
    """Return steps that slow down by half towards the end of 40, as arms do."""
    steps, way = [], 0.0
    for number in range(count):
        here = speed * (1.25 if number < 20 else 0.75)
        way += here / LIBERO_DELTA.rate_hz
        steps.append(
            Step(
                command=(min(here, 1.0), 0.0, 0.0, 0.0, 0.0, 0.0, 1.0 if number > 5 else -1.0),
                tcp_pose=(way, 0.0, 0.3, 0.0, 0.0, 0.0),
                moved_m=here / LIBERO_DELTA.rate_hz,
                speed_m_s=here,
                reward=0.0,
                steering="",
                neurons=0,
                tokens=7,
                invalid_tokens=invalid,
                latency_s=0.01,
            )
        )
    return steps
