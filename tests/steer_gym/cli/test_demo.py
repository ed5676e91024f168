"""``steer-gym demo`` in the toy world, from nothing to the page."""

from __future__ import annotations

import base64
import re
from argparse import Namespace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import toy_world

pytest.importorskip("matplotlib", reason="needs the extra 'bench'")
pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")

from steer_gym import Policy
from steer_gym.benchmark.report.writing import INDEX
from steer_gym.cli import demo
from steer_gym.cli.parser import Parser
from steer_gym.evaluation import Grid
from steer_gym.evaluation.conditions import UNSTEERED
from steer_gym.evaluation.rows import read_rows
from steer_gym.film import read_film
from steer_gym.registry import POLICIES

PLACES = Grid(
    env="toy_world:toy/Reach-v0", conditions=(UNSTEERED,), tasks=(0, 1), init_states=(0, 1, 2)
)
VOID = {"meta", "link", "img", "br", "input", "hr"}


class Page(HTMLParser):
    """Collects what a page refers to, and sees that its elements close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.sources += [(tag, v or "") for k, v in attributes if k in ("src", "href", "poster")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def options(out: Path, *further: str) -> Namespace:
    parser = Parser()
    demo.configure(parser)
    return parser.parse_args(["--policy", "reach", "--out", str(out), "--quiet", *further])


class Interrupting(toy_world.ReachPolicy):
    calls = 100

    def plan(self, observation: Any, config: Any = None) -> Any:
        self.calls -= 1
        if self.calls == 0:
            raise KeyboardInterrupt
        return super().plan(observation, config)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a demo that was interrupted and then went on, and what it printed."""
    from contextlib import redirect_stdout
    from io import StringIO

    out, printed = tmp_path_factory.mktemp("demo"), StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(POLICIES, "reach", f"{__name__}:Interrupting")
        patch.setattr(demo, "chosen_policy", lambda options: Interrupting())
        with pytest.raises(KeyboardInterrupt, match=r"\d+ of 24 episodes are kept"):
            demo.run(options(out, "--envs", "1"), PLACES)
    kept = (out / "episodes.jsonl").read_bytes()
    assert not (out / INDEX).exists()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed):
        patch.setitem(POLICIES, "reach", "toy_world:ReachPolicy")
        assert demo.run(options(out, "--envs", "2"), PLACES) == 0
    assert kept
    assert (out / "episodes.jsonl").read_bytes().startswith(kept)
    return out, printed.getvalue()


def test_every_condition_has_every_place(finished: tuple[Path, str]) -> None:
    rows = read_rows(finished[0] / "episodes.jsonl")
    assert len(rows) == 24
    assert {row["condition"] for row in rows} == {
        "unsteered", "fast", "random like fast", "told fast"
    }  # fmt: skip
    assert (finished[0] / "episodes.parquet").exists()


def test_the_table_and_the_findings_are_printed(finished: tuple[Path, str]) -> None:
    text = finished[1]
    assert "Difference to unsteered, paired" in text
    assert "fast does what its name says, but the policy fails. The arm moved faster" in text
    assert "the effect coincides with saturation" in text
    assert "the change comes with failure" in text
    assert "24 of 24 episodes" in text


def test_the_page_needs_nothing_else(finished: tuple[Path, str]) -> None:
    content = (finished[0] / INDEX).read_text()
    assert "//" not in re.sub(r"data:[^\"]*", "", content)
    page = Page()
    page.feed(content)
    assert page.open == []
    assert page.sources
    assert all(source.startswith(("data:", "#")) for _, source in page.sources)
    assert "The arm moved faster" in page.text
    assert "$" not in page.text
    for plot in (base64.b64decode(s.partition(",")[2]) for t, s in page.sources if t == "img"):
        assert plot.startswith(b"<?xml")
        outside = re.findall(rb'(?:href|src)="(?!#|data:)[^"]*"', plot)
        assert outside == []


def test_the_films_on_the_page_play(finished: tuple[Path, str], tmp_path: Path) -> None:
    page = Page()
    page.feed((finished[0] / INDEX).read_text())
    films = [source for tag, source in page.sources if tag == "video"]
    assert len(films) == 3
    rows = read_rows(finished[0] / "episodes.jsonl")
    steps = [row["steps"] for row in rows if (row["task"], row["init_state"]) == (0, 0)]
    longest = [max(steps[0], each) for each in steps[1:]]
    for film, length in zip(films, longest, strict=True):
        assert film.startswith("data:video/mp4;base64,")
        (tmp_path / "film.mp4").write_bytes(base64.b64decode(film.partition(",")[2]))
        assert len(read_film(tmp_path / "film.mp4")) == length


def test_episodes_that_all_crash_give_a_page_that_says_so(tmp_path: Path, reach: Policy) -> None:
    del reach
    places = Grid(env=PLACES.env, conditions=(UNSTEERED,), env_options={"crash_at": 1})
    assert demo.run(options(tmp_path, "--envs", "1"), places) == 0
    content = (tmp_path / INDEX).read_text()
    assert "nothing can be said" in content
    assert "0, 1 crashed" in content
    assert "No film" in content
