"""``steer-gym neurons findings``: the paper's four figures for two or three models."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from steer_gym.extras import require
from steer_gym.neurons.findings.comparison import compare
from steer_gym.neurons.findings.figures import draw_figures
from steer_gym.neurons.findings.patterns import TOP
from steer_gym.neurons.findings.people import read_people
from steer_gym.neurons.findings.presets import PRESETS, chosen_models
from steer_gym.neurons.findings.sheet import PAGE, write_sheet
from steer_gym.neurons.findings.tables import open_stages
from steer_gym.results import atomic_path, writable_folder

from .parser import count

NUMBERS = "findings.json"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "models", nargs="*", metavar="MODEL",
        help="a table from `steer-gym neurons project`, or a checkpoint: the base model, the VLA "
        "and, if there is one, the fine-tuned VLA",
    )  # fmt: skip
    parser.add_argument("--preset", choices=PRESETS, help="models and how they are read")
    parser.add_argument("--names", default="", help="of the models, separated by commas")
    parser.add_argument("--out", type=Path, default=Path("runs/findings"), metavar="FOLDER")
    parser.add_argument(
        "--top", type=count, default=TOP,
        help=f"tokens of a neuron (default: {TOP}); patterns are sought in the first {TOP}",
    )  # fmt: skip
    parser.add_argument(
        "--same-words", action="store_true",
        help="read the other models in the words alone that they share with the last",
    )  # fmt: skip
    parser.add_argument(
        "--sheet", type=count, metavar="N",
        help="write a blind labelling sheet with N neurons of each layer of each model",
    )  # fmt: skip
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="CSV",
        help="a filled labelling sheet; its key is beside it or in --out",
    )
    parser.add_argument("--device", default="cpu", help="on which missing tables are made")
    parser.add_argument(
        "--dtype", choices=("auto", "float32", "bfloat16"), default="auto",
        help="of the factors when missing tables are made",
    )  # fmt: skip
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare, draw, and say what was found."""
    names = [name.strip() for name in options.names.split(",") if name.strip()]
    models = chosen_models(options.models, options.preset, names)
    require("matplotlib", extra="bench")
    folder = writable_folder(options.out)
    how = {"k": options.top, "dtype": options.dtype, "device": options.device}
    stages = open_stages(models, folder / "tables", same_words=options.same_words, **how)
    found = compare(stages, top=options.top)
    lines, numbers = found.lines(), found.to_json()
    if options.labels:
        people = read_people(options.labels, stages, folder)
        found = replace(found, people=people.by_layer)
        lines.append(people.line())
        numbers["people"] = people.to_json()
    with atomic_path(folder / NUMBERS) as partial:
        partial.write_text(json.dumps(numbers, indent=1))
    drawn = draw_figures(folder, found)
    if options.sheet:
        asked = write_sheet(folder, stages, per_layer=options.sheet)
        lines.append(f"Label the {asked} neurons in {folder / PAGE}, then add --labels.")
    print("\n".join([*lines, "", *(str(path) for path in drawn.values())]))
    return 0
