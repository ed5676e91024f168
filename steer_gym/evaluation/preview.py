"""What an evaluation would do, as text, after everything has been checked that can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from steer_gym.policy import Policy
from steer_gym.steering import Steering

from .grid import Condition, Grid
from .keeper import ended, known_rows
from .preflight import environment_options, policy_identity, preflight
from .rows import read_rows
from .runner import EPISODES


def preview(
    grid: Grid,
    policy: Policy,
    out: str | Path,
    *,
    policy_options: Mapping[str, Any] | None = None,
    envs: int = 1,
) -> str:
    """Return what ``evaluate`` would run with the same arguments; nothing is written.

    Raises:
        SteerGymError: ``evaluate`` would raise it before its first episode.
    """
    identity = policy_identity(policy, dict(policy_options or {}))
    options = environment_options(grid, policy.spec, film=False)
    preflight(grid, policy, options)
    path, cells = Path(out) / EPISODES, grid.cells()
    known = known_rows(read_rows(path) if path.exists() else [], grid, identity, path)
    done = sum(ended(known.get(cell.key)) for cell in cells)
    facts = {
        "policy": f"{identity['name']} {identity['fingerprint']}".strip(),
        "environment": f"{grid.env}, {_listed(f'{k}={v!r}' for k, v in options.items())}",
        "tasks": _listed(grid.tasks),
        "initial states": _listed(grid.init_states),
        "seed": str(grid.seed),
        "side by side": str(envs),
        "results": f"{path}",
        "episodes": f"{len(cells)}, of which {done} are there and {len(cells) - done} would run",
    }
    lines = [f"{name:<16}{value}" for name, value in facts.items()]
    return "\n".join([*lines, "conditions", *map(_described, grid.conditions)])


def _listed(members: Any) -> str:
    shown = ["its own" if member is None else str(member) for member in members]
    return ", ".join(shown) if len(shown) <= 12 else f"{', '.join(shown[:11])}, ... {shown[-1]}"


def _described(condition: Condition) -> str:
    steerings: Sequence[Steering] = [c.steering for c in condition.configs if c.steering]
    words = "" if condition.prompt == "{instruction}" else f'told "{condition.prompt}"'
    edits = (
        []
        if not steerings
        else [
            f"{edit.operation} {len(edit.neurons)} neurons by "
            f"{edit.alpha if isinstance(edit.alpha, float) else 'a number each'} at "
            f"{_listed(edit.positions)}"
            for edit in steerings[0].edits
        ]
    )
    schedule = "with a schedule" if condition.configs[0].schedule else ""
    draws = f"{len(steerings)} draws in turn" if len(steerings) > 1 else ""
    what = "; ".join(part for part in (words, *edits, schedule, draws) if part) or "as it is"
    return f"  {condition.name:<24}{what}"
