"""Benchmarks by name, for any policy: the paper's two, a quick one, and LIBERO's evaluation."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from itertools import product

from steer_gym.errors import EvaluationError, UnknownNameError

from .plan import Benchmark, PolicyChoice, Suite
from .report.expectation import expectations
from .treatment import Treatment

ALPHAS = (2.0, 4.0, 6.0, 8.0, 10.0, 20.0)
"""The paper's, on LIBERO."""
CONTROL_ALPHA = 10.0
"""The dose at which clusters of the paper's grid are controlled; at each it would cost another 78
conditions."""
DRAWS = 4
"""Random sets that take turns over the initial states."""

UNSTEERED = Treatment(kind="baseline", name="unsteered")
AGAIN = Treatment(kind="sham", name="unsteered again")
PROMPTS = {
    "fast": "{instruction}, quickly",
    "slow": "{instruction}, slowly",
    "high": "{instruction}, lift it high",
    "low": "{instruction}, keep it low",
    "up": "{instruction}, lift it up",
    "careful": "{instruction}, carefully",
}
"""Words that ask for what a concept should do."""

POCKET_SUITE = Suite(
    env="steer_gym/LiberoObject-v0",
    tasks=(2, 3, 5, 9),
    init_states=tuple(range(10)),
    env_options={"rendering": "fast", "render_size": 192},
)
"""The four tasks that Pocket has learnt; it would do nothing in libero_10."""
LIBERO_LONG = Suite(
    env="steer_gym/Libero10-v0", tasks=tuple(range(10)), init_states=tuple(range(10))
)
OFFICIAL = {
    "libero_spatial": "steer_gym/LiberoSpatial-v0",
    "libero_object": "steer_gym/LiberoObject-v0",
    "libero_goal": "steer_gym/LiberoGoal-v0",
    "libero_10": "steer_gym/Libero10-v0",
}
"""The suites that checkpoints were fine-tuned on."""
SUITES = {"pocket": POCKET_SUITE}
"""Where a policy is at home; the others run in libero_10."""


def quick(choice: PolicyChoice, concepts: Collection[str]) -> Benchmark:
    """Return what says in minutes whether a policy's concepts steer it, controls included."""
    named = [Treatment(concept=name, name=name) for name in PROMPTS if name in concepts]
    if not named:
        raise EvaluationError(
            f"{choice.label} knows none of the concepts {', '.join(PROMPTS)}. Write a benchmark "
            "of your own; `steer-gym bench quick --policy pocket --save-plan FILE` shows one."
        )
    first, *_ = named
    # A control answers for every concept that should change the same measure.
    measured = {expectations(each.concept)[0].measure: each for each in reversed(named)}
    suite = SUITES.get(choice.name, LIBERO_LONG)
    return Benchmark(
        name="quick",
        note="Do the policy's own concepts change what the arm does, and random neurons do not?",
        policies=(choice,),
        suites=(replace(suite, init_states=(0, 1, 2)),),
        conditions=(
            UNSTEERED,
            *named,
            *(each.control("random", draws=3) for each in reversed(measured.values())),
            told(str(first.concept), beside=first.name),
        ),
        envs=3,
        measure_steering=True,
    )


def paper_libero_long(choice: PolicyChoice, concepts: Collection[str]) -> Benchmark:
    """Return the paper's 78 conditions on LIBERO-Long, with the controls that it lacks."""
    del concepts
    motion = _grid("fast", (10, 20)) + _grid("slow", (10, 20))
    depths = ("early", "late", "full")
    upward = [each for depth in depths for each in _grid("up", (10, 20, 40), depth)]
    controlled = [each for each in motion + upward if each.alpha == CONTROL_ALPHA]
    return Benchmark(
        name="paper-libero-long",
        note=(
            "Häon et al., CoRL 2025, 24 conditions of fast and slow and 54 of up, overriding at "
            "every position; beside them matched random neurons at alpha 10, a zero dose, the "
            "baseline again, and words. The paper ran libero_10 with OpenVLA; Pocket takes its "
            "place in libero_object."
        ),
        policies=(choice,),
        suites=(SUITES.get(choice.name, LIBERO_LONG),),
        conditions=(
            UNSTEERED,
            *motion,
            *upward,
            *(each.control("random", draws=DRAWS, match="norm") for each in controlled),
            *(each.control("zero") for each in (controlled[0], controlled[-1])),
            AGAIN,
            *(told(concept) for concept in ("fast", "slow", "up")),
        ),
        envs=3,
        measure_steering=True,
    )


def paper_ur5(choice: PolicyChoice, concepts: Collection[str]) -> Benchmark:
    """Return the paper's conditions on the UR5: low, high, slow, fast, words, random neurons.

    The paper carried a penguin low and high, and a seal slowly and fast; here both tasks run under
    all, since a concept of height may change speed too.
    """
    del concepts
    joints = {"actions": "joints"} if choice.name == "pi0-fast" else {}
    steered = [
        Treatment(concept=concept, name=concept, alpha=10.0, positions=("prefill",))
        for concept in ("low", "high", "slow", "fast")
    ]
    return Benchmark(
        name="paper-ur5",
        note="Häon et al., CoRL 2025, on a simulated UR5: alpha 10 in the prefill, 10 rollouts.",
        policies=(choice,),
        suites=(
            Suite(
                env="steer_gym/UR5Sim-v0",
                tasks=(0, 1),
                init_states=tuple(range(10)),
                env_options=joints,
            ),
        ),
        conditions=(
            UNSTEERED,
            *steered,
            *(each.control("random", draws=DRAWS) for each in steered),
            *(told(str(each.concept), beside=each.name) for each in steered),
        ),
        measure_steering=True,
    )


def libero_official(choice: PolicyChoice, concepts: Collection[str]) -> Benchmark:
    """Return OpenVLA's evaluation of a checkpoint on its suite of LIBERO: 500 episodes, unsteered.

    Source: openvla c8f03f4, ``experiments/robot/libero/run_libero_eval.py``. Scenes are those of
    its loop, one environment after another; waiting, limits of steps, pictures, prompt, gripper
    and decoding are the environment's and the policy's own.

    Raises:
        EvaluationError: The checkpoint's name does not tell the suite.
    """
    del concepts
    checkpoint = str(choice.options.get("checkpoint", "")).replace("-", "_")
    suites = [env for suite, env in OFFICIAL.items() if checkpoint.endswith(suite)]
    if not suites:
        raise EvaluationError(
            f"The checkpoint {choice.options.get('checkpoint')!r} does not end in the name of a "
            f"suite ({', '.join(OFFICIAL)}). Give one that was fine-tuned on one, under its name."
        )
    return Benchmark(
        name="libero-official",
        note="The official evaluation: is the checkpoint as good here as was published?",
        policies=(choice,),
        suites=(
            Suite(
                env=suites[0],
                tasks=tuple(range(10)),
                init_states=tuple(range(50)),
                env_options={"seeding": "reference-openvla"},
            ),
        ),
        conditions=(UNSTEERED,),
    )


def told(concept: str, *, beside: str | None = None) -> Treatment:
    """Return the condition that asks in words for what a concept should do.

    Args:
        concept: One of ``PROMPTS``.
        beside: Name of the steered condition that the words are an alternative to.
    """
    name = f"told {concept}"
    return Treatment(kind="prompt", prompt=PROMPTS[concept], name=name, control_of=beside)


Preset = Callable[[PolicyChoice, Collection[str]], Benchmark]
PRESETS: dict[str, Preset] = {
    "quick": quick,
    "paper-libero-long": paper_libero_long,
    "paper-ur5": paper_ur5,
    "libero-official": libero_official,
}
"""Name -> the benchmark for a policy, given the names of its concepts."""


def preset(name: str, choice: PolicyChoice, concepts: Collection[str]) -> Benchmark:
    """Return the benchmark of one of ``PRESETS``.

    Raises:
        UnknownNameError: There is no such preset.
        EvaluationError: The policy has none of its concepts.
    """
    if name not in PRESETS:
        raise UnknownNameError("benchmark", name, PRESETS)
    return PRESETS[name](choice, concepts)


def _grid(concept: str, sizes: tuple[int, ...], depth: str = "full") -> list[Treatment]:
    return [
        Treatment(
            concept=concept,
            size=size,
            depth=depth,  # type: ignore[arg-type]
            alpha=alpha,
            operation="override",
            positions=("all",),
        )
        for size, alpha in product(sizes, ALPHAS)
    ]
