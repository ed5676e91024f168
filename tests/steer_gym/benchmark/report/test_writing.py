"""A report is whole: page, figures, tables, numbers, and every number leads back to rows."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra 'bench'")

from steer_gym.benchmark.report.study import read_studies
from steer_gym.benchmark.report.writing import Report, write_report
from steer_gym.errors import ResultsError
from steer_gym.film import write_film

MakeFolder = Callable[..., Path]


def dose(concept: str, alpha: float, size: int, depth: str | None, speed: float) -> dict[str, Any]:
    name = " ".join(str(part) for part in (concept, size, depth, f"a{alpha:g}") if part)
    known = {"condition": name, "kind": "steered", "concept": concept}
    effects = {"speed_m_s": speed, "commanded_y": speed}
    return {**known, "alpha": alpha, "size": size, "depth": depth, "effects": effects}


GRID = [
    *(dose("fast", a, s, None, 0.001 * a * s) for s in (10, 20) for a in (2.0, 4.0)),
    *(dose("slow", a, s, None, -0.001 * a) for s in (10, 20) for a in (2.0, 4.0)),
    *(
        dose("up", a, s, depth, 0.001 * s)
        for depth in ("early", "late") for s in (10, 20, 40) for a in (2.0, 4.0)
    ),
    {**dose("fast", 4.0, 10, None, 0.0), "condition": "random like fast 10 a4", "kind": "random",
     "control_of": "fast 10 a4"},
]  # fmt: skip


@pytest.fixture(scope="module")
def written(make_folder: MakeFolder) -> tuple[Path, Report]:
    """Return a folder of results, and its report."""
    folder = make_folder(GRID, tasks=2, states=2)
    return folder, write_report(folder)


def test_a_grid_like_the_papers_gives_its_figures(written: tuple[Path, Report]) -> None:
    folder, report = written
    out = folder / "report"
    assert report.page == out / "index.html"
    names = {path.stem for path in (out / "figures").iterdir()}
    assert names == {
        "dose-fast-and-slow", "surface-up-commanded-y", "surface-up-mean-height-m", "dose-up",
        "differences", "tradeoff", "traces",
    }  # fmt: skip
    for name in names:
        svg = (out / "figures" / f"{name}.svg").read_text()
        assert ElementTree.fromstring(svg).tag.endswith("svg")
        assert (out / "figures" / f"{name}.png").stat().st_size > 5_000
    content = report.page.read_text()
    assert content.count("<img ") == len(names)
    assert "$" not in re.sub(r"data:[^\"]*", "", content)
    assert "Of 3 concepts" in content
    assert report.words.startswith("Of 3 concepts")


def test_a_report_of_the_same_rows_is_the_same(make_folder: MakeFolder, tmp_path: Path) -> None:
    folder = make_folder(GRID[:2], tasks=1)
    one, other = (write_report(folder, tmp_path / name).page.parent for name in ("a", "b"))
    files = [path.relative_to(one) for path in one.rglob("*") if path.suffix not in ("", ".png")]
    assert len(files) > 6
    for file in files:
        assert (one / file).read_bytes() == (other / file).read_bytes(), file


def test_every_number_can_be_had_from_its_rows(written: tuple[Path, Report]) -> None:
    folder, _ = written
    (study,) = read_studies(folder)
    rows = {row["key"]: row for row in study.rows}
    checked = 0
    with (folder / "report" / "numbers.csv").open() as file:
        for line in csv.DictReader(file):
            if line["over"] == "full":
                pairs = [key.split("|") for key in line["rows"].split(" ")]
                values = [[float(rows[key][line["measure"]]) for key in pair] for pair in pairs]
                found = [value[0] - sum(value[1:]) for value in values]
                assert float(line["value"]) == pytest.approx(np.mean(found), abs=1e-12)
                assert int(line["count"]) == len(pairs)
                checked += 1
    assert checked > 100


def test_names_in_tables_lead_to_their_rows(written: tuple[Path, Report]) -> None:
    folder, report = written
    content = report.page.read_text()
    linked = set(re.findall(r'href="#([^"]+)"', content))
    anchors = set(re.findall(r'<details class="rows" id="([^"]+)"', content))
    assert linked
    assert linked <= anchors
    for row in read_studies(folder)[0].rows:
        assert f"<td>{row['key']}</td>" in content


def test_tables_are_csv_and_latex(written: tuple[Path, Report]) -> None:
    folder, _ = written
    tables = folder / "report" / "tables"
    assert {path.name for path in tables.iterdir()} == {
        f"{name}.{kind}" for name in ("tests", "differences", "means") for kind in ("csv", "tex")
    }
    with (tables / "differences.csv").open() as file:
        lines = list(csv.reader(file))
    assert lines[0][:4] == ["condition", "over", "pairs", "success [%]"]
    assert [line[:3] for line in lines[1:3]] == [
        ["fast 10 a2", "full length", "4"], ["fast 10 a2", "equal length", "4"],
    ]  # fmt: skip
    latex = (tables / "means.tex").read_text()
    assert latex.startswith(r"\begin{tabular}{lrrrr")
    assert r"[\%]" in latex
    assert not re.search(r"(?<!\\)[%_#]", latex)
    rows = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert len({line.count("&") for line in rows}) == 1


def test_several_policies_are_told_apart(make_folder: MakeFolder) -> None:
    folder = make_folder(GRID[:1], tasks=1, inside="one")
    text = (folder / "episodes.jsonl").read_text().replace('"made-up"', '"another"')
    (folder.parent / "two").mkdir()
    (folder.parent / "two" / "episodes.jsonl").write_text(text)
    report = write_report(folder.parent)
    content = report.page.read_text()
    assert "<h2>made-up in nowhere</h2>" in content
    assert "<h2>another in nowhere</h2>" in content
    assert (folder.parent / "report" / "tables" / "another-in-nowhere-means.csv").exists()
    (footer,) = re.findall("<footer>(.*?)</footer>", content, re.DOTALL)
    assert [line.partition(":")[0] for line in footer.split("<br>\n")] == [
        "made-up in nowhere", "another in nowhere"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (GRID[:1], "There are no controls here"),
        (GRID[:1] + GRID[-1:], "The controls here: random neurons of the same layers, as many."),
    ],
)
def test_only_controls_that_were_run_are_called_so(
    make_folder: MakeFolder, conditions: list[dict[str, Any]], said: str
) -> None:
    content = write_report(make_folder(conditions, tasks=1)).page.read_text()
    assert said in content
    assert "a dose of nothing" not in content


def test_films_of_several_policies_are_kept_apart(make_folder: MakeFolder) -> None:
    pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")
    one = make_folder(GRID[:1], tasks=1, states=1, inside="one")
    for key in ("unsteered-task-0-init-0", "fast-10-a2-task-0-init-0"):
        write_film(one / "films" / f"{key}.mp4", [np.zeros((64, 64, 3), np.uint8)] * 2, rate_hz=20)
    two = shutil.copytree(one, one.parent / "two") / "episodes.jsonl"
    two.write_text(two.read_text().replace('"made-up"', '"another"'))
    report = write_report(one.parent)
    assert {path.name for path in (report.page.parent / "paired").iterdir()} == {
        f"{policy}-in-nowhere-fast-10-a2-task-0-init-0.mp4" for policy in ("made-up", "another")
    }


def test_rows_that_say_nothing_of_roles_are_read_by_their_names(make_folder: MakeFolder) -> None:
    """So are the rows of older runs."""
    known = ("kind", "concept", "control_of", "policy_label", "suite", "baseline", "convention")
    folder = make_folder([GRID[0] | {"condition": "fast"}, GRID[-1] | {"condition": "told fast"},
                          GRID[-1] | {"condition": "random like fast"}], tasks=1)  # fmt: skip
    (study,) = read_studies(folder)
    for row in study.rows:
        for name in known:
            row.pop(name, None)
        if row["condition"] == "told fast":
            row["config"] = {"steering": None}
    roles = type(study)(**vars(study) | {"rows": study.rows}).roles
    kinds = {name: (role.kind, role.concept, role.control_of) for name, role in roles.items()}
    assert kinds == {
        "unsteered": ("baseline", None, None),
        "fast": ("steered", "fast", None),
        "random like fast": ("random", "fast", "fast"),
        "told fast": ("prompt", "fast", None),
    }


def test_a_folder_without_episodes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"holds no episodes: there is no episodes\.jsonl"):
        write_report(tmp_path)
    with pytest.raises(ResultsError, match="holds no episodes"):
        write_report(tmp_path / "nowhere")


def test_a_report_takes_the_place_of_the_last_one_and_of_nothing_else(
    make_folder: MakeFolder,
) -> None:
    """A dose less, so that its figure is no longer drawn."""
    folder = make_folder(GRID[:2], tasks=1)
    out = write_report(folder).page.parent
    old = out / "figures" / "dose-fast.svg"
    assert old.exists()
    for theirs in (out / "notes.txt", out / "figures" / "mine.svg"):
        theirs.write_text("mine")
    changed = out / "figures" / "dose-fast.png"
    changed.write_text("drawn over by hand")
    (folder / "episodes.jsonl").write_text(
        "".join(
            line
            for line in (folder / "episodes.jsonl").read_text().splitlines(keepends=True)
            if GRID[1]["condition"] not in line
        )
    )
    write_report(folder)
    assert not old.exists()
    assert (out / "notes.txt").read_text() == (out / "figures" / "mine.svg").read_text() == "mine"
    assert changed.read_text() == "drawn over by hand"
    listed = {line.split("  ")[1] for line in (out / "files.sha256").read_text().splitlines()}
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    others = {"notes.txt", "figures/mine.svg", "figures/dose-fast.png", "files.sha256"}
    assert there == listed | others


def test_a_report_that_fails_leaves_the_last_one(
    make_folder: MakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_folder(GRID[:1], tasks=1)
    out = write_report(folder).page.parent
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    (folder / "episodes.jsonl").write_text(
        (folder / "episodes.jsonl").read_text().replace("made-up", "another")
    )

    def fail(*_: Any) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("steer_gym.benchmark.report.writing.numbers", fail)
    with pytest.raises(KeyboardInterrupt):
        write_report(folder)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
