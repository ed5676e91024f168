"""Steps go to a file and come back equal, in either format."""

from __future__ import annotations

from pathlib import Path

import pytest

from steer_gym.episode import Step
from steer_gym.errors import ResultsError
from steer_gym.evaluation import steps as module
from steer_gym.evaluation.rows import write_rows
from steer_gym.evaluation.steps import has_steps, read_steps, write_steps

STEPS = [
    Step(
        command=(0.1, -0.2, 0.3), tcp_pose=(0.0, 0.1, 0.2, 0.0, 0.0, 0.3), moved_m=0.1,
        speed_m_s=1 / 3, reward=0.0, steering="a", neurons=2, tokens=7, invalid_tokens=1,
        latency_s=0.5, force_n=force, steering_size=force,
        elapsed_s=force,
    )
    for force in (None, 2.5)
]  # fmt: skip


@pytest.mark.parametrize("columnar", [True, False])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_steps_come_back_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columnar: bool, count: int
) -> None:
    if columnar:
        pytest.importorskip("pyarrow", reason="needs the extra 'bench'")
    else:
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert not has_steps(tmp_path, "cell")
    write_steps(tmp_path, "cell", STEPS[:count])
    assert has_steps(tmp_path, "cell")
    assert read_steps(tmp_path, "cell") == STEPS[:count]
    ending = ".parquet" if columnar else ".jsonl"
    assert [path.name for path in (tmp_path / "steps").iterdir()] == [f"cell{ending}"]


@pytest.mark.parametrize("columnar", [True, False])
def test_steps_from_before_sizes_and_times_were_measured_have_none(
    tmp_path: Path, columnar: bool
) -> None:
    plain = [
        {k: v for k, v in step.to_json().items() if "steering_size" not in k and k != "elapsed_s"}
        for step in STEPS
    ]
    if columnar:
        arrow = pytest.importorskip("pyarrow", reason="needs the extra 'bench'")
        parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'bench'")
        (tmp_path / "steps").mkdir()
        parquet.write_table(arrow.Table.from_pylist(plain), tmp_path / "steps" / "cell.parquet")
    else:
        write_rows(tmp_path / "steps" / "cell.jsonl", plain)
    read = read_steps(tmp_path, "cell")
    assert [step.steering_size for step in read] == [None, None]
    assert [step.elapsed_s for step in read] == [None, None]
    assert [step.neurons for step in read] == [2, 2]


def test_steps_that_are_not_there_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"Cannot read .*cell"):
        read_steps(tmp_path, "cell")
