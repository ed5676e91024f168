"""Kill a real benchmark at random moments, resume it, and compare its rows with a calm run's.

    python benchmarks/kill_and_resume.py [--kills 10] [--steps 40] [--out FOLDER]

Runs ``steer-gym bench`` in a process of its own, Pocket in LIBERO: two tasks, three initial
states, three conditions. The calm run goes first and says how long one takes; then the same plan is
killed (SIGKILL to its process group) at random moments, in turn of its start and of its work, and
started again in the same folder; in the end it may end by itself. It must be killed as often as was
asked; both runs must end well, without a crashed episode; every row must equal the calm run's in
all but times, and no cell may have run twice. Exits with 1 otherwise.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from steer_gym.benchmark import Benchmark, PolicyChoice, Suite, Treatment
from steer_gym.benchmark.plan_file import save_benchmark
from steer_gym.benchmark.results import Results

LONGEST = 0.9
"""Of the time to the first row, or of a row's, after which a run is killed at the latest."""
TIMES = ("wall_s", "latency_s", "ended", "provenance")


def plan(steps: int) -> Benchmark:
    """Return the benchmark."""
    fast = Treatment(concept="fast", name="fast")
    return Benchmark(
        name="killed",
        policies=(PolicyChoice(name="pocket"),),
        suites=(
            Suite(
                env="steer_gym/LiberoObject-v0",
                tasks=(2, 3),
                init_states=(20, 21, 22),
                env_options={"rendering": "fast", "max_steps": steps},
            ),
        ),
        conditions=(
            Treatment(kind="baseline", name="unsteered"),
            fast,
            fast.control("random"),
        ),
    )


def started(file: Path, out: Path) -> subprocess.Popen[bytes]:
    """Start ``steer-gym bench`` in a process group of its own."""
    command = [sys.executable, "-m", "steer_gym", "bench", str(file), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--films", "0", "--quiet"], stdout=subprocess.DEVNULL, start_new_session=True
    )


def rows_on_disk(out: Path) -> int:
    """Return how many rows have been written, of whichever attempt."""
    return sum(path.read_bytes().count(b"\n") for path in out.rglob("episodes.jsonl"))


def require_success(run: subprocess.Popen[bytes]) -> None:
    """Wait until a run that nobody kills has ended; exit unless it ended well."""
    if code := run.wait():
        sys.exit(f"A run that was not killed ended with {code}, not 0.")


def killed(file: Path, out: Path, after_s: float, *, working: bool) -> bool:
    """Run the plan for so long, then kill it; tell whether it had not ended by itself.

    The time counts from the start, or, if it is to be ``working``, from the first new row.
    """
    before, run = rows_on_disk(out), started(file, out)
    try:
        while working and rows_on_disk(out) == before and run.poll() is None:
            time.sleep(0.1)
        run.wait(after_s)
    except subprocess.TimeoutExpired:
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
        return True
    require_success(run)
    return False


def uninterrupted(file: Path, out: Path) -> tuple[float, float]:
    """Run the plan; return after how long its first row came, and then one row, on average [s]."""
    began, run = time.perf_counter(), started(file, out)
    while not rows_on_disk(out) and run.poll() is None:
        time.sleep(0.1)
    start_s = time.perf_counter() - began
    require_success(run)
    whole_s, rows = time.perf_counter() - began, rows_on_disk(out)
    print(
        f"uninterrupted: {rows} rows in {whole_s:.0f} s, the first in {start_s:.0f} s", flush=True
    )
    return start_s, (whole_s - start_s) / rows


def numbers(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row without times."""
    return {key: value for key, value in row.items() if key not in TIMES}


def faults(calm: Results, cut: Results) -> list[str]:
    """Return what is wrong with the rows; two runs that crash alike have equal ones too."""
    broken = [
        f"{results.folder}: not every episode ended without a crash"
        for results in (calm, cut)
        if not results.whole
    ]
    twice = rows_on_disk(cut.folder) - rows_on_disk(calm.folder)
    broken += [f"{twice:+d} rows on disk against the calm run"] if twice else []
    return broken or differences(calm, cut)


def differences(one: Results, other: Results) -> list[str]:
    """Return which columns of which rows differ."""
    pairs = zip(one.rows, other.rows, strict=True)
    return [
        f"{mine['key']}: {name} is {mine.get(name)!r} and {theirs.get(name)!r}"
        for mine, theirs in pairs
        for name in numbers(mine) | numbers(theirs)
        if mine.get(name) != theirs.get(name)
    ]


def main() -> int:
    """Run, kill, resume, compare."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--steps", type=int, default=40, help="of an episode, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    folder = options.out or Path(tempfile.mkdtemp())
    file, calm, cut = folder / "plan.json", folder / "calm", folder / "killed"
    folder.mkdir(parents=True, exist_ok=True)
    save_benchmark(plan(options.steps), file)
    start_s, row_s = uninterrupted(file, calm)
    dice, kills = random.Random(options.seed), 0
    while kills < options.kills:
        working = kills % 2 == 1
        after_s = dice.uniform(0, LONGEST) * (row_s if working else start_s)
        if not killed(file, cut, after_s, working=working):
            break
        kills += 1
        since = "a new row" if working else "the start"
        print(f"killed {after_s:.1f} s after {since}, {rows_on_disk(cut)} rows kept", flush=True)
    require_success(started(file, cut))
    found = faults(Results.read(calm), Results.read(cut))
    if kills < options.kills:
        found.append(f"it had ended after {kills} of {options.kills} kills; give more --steps")
    print(f"killed {kills} times and resumed: {rows_on_disk(cut)} rows on disk")
    print("\n".join(found) or "every row is the same in all but times")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
