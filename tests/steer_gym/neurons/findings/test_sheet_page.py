"""The labelling sheet in a real browser."""

from __future__ import annotations

import time
from pathlib import Path

from chromium import Tab

from steer_gym.neurons.findings.people import read_people
from steer_gym.neurons.findings.sheet import CSV, KEY, PAGE, write_sheet
from steer_gym.neurons.findings.stage import Stage


def test_what_is_chosen_on_the_page_comes_back_as_labels(
    tab: Tab, folder: Path, stages: list[Stage], tmp_path: Path
) -> None:
    written = write_sheet(tmp_path, stages, per_layer=1)
    tab.open(tmp_path / PAGE)
    tab.wait("document.querySelectorAll('fieldset').length > 0")
    assert tab.run("document.querySelectorAll('fieldset').length") == written == 9
    tab.click("fieldset:nth-of-type(1) input[value=yes]")
    tab.click("fieldset:nth-of-type(2) input[value=no]")
    tab.run('document.querySelector("input[type=text]").value = `a "word", twice`')
    assert tab.run("document.getElementById('done').textContent") == "2 of 9"
    tab.click("#save")
    saved, until = folder / "downloads" / CSV, time.monotonic() + 20
    while not saved.is_file() and time.monotonic() < until:
        time.sleep(0.05)
    (tmp_path / CSV).write_text(saved.read_text())
    assert '"a ""word"", twice"' in saved.read_text()
    assert (tmp_path / KEY).is_file()
    assert read_people(tmp_path / CSV, stages).labelled == 2
