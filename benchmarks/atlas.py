"""How long an atlas takes to write, to open and to search, in a real headless Chromium.

    python benchmarks/atlas.py [TABLE ...] [--rounds 5]

Without a table: random tables of OpenVLA's size (352,256 neurons, 32,064 tokens) and of pi0-FAST's
(294,912 neurons, 257,152 tokens). Their tokens are drawn evenly, so they compress worse than any
real ones. Every round opens the page in the same browser, without a cache; "open" is the time from
navigation until the first neurons are drawn and the search answers. Then the first round searches,
chooses, marks, exports and imports again, and fails if anything is lost.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from steer_gym.neuron_set import NeuronSet, NeuronSpace
from steer_gym.neurons.atlas.page import write_atlas
from steer_gym.neurons.projection import TopTokens
from steer_gym.neurons.table import NeuronTable, Recipe

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path.append(str(TESTS / "steer_gym" / "neurons" / "atlas"))

from chromium import Tab, browser, chromium  # noqa: E402

SHAPES = {"OpenVLA's size": (32, 11008, 32064), "pi0-FAST's size": (18, 16384, 257152)}
"""Name -> layers, neurons a layer, vocabulary."""
K = 10
MARKED = 10
OPENED = "performance.getEntriesByName('atlas-open')[0]?.startTime"


def main() -> None:
    """Measure each table and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    executable = chromium()
    if executable is None:
        sys.exit("No Chromium is installed: apt-get install chromium")
    tables = {path.stem: path for path in options.tables} or dict.fromkeys(SHAPES)
    print("table             neurons   MB  write s  open s (all rounds)       search ms  choose ms")
    for name, path in tables.items():
        table = NeuronTable.load(path) if path else random_table(*SHAPES[name])
        measure(name, table, executable, options.rounds)


def random_table(layers: int, width: int, vocabulary: int) -> NeuronTable:
    """Return a table whose tokens are drawn evenly."""
    rng, size = np.random.default_rng(0), layers * width
    scores = -np.sort(-rng.uniform(0.5, 2, (size, K)).astype(np.float32))
    ends = [rng.integers(0, vocabulary, (size, K), dtype=np.int32) for _ in range(2)]
    letters = rng.integers(ord("a"), ord("z") + 1, (vocabulary, 6), dtype=np.uint8)
    return NeuronTable(
        space=NeuronSpace(layers=layers, width=width, fingerprint="random"),
        promoted=TopTokens(ids=ends[0], scores=scores),
        suppressed=TopTokens(ids=ends[1], scores=-scores),
        texts=tuple(f" {word.tobytes().decode()}" for word in letters),
        kinds=np.zeros(vocabulary, np.uint8),
        recipe=Recipe(model="random", projection="raw", k=K, dtype="float32"),
    )


def measure(name: str, table: NeuronTable, executable: str, rounds: int) -> None:
    """Write, open, use, and print the times."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "atlas.html"
        started = time.perf_counter()
        write_atlas(page, table, title=name)
        written_s = time.perf_counter() - started
        with browser(executable, Path(folder) / "browser") as tab:
            opened_s = [open_page(tab, page) for _ in range(rounds)]
            search_ms, choose_ms = use(tab, table, Path(folder))
        size_mb = page.stat().st_size / 1e6
    shown = " ".join(f"{seconds:.2f}" for seconds in sorted(opened_s))
    print(
        f"{name:<16}{table.space.size:>9,}{size_mb:>6.1f}{written_s:>8.1f}  "
        f"{statistics.median(opened_s):.2f} ({shown}){search_ms:>11.0f}{choose_ms:>11.0f}"
    )


def open_page(tab: Tab, page: Path) -> float:
    """Return the seconds from navigation until the page answers."""
    tab.open(page)
    tab.wait("document.body?.dataset.ready === 'yes'")
    return float(tab.run(OPENED)) / 1000


def use(tab: Tab, table: NeuronTable, folder: Path) -> tuple[float, float]:
    """Search, choose, mark, export, clear, import; return the times of search and choice."""
    said = (word.strip().lower() for word in table.words(table.space.size - 1))
    word = next(word for word in said if word.isalpha())
    query = json.dumps(f"{word}*")
    search_ms = timed(
        tab, f"q = document.getElementById('query'); q.value = {query};"
        "q.dispatchEvent(new Event('input'))",
    )  # fmt: skip
    found = [int(n) for n in tab.run("[...document.querySelectorAll('.row')]"
                                     ".map((row) => row.dataset.neuron)")]  # fmt: skip
    assert found, f"{word} was not found"
    choose_ms = timed(tab, "document.querySelector('.row').click()")
    tab.run("document.getElementById('name').value = 'bench'")
    tab.click("#mark-first")
    tab.click("#export")
    file = folder / "browser" / "downloads" / "bench.concept.json"
    while not file.is_file():
        time.sleep(0.05)
    neurons = NeuronSet.from_json(json.loads(file.read_text())["neurons"])
    assert list(neurons.flat(table.space)) == found[:MARKED], (neurons, found)
    tab.click("#clear")
    tab.upload("#file", file)
    tab.wait(f"document.querySelectorAll('#marked button').length === {len(neurons)}")
    return search_ms, choose_ms


def timed(tab: Tab, script: str) -> float:
    """Return the milliseconds that a script takes until the next picture is drawn."""
    return float(tab.run(
        f"(async () => {{ const start = performance.now(); let q; {script};"
        "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
        "return performance.now() - start; })()"
    ))  # fmt: skip


if __name__ == "__main__":
    main()
