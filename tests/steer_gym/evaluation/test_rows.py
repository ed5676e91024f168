"""Rows survive whatever ends a run, and one writer at a time writes them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from steer_gym.errors import ResultsError
from steer_gym.evaluation.rows import RowFile, export, read_rows, write_parquet, write_rows

ROWS = [{"key": "a", "x": 1.5}, {"key": "b", "x": None, "nested": {"y": [1, "ü"]}}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new" / "episodes.jsonl"


def test_rows_come_back(path: Path) -> None:
    with RowFile(path) as file:
        for row in ROWS:
            file.append(row)
        assert read_rows(path) == ROWS
    with RowFile(path) as file:
        assert file.rows == ROWS


def test_a_row_that_was_not_finished_is_forgotten(path: Path) -> None:
    with RowFile(path) as file:
        file.append(ROWS[0])
    with path.open("ab") as half:
        half.write(b'{"key": "b", "x"')
    assert read_rows(path) == ROWS[:1]
    with RowFile(path) as file:
        file.append(ROWS[1])
    assert read_rows(path) == ROWS


def test_two_writers_are_one_too_many(path: Path) -> None:
    with RowFile(path), pytest.raises(ResultsError, match=r"Another run is writing to .*--out"):
        RowFile(path)
    RowFile(path).__exit__(None, None, None)


def test_another_file_is_left_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("no rows\n")
    with pytest.raises(ResultsError, match="line 1, is not JSON"):
        RowFile(path)
    path.write_text("[1]\n")
    with pytest.raises(ResultsError, match=r"line 1, is not a row but '\[1\]'"):
        RowFile(path)
    assert path.read_text() == "[1]\n"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsError, match=r"Cannot create .*file/x.*Choose another --out"):
        RowFile(tmp_path / "file" / "x" / "episodes.jsonl")
    (tmp_path / "episodes.jsonl").mkdir()
    with pytest.raises(ResultsError, match=r"Cannot write .*episodes.jsonl"):
        RowFile(tmp_path / "episodes.jsonl")
    with pytest.raises(ResultsError, match="Cannot read"):
        read_rows(tmp_path / "nothing.jsonl")


def test_what_is_not_a_number_is_not_written(path: Path) -> None:
    with RowFile(path) as file, pytest.raises(ValueError, match="not JSON compliant"):
        file.append({"key": "a", "x": float("nan")})
    assert read_rows(path) == []


def test_files_are_written_whole(tmp_path: Path) -> None:
    write_rows(tmp_path / "steps.jsonl", ROWS)
    assert read_rows(tmp_path / "steps.jsonl") == ROWS
    assert os.listdir(tmp_path) == ["steps.jsonl"]


def test_parquet_holds_the_latest_row_of_each_key(path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'bench'")
    with RowFile(path) as file:
        for row in ({"key": "a", "x": 1.0, "task": 3, "error": "broke"}, *ROWS):
            file.append(row)
        export(file)
    table = parquet.read_table(path.with_suffix(".parquet")).to_pylist()
    assert [row["key"] for row in table] == ["a", "b"]
    assert [row["x"] for row in table] == [1.5, None]
    assert json.loads(table[1]["nested"]) == ROWS[1]["nested"]


def test_parquet_takes_columns_of_mixed_kinds(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra 'bench'")
    write_parquet(tmp_path / "t.parquet", [{"task": 1, "n": 1}, {"task": "open", "n": 0.5}])
    table = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    assert table == [{"task": "1", "n": 1.0}, {"task": "open", "n": 0.5}]


def test_a_row_for_which_there_is_no_room_is_said_and_those_before_stay(path: Path) -> None:
    resource = pytest.importorskip("resource", reason="not on Windows")
    write_rows(path, ROWS[:1])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, limits[1]))
    try:
        with (
            pytest.raises(ResultsError, match=r"Cannot write .*File too large.* Make room"),
            RowFile(path) as file,
        ):
            file.append(ROWS[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert read_rows(path) == ROWS[:1]
    with RowFile(path) as file:
        file.append(ROWS[1])
    assert read_rows(path) == ROWS


def test_a_file_where_a_folder_is_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(ResultsError, match=r"Cannot write .*plan\.json: .*Is a directory"):
        write_rows(tmp_path / "plan.json", ROWS)
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]
