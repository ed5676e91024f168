"""The page, in a real browser: search, choose, mark, export, import."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import Tab
from toy_atlas import HOSTILE, MIXED, SPEED, TEXTS, WIDTH

from steer_gym.neuron_set import NeuronSet
from steer_gym.neurons.atlas.page import query, write_atlas
from steer_gym.neurons.concept import Concept
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.tokens import TokenKind
from steer_gym.neurons.words import THEMES, word_share

GIVEN = NeuronSet.from_pairs([(3, 7), (0, 1)], name="given", fingerprint="toy")


@pytest.fixture
def page(tab: Tab, table: NeuronTable, tmp_path: Path) -> Tab:
    write_atlas(tmp_path / "atlas.html", table, title="A <toy>", sets=[GIVEN])
    tab.open(tmp_path / "atlas.html")
    tab.wait("document.body?.dataset.ready === 'yes'")
    return tab


def shown(page: Tab) -> list[int]:
    """Return the neurons of the rows in sight."""
    rows: list[int] = page.run(
        "[...document.querySelectorAll('.row')].map((row) => Number(row.dataset.neuron))"
    )
    return rows


def status(page: Tab) -> str:
    return str(page.run("document.getElementById('status').textContent"))


def ask(page: Tab, text: str) -> list[int]:
    page.run("(() => { const q = document.getElementById('query'); q.value = ''; q.focus(); })()")
    page.type(text)
    return shown(page)


def choose(page: Tab, name: str, value: str) -> None:
    page.run(
        f"(() => {{ const e = document.getElementById('{name}'); e.value = {json.dumps(value)};"
        "e.dispatchEvent(new Event('change')); })()"
    )


def marked(page: Tab) -> list[int]:
    titles = page.run("[...document.querySelectorAll('#marked button')].map((b) => b.title)")
    return [int(title.removeprefix("#")) for title in titles]


def exported(page: Tab, folder: Path, name: str) -> Any:
    file = folder / "downloads" / f"{name}.concept.json"
    page.run(f"document.getElementById('name').value = {json.dumps(name)}")
    page.click("#export")
    until = time.monotonic() + 10
    while not file.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    return json.loads(file.read_text())


def test_it_opens_with_every_neuron_and_the_models_name(page: Tab) -> None:
    assert page.run("document.title").startswith("A <toy>")
    assert status(page) == "200 neurons"
    assert shown(page)[:3] == [0, 1, 2]


def test_only_the_rows_in_sight_are_drawn(page: Tab) -> None:
    assert len(shown(page)) < 60
    page.run("document.getElementById('list').scrollTop = 1e9")
    page.wait("[...document.querySelectorAll('.row')].at(-1).dataset.neuron === '199'")


def test_a_word_finds_its_neurons_best_first(page: Tab) -> None:
    assert ask(page, "speed fast faster") == [SPEED, MIXED]
    hits = page.run("document.querySelectorAll('.row')[0].querySelectorAll('.hit').length")
    assert hits == 4


def test_an_opposite_word_counts_against(page: Tab) -> None:
    ask(page, "fast -slow")
    assert page.run("document.querySelectorAll('.against').length") == 1


def test_a_star_stands_for_any_letters(page: Tab) -> None:
    assert ask(page, "spee*") == [SPEED]
    assert ask(page, "spee") == []


def test_a_place_finds_its_neuron(page: Tab) -> None:
    assert ask(page, f"#{SPEED}") == [SPEED]
    assert ask(page, "3/7") == [SPEED]
    assert ask(page, "#999999") == shown(page)
    assert ask(page, "2/57 #30") == [30]


def test_a_concept_ranks_as_the_library_does(page: Tab, table: NeuronTable) -> None:
    choose(page, "concept", "fast")
    assert page.run("document.getElementById('query').value") == query(THEMES["fast"])
    share = word_share(table.promoted, table.plain_texts, THEMES["fast"])
    assert shown(page)[0] == int(np.argmax(share)) == SPEED


def test_a_layer_is_chosen_by_its_bar(page: Tab) -> None:
    page.click("#layers button:nth-child(4)")
    assert shown(page)[0] == 3 * WIDTH
    assert status(page) == "50 neurons in layer 3"
    page.click("#layers button:nth-child(4)")
    assert status(page) == "200 neurons"


def test_neurons_with_action_tokens_can_go_first(page: Tab, table: NeuronTable) -> None:
    choose(page, "order", "action")
    kinds = table.kinds[table.promoted.ids]
    with_actions = np.flatnonzero((kinds == TokenKind.ACTION).any(axis=1))
    assert shown(page)[: len(with_actions)] == with_actions.tolist()


def test_the_most_active_can_go_first(page: Tab, table: NeuronTable) -> None:
    assert table.activations is not None
    choose(page, "order", "active")
    greatest = np.abs(table.activations.quantiles).max(axis=1)
    assert shown(page)[0] == int(np.argmax(greatest))


def test_the_other_end_is_searched_too(page: Tab, table: NeuronTable) -> None:
    choose(page, "end", "suppressed")
    assert ask(page, "speed") == [table.space.size - 1 - SPEED]


def test_a_chosen_neuron_shows_tokens_activation_and_neighbours(page: Tab) -> None:
    ask(page, "speed")
    page.click(".row")
    shows = "document.getElementById('detail').textContent.includes('Layer 3, neuron 7#')"
    page.wait(shows)
    said = page.run("document.getElementById('detail').textContent")
    assert "1,234 tokens of nothing real" in said
    assert page.run("document.querySelectorAll('#detail svg rect').length") == 4
    page.click(".near")
    page.wait(f"!{shows}")


def test_keys_walk_the_list_and_mark(page: Tab) -> None:
    page.run("document.getElementById('list').focus()")
    for key in ("ArrowDown", "ArrowDown"):
        page.key(key)
    page.key(" ", " ")
    assert marked(page) == [1]
    assert "neuron 1" in page.run("document.getElementById('detail').textContent")


def test_an_exported_concept_is_a_set_that_comes_back(
    page: Tab, table: NeuronTable, folder: Path
) -> None:
    ask(page, "fast")
    page.click("#mark-first")
    page.run("document.getElementById('note').value = 'seen by eye'")
    concept = Concept.from_json(exported(page, folder, "quick"))
    concept.check(table.space)
    assert concept.neurons.flat(table.space) == (SPEED, MIXED)
    assert (concept.name, concept.model, concept.note) == ("quick", "toy", "seen by eye")
    assert concept.tokens[str(SPEED)].startswith("speed, fast, Fast, faster, ")
    page.click("#clear")
    assert marked(page) == []
    page.upload("#file", folder / "downloads" / "quick.concept.json")
    page.wait("document.querySelectorAll('#marked button').length === 2")
    assert marked(page) == [SPEED, MIXED]
    assert page.run("document.getElementById('name').value") == "quick"


def test_a_set_of_pairs_is_imported_and_one_of_another_model_refused(
    page: Tab, tmp_path: Path
) -> None:
    for name, fingerprint in (("own", "toy"), ("foreign", "other")):
        neurons = NeuronSet.from_pairs([(3, 7)], name=name, fingerprint=fingerprint)
        (tmp_path / f"{name}.json").write_text(json.dumps(neurons.to_json()))
    page.upload("#file", tmp_path / "own.json")
    page.wait("document.getElementById('status').textContent.startsWith('Took 1')")
    page.upload("#file", tmp_path / "foreign.json")
    page.wait("document.getElementById('status').textContent.includes('found in model other')")
    assert marked(page) == [SPEED]


@pytest.mark.parametrize(
    "content", ["no JSON", "[]", "{}", '{"flat_ids": [200]}', '{"flat_ids": [-1]}']
)
def test_a_file_that_is_no_set_of_this_model_is_refused(
    page: Tab, tmp_path: Path, content: str
) -> None:
    (tmp_path / "bad.json").write_text(content)
    page.upload("#file", tmp_path / "bad.json")
    page.wait("document.getElementById('status').textContent.startsWith('bad.json: ')")
    assert marked(page) == []


def test_sets_that_the_page_was_made_with_are_marked_by_choice(page: Tab) -> None:
    choose(page, "concept", "given (neurons)")
    assert marked(page) == [SPEED, 1]


def test_a_chosen_set_joins_what_is_marked_already(page: Tab) -> None:
    ask(page, "#30")
    page.click("#mark-first")
    page.run("document.getElementById('name').value = 'mine'")
    choose(page, "concept", "given (neurons)")
    assert marked(page) == [30, SPEED, 1]
    assert page.run("document.getElementById('name').value") == "mine"


def test_marking_renames_the_button_and_draws_nothing_else_anew(page: Tab) -> None:
    ask(page, "#30")
    page.click(".row")
    page.run("window.button = document.getElementById('mark')")
    for name in ("Unmark", "Mark"):
        page.click("#mark")
        assert page.run("window.button === document.getElementById('mark')")
        assert page.run("window.button.textContent") == name


def test_tokens_that_look_like_markup_stay_text(page: Tab, table: NeuronTable) -> None:
    neuron = int(np.argwhere(table.promoted.ids == TEXTS.index(HOSTILE[0]))[0][0])
    ask(page, f"#{neuron}")
    assert HOSTILE[0] in page.run("document.querySelector('.row').textContent")
    assert page.run("document.title") != "broken"


def test_smollm2s_neurons_of_speed_are_found_by_word(
    tab: Tab, late_table: NeuronTable, tmp_path: Path
) -> None:
    write_atlas(tmp_path / "atlas.html", late_table, title="SmolLM2, its last four layers")
    tab.open(tmp_path / "atlas.html")
    tab.wait("document.body?.dataset.ready === 'yes'")
    assert ask(tab, "speed fast faster")[0] == 45340
    assert 43241 in ask(tab, "down")
    assert ask(tab, "low -high")[0] == 45480
    assert 45929 in ask(tab, "left")
    ask(tab, "29/796")
    tab.click(".row")
    assert "faster" in tab.run("document.querySelector('.near').textContent")
