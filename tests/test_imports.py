"""The core and the hardware wing need numpy and gymnasium, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

LOADED = """
import sys, numpy, gymnasium, gymnasium.spaces
before = set(sys.modules)
import {module}
roots = {{name.partition(".")[0] for name in set(sys.modules) - before}}
known = {{name.partition(".")[0] for name in before}} | sys.stdlib_module_names | {{"steer_gym"}}
print(*sorted(root for root in roots - known if not root.startswith("__editable__")))
"""


@pytest.mark.parametrize(
    "module",
    [
        "steer_gym",
        "steer_gym.affine",
        "steer_gym.checking",
        "steer_gym.envs",
        "steer_gym.hardware",
        "steer_gym.policies",
        "steer_gym.policies.engines",
    ],
)
def test_imports_nothing_heavy(module: str) -> None:
    script = LOADED.format(module=module)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
