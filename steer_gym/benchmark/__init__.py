"""Benchmarks: policies x suites x conditions as one small file, run once a cell, and measured."""

from .plan import Benchmark, PolicyChoice, Suite
from .plan_file import load_benchmark, save_benchmark
from .treatment import Treatment

__all__ = [
    "Benchmark",
    "PolicyChoice",
    "Suite",
    "Treatment",
    "load_benchmark",
    "save_benchmark",
]
