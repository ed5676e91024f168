"""``steer-gym neurons screen``: do a concept's neurons do what its words say, more than others?"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from steer_gym.neuron_set import NeuronSet, matched_random
from steer_gym.neurons.concept import Concept
from steer_gym.neurons.finding import REGIONS, by_word, matched_by_norm
from steer_gym.neurons.recordings import load_observations
from steer_gym.neurons.scores import concept_of
from steer_gym.neurons.screening import THEME_MEASURES, Measure
from steer_gym.neurons.search import Found, SearchConfig, Verdict, halves, judged, search, tries
from steer_gym.neurons.table import NeuronTable
from steer_gym.neurons.words import Theme
from steer_gym.observation import row_count

from .choices import add_policy, chosen_policy
from .neurons_activations import add_observations
from .neurons_find import add_theme, chosen_theme
from .neurons_model import Counting, add_table
from .parser import UsageError, count, numbers, positive

FIELDS, LIMITS = ("speed", "rise"), SearchConfig()


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add_table(parser)
    add_policy(parser)
    add_observations(parser)
    add_theme(parser)
    parser.add_argument(
        "--measure", choices=[f"{sign}-{field}" for field in FIELDS for sign in ("more", "less")],
        help="what the words mean (default: by the theme)",
    )  # fmt: skip
    parser.add_argument(
        "--candidates", type=count, default=40, help="neurons by word (default: 40)"
    )
    parser.add_argument("--region", choices=REGIONS, default="full", help="(default: full)")
    parser.add_argument(
        "--controls", type=count, default=3,
        help="draws of as many random neurons of the same layers, each of which passes through the "
        "same search (default: 3)",
    )  # fmt: skip
    parser.add_argument(
        "--match", choices=("layer", "norm"), default="norm",
        help="what controls have in common with the words' neurons; norm: length too",
    )  # fmt: skip
    tried = parser.add_argument_group("what is tried")
    tried.add_argument(
        "--probe",
        type=positive,
        default=LIMITS.probe,
        help="alpha of one neuron alone (default: 8)",
    )
    tried.add_argument(
        "--sizes", type=numbers, default=LIMITS.sizes, help="of sets (default: 1,2,3,5)"
    )
    tried.add_argument(
        "--alphas", type=strengths, default=LIMITS.alphas,
        help="of sets, such as 2,4,8.5 (default: eight from 2 to 12)",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the concept that is found")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    parser.set_defaults(run=run)


def strengths(text: str) -> tuple[float, ...]:
    """Return the numbers that a text like ``2,4,8.5`` names."""
    return tuple(positive(part) for part in text.split(","))


def run(options: argparse.Namespace) -> int:
    """Search with the words' neurons and with the controls, and print the verdict."""
    theme, measure = _asked(options)
    observations = load_observations(options.observations, count=options.count, seed=options.seed)
    if row_count(observations) < 2:
        raise UsageError("Screening needs two observations or more: to search, and to judge.")
    policy = chosen_policy(options)
    table = NeuronTable.load(options.table, policy.spec.neurons)
    words = [n for n, _ in by_word(table, theme, count=options.candidates, region=options.region)]
    if not words:
        raise UsageError(f"No neuron says {', '.join(theme.words[:8])}; try other words.")
    seen, unseen = halves(policy, observations, options.seed)
    config = SearchConfig(probe=options.probe, sizes=options.sizes, alphas=options.alphas)
    sets = [words, *(_drawn(table, words, options, draw) for draw in range(options.controls))]
    each = tries(len(words), config)
    with Counting("steerings", len(sets) * each, quiet=options.quiet) as show:
        found, *controls = [
            search(
                seen,
                measure,
                ids,
                config,
                name=theme.name,
                fingerprint=table.space.fingerprint,
                on_try=show.after(number * each),
            )
            for number, ids in enumerate(sets)
        ]
    verdict = judged(unseen, measure, found, controls, config)
    print(_portrait(found, verdict))
    print(f"{theme.name}: {verdict.text()}")
    if options.out:
        _concept(table, theme, measure, config, found, verdict).save(options.out)
        print(f"-> {options.out}")
    return 0


def _concept(
    table: NeuronTable,
    theme: Theme,
    measure: Measure,
    config: SearchConfig,
    found: Found,
    verdict: Verdict,
) -> Concept:
    """Return what was found, its verdict included."""
    found_by = {
        "method": "screen",
        "measure": asdict(measure),
        "search": asdict(config),
        "steering": found.steering.to_json(),
        "gain": round(verdict.gain, 4),
        "harmless": verdict.harmless,
        "controls": [round(gain, 4) for gain in verdict.controls],
        "harmless_controls": list(verdict.harmless_controls),
    }
    return concept_of(table, found.neurons.flat(table.space), theme, found_by=found_by)


def _asked(options: argparse.Namespace) -> tuple[Theme, Measure]:
    """Return the concept in words, and what it means.

    Raises:
        UsageError: No words are given, or it is not said what they mean.
    """
    theme = chosen_theme(options)
    if theme is None:
        raise UsageError("Say what to screen: --theme or --words.")
    if options.measure:
        sign, _, field = options.measure.partition("-")
        return theme, Measure(field, 1.0 if sign == "more" else -1.0)
    if options.theme not in THEME_MEASURES:
        raise UsageError(
            f"Say by --measure what {theme.name!r} means; known of {', '.join(THEME_MEASURES)}."
        )
    return theme, THEME_MEASURES[options.theme]


def _drawn(
    table: NeuronTable, words: list[int], options: argparse.Namespace, draw: int
) -> list[int]:
    """Return random neurons that match the candidates."""
    members, seed = NeuronSet.from_flat(words), options.seed + draw
    if options.match == "norm":
        return list(matched_by_norm(members, table, seed=seed).flat(table.space))
    return list(matched_random(members, table.space, seed=seed).flat(table.space))


def _portrait(found: Found, verdict: Verdict) -> str:
    """Return what is steered, and what it does on observations that the search did not see."""
    steering = found.steering
    lines = [
        f"{len(found.neurons)} neurons at alpha {steering.edits[0].alpha:g}: "
        f"{', '.join(map(str, found.neurons.flat_ids))}",
        f"{'':10} {'speed':>7} {'rise':>7} {'actions':>8} {'heading':>8} {'grip':>6}",
    ]
    for name, e in (("unsteered", verdict.before), ("steered", verdict.effect)):
        lines.append(
            f"{name:10} {e.speed:7.3f} {e.rise:7.3f} {e.action_probability:8.3f} "
            f"{e.heading:8.3f} {e.grip:6.2f}"
        )
    return "\n".join(lines)
