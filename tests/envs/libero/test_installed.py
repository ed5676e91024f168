from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from steer_gym.envs.libero.initial_states import read_states
from steer_gym.envs.libero.installed import task_of, tasks_of
from steer_gym.envs.libero.suites import suite_named
from steer_gym.errors import UnknownNameError

SPATIAL = suite_named("libero_spatial")


def test_a_task_is_found_by_index_name_and_language() -> None:
    task = task_of(SPATIAL, 3)
    assert task_of(SPATIAL, task.name) == task
    assert task_of(SPATIAL, task.instruction.upper()) == task
    assert task.instruction == (
        "pick up the black bowl on the cookie box and place it on the plate"
    )


def test_tasks_are_in_the_order_of_libero() -> None:
    from libero.libero.benchmark import libero_task_map

    assert [task.name for task in tasks_of(SPATIAL)] == libero_task_map["libero_spatial"]


def test_words_that_several_tasks_share_are_refused_with_their_indices() -> None:
    with pytest.raises(UnknownNameError, match="0: KITCHEN_SCENE10_close_the_top_drawer"):
        task_of(suite_named("libero_90"), "close the top drawer of the cabinet")


def test_a_reworded_suite_says_its_own_words_in_plain_ascii() -> None:
    words = [task.instruction for task in tasks_of(suite_named("libero_goal_lan"))]
    assert "open the cabinet's middle drawer" in words


def test_every_task_of_an_original_suite_has_fifty_states() -> None:
    for name in ("libero_spatial", "libero_object", "libero_goal", "libero_10"):
        assert [len(read_states(task.states_file)) for task in tasks_of(suite_named(name))] == [
            50
        ] * 10


def test_states_that_torch_wrote_are_read(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    states = np.arange(6.0).reshape(2, 3)
    torch.save(states, tmp_path / "task.pruned_init")
    assert np.array_equal(read_states(tmp_path / "task.pruned_init"), states)


def upstream_checkout(folder: Path) -> None:
    """Lay out the parts of upstream's package that matter, with its question and its torch."""
    package = folder / "libero" / "libero"
    (package / "benchmark").mkdir(parents=True)
    (package / "bddl_files" / "libero_spatial").mkdir(parents=True)
    (package.parent / "__init__.py").touch()
    (package / "__init__.py").write_text(
        "import os, yaml\n"
        "folder = os.environ.get('LIBERO_CONFIG_PATH', os.path.expanduser('~/.libero'))\n"
        "file = os.path.join(folder, 'config.yaml')\n"
        "if not os.path.exists(file):\n"
        "    input('Do you want to specify a custom path for the dataset folder? (Y/N): ')\n"
        "def get_libero_path(key):\n"
        "    return yaml.safe_load(open(file))[key]\n"
    )
    (package / "benchmark" / "__init__.py").write_text("raise ImportError('torch')\n")
    (package / "benchmark" / "libero_suite_task_map.py").write_text(
        "libero_task_map = {'libero_spatial': ['lift_the_bowl']}\n"
    )


def run_with_checkout(tmp_path: Path, code: str) -> subprocess.CompletedProcess[str]:
    """Run ``code`` where the checkout is what ``libero`` means, and nothing can be asked."""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "PYTHONPATH": str(tmp_path / "checkout"),
            "HOME": str(tmp_path / "home"),
            "STEER_GYM_CACHE": str(tmp_path / "cache"),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_upstream_checkout_is_read_without_a_question(tmp_path: Path) -> None:
    upstream_checkout(tmp_path / "checkout")
    code = (
        "from steer_gym.envs.libero.installed import task_of, libero_path\n"
        "from steer_gym.envs.libero.suites import suite_named\n"
        "print(task_of(suite_named('libero_spatial'), 0).instruction, libero_path('assets'))"
    )
    run = run_with_checkout(tmp_path, code)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("lift the bowl")
    assert str(tmp_path / "checkout") in run.stdout
    assert not (tmp_path / "home").exists()


def test_a_libero_without_scenes_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    upstream_checkout(tmp_path / "checkout")
    code = "from steer_gym.envs.libero.assets import require_assets; require_assets()"
    run = run_with_checkout(tmp_path, code)
    assert run.returncode != 0
    assert "checkout without a version) has no scenes" in run.stderr
    assert "steer_gym[libero]" in run.stderr
