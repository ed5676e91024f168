"""Evaluations: a grid of cells, each run once, measured, kept, and compared in pairs."""

from .grid import Cell, Condition, Grid
from .measures import Measures, measure
from .runner import evaluate
from .summary import Comparison, compare, summarise

__all__ = [
    "Cell",
    "Comparison",
    "Condition",
    "Grid",
    "Measures",
    "compare",
    "evaluate",
    "measure",
    "summarise",
]
