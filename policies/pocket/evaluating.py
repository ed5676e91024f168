"""How often Pocket solves its tasks from the stored initial states, none of which it trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from steer_gym.evaluation import Condition, Grid, evaluate
from steer_gym.statistics import wilson

from .policy import PocketPolicy


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What to evaluate on."""

    checkpoint: Path | None
    """Folder of weights; ``None``: the shipped ones."""
    out: Path
    """Folder of the results; a second run goes on where the first one stopped."""
    env: str
    tasks: tuple[int, ...]
    init_states: tuple[int, ...]
    rendering: Literal["fast", "reference"] = "fast"
    envs: int = 2


def evaluate_checkpoint(config: EvaluateConfig) -> str:
    """Run every task from every initial state, unsteered, and return a table of success rates."""
    policy = PocketPolicy(config.checkpoint)
    size = policy.model.sizes.image_size
    grid = Grid(
        env=config.env,
        conditions=(Condition(name="unsteered"),),
        tasks=config.tasks,
        init_states=config.init_states,
        env_options={"rendering": config.rendering, "image_size": size},
    )
    options = {} if config.checkpoint is None else {"checkpoint": str(config.checkpoint)}
    rows = evaluate(grid, policy, config.out, policy_options=options, envs=config.envs)
    lines = [f"{'task':<62}{'success':>9}  95 % interval"]
    for task in (*config.tasks, None):
        ended = [r for r in rows if r["error"] is None and task in (None, r["task"])]
        rate = wilson(sum(row["success"] for row in ended), len(ended))
        name = "all" if task is None else f"{task}: {ended[0]['instruction'] if ended else '?'}"
        lines.append(
            f"{name:<62}{100 * rate.value:>7.0f} %  {100 * rate.low:.0f} to {100 * rate.high:.0f} %"
            f" of {rate.count}"
        )
    return "\n".join(lines)
