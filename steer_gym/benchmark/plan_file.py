"""A benchmark in a small file, JSON or YAML by its ending."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steer_gym.errors import EvaluationError, SteerGymError
from steer_gym.extras import require
from steer_gym.results import atomic_path

from .plan import Benchmark

YAML = (".yaml", ".yml")


def save_benchmark(benchmark: Benchmark, path: str | Path) -> None:
    """Write the file, whole or not at all."""
    data, path = benchmark.to_json(), Path(path)
    if path.suffix in YAML:
        plain = json.loads(json.dumps(data))  # tuples become lists, which YAML knows
        text = require("yaml", extra="bench").safe_dump(
            plain, sort_keys=False, allow_unicode=True, width=100
        )
    else:
        text = json.dumps(data, indent=1) + "\n"
    with atomic_path(path) as partial:
        partial.write_text(text, encoding="utf-8")


def load_benchmark(path: str | Path) -> Benchmark:
    """Read a file that ``save_benchmark`` or a person wrote.

    Raises:
        EvaluationError: It cannot be read, or holds something else.
    """
    path = Path(path)
    if not path.exists():
        raise EvaluationError(
            f"There is no file {path}. `steer-gym bench quick --policy pocket --save-plan FILE` "
            "writes a plan to begin with."
        )
    if path.is_dir():
        raise EvaluationError(f"{path} is a folder; a plan is a file, such as its benchmark.json.")
    try:
        data = _parsed(path)
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"Cannot read the benchmark {path}: {error}.") from error
    if not isinstance(data, Mapping):
        raise EvaluationError(f"{path} holds no benchmark but {type(data).__name__}.")
    try:
        return Benchmark.from_json(data)
    except SteerGymError as error:
        raise EvaluationError(f"{path}: {error}") from error


def _parsed(path: Path) -> Any:
    text = path.read_text(encoding="utf-8")
    if path.suffix in YAML:
        yaml = require("yaml", extra="bench")
        try:
            return yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise EvaluationError(f"{path} is not YAML: {error}") from error
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise EvaluationError(f"{path} is not JSON: {error}.") from error
