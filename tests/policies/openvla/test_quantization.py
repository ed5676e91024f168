from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym import make_policy
from steer_gym.errors import SteerGymError


def test_a_cpu_says_that_quantization_needs_cuda(golden_folder: Path) -> None:
    with pytest.raises(SteerGymError, match="quantization='nf4' needs CUDA, but the device is cpu"):
        make_policy("openvla", checkpoint=golden_folder, device="cpu", quantization="nf4")


def test_unknown_ways_are_named(golden_folder: Path) -> None:
    with pytest.raises(SteerGymError, match="one of int8, nf4, or None, but is 'fp4'"):
        make_policy("openvla", checkpoint=golden_folder, device="cpu", quantization="fp4")
