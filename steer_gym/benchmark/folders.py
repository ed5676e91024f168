"""Where the rows of one policy in one task go."""

from __future__ import annotations

import re
from pathlib import Path


def shard_folder(policy_label: str, suite: str, task: int | str | None) -> Path:
    """Return the folder of the rows with these columns."""
    parts = (policy_label, suite, "task" if task is None else f"task {task}")
    return Path(*(re.sub(r"[^\w.+=-]+", "-", part).strip("-.") for part in parts))
