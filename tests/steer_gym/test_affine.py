"""Steerings as affine maps: composed groups do what the edits say, one after the other."""

from __future__ import annotations

import numpy as np
import pytest

from steer_gym import Edit, NeuronSet, NeuronSpace, Steering
from steer_gym.affine import KIND, PADDING, affine_groups, affine_rows, check_kinds, row_report
from steer_gym.errors import SteeringError

SPACE = NeuronSpace(layers=3, width=4)
SPREAD = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
EVERY = NeuronSet.from_flat(range(12))
KINDS = np.array([PADDING, KIND["start"], KIND["image"], PADDING, KIND["text"], KIND["text"]])


def apply(steering: Steering, f: np.ndarray) -> np.ndarray:
    """Return (layers, width) activations after every group of a steering."""
    f = f.copy()
    for group in affine_groups(steering, SPACE, SPREAD):
        at = tuple(group.pairs.T)
        f[at] = f[at] * group.scale + group.shift
    return f


@pytest.mark.parametrize("seed", range(20))
def test_composed_edits_equal_edits_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    f = expected = rng.normal(size=(3, 4))
    edits = []
    for _ in range(5):
        members = rng.choice(12, 5, replace=False)
        operation, alpha = rng.choice(["override", "add", "scale", "ablate"]), rng.normal(size=5)
        unit = "raw" if operation == "scale" else rng.choice(["raw", "spread"])
        edits.append(
            Edit(
                neurons=NeuronSet.from_flat(members),
                alpha=alpha,
                operation=operation,
                unit=unit,
            )
        )
        expected, at = expected.copy(), np.divmod(members, 4)
        strength = alpha * (SPREAD[at] if unit == "spread" else 1)
        expected[at] = {
            "override": strength,
            "add": expected[at] + strength,
            "scale": expected[at] * strength,
            "ablate": 0 * strength,
        }[operation]
    steering = Steering(edits)
    assert len(affine_groups(steering, SPACE, SPREAD)) == 1
    np.testing.assert_allclose(apply(steering, f), expected, rtol=1e-12)


def test_edits_on_other_positions_stay_apart_and_in_order() -> None:
    text, image = (Steering(EVERY, 1.0, positions=(kind,)) for kind in ("text", "image"))
    groups = affine_groups(text + text + image + text, SPACE)
    assert [group.kinds for group in groups] == [{"text"}, {"image"}, {"text"}]


@pytest.mark.parametrize(
    "steering",
    [
        Steering(),
        Steering(NeuronSet(), 3.0),
        Steering(EVERY, 0.0, operation="add"),
        Steering(EVERY, 1.0, operation="scale"),
        Steering(EVERY, 2.0, operation="add") + Steering(EVERY, -2.0, operation="add"),
        Steering(NeuronSet.from_flat([0]), 3.0, layers="late"),
    ],
)
def test_what_changes_nothing_leaves_no_group(steering: Steering) -> None:
    assert affine_groups(steering, SPACE) == ()


def test_a_replaced_neuron_forgets_its_activation() -> None:
    once = Steering(EVERY, 5.0, operation="add")
    for last in (Steering(EVERY, 2.0), Steering(EVERY, operation="ablate")):
        [group] = affine_groups(once + last, SPACE)
        assert not group.scale.any()


def test_rows_are_independent() -> None:
    steering = Steering(EVERY, 2.0)
    rows = affine_rows([None, steering, Steering()], SPACE)
    assert [len(groups) for groups in rows] == [0, 1, 0]


@pytest.mark.parametrize(
    ("positions", "expected"),
    [
        (("all",), [0, 1, 1, 0, 1, 1]),
        (("prefill",), [0, 1, 1, 0, 1, 1]),
        (("decode",), [0, 0, 0, 0, 0, 0]),
        (("start", "text"), [0, 1, 0, 0, 1, 1]),
        (((0, 1),), [0, 1, 0, 0, 0, 0]),
        (((1, 3),), [0, 0, 1, 0, 1, 0]),
        (((3, 99), "image"), [0, 0, 1, 0, 0, 1]),
    ],
)
def test_positions_count_real_tokens_only(positions: tuple, expected: list[int]) -> None:
    [group] = affine_groups(Steering(EVERY, 2.0, positions=positions), SPACE)
    assert group.acts_on(KINDS).astype(int).tolist() == expected
    assert group.acts_in_decode == (positions in [("all",), ("decode",)])


def test_reports_count_neurons_and_positions_once() -> None:
    two = NeuronSet.from_flat([0, 5])
    steering = (
        Steering(two, 1.0, positions=("text",))
        + Steering(two, 2.0, positions=((1, 3),))
        + Steering(NeuronSet.from_flat([7]), 2.0, positions=("decode",))
    )
    groups = affine_groups(steering, SPACE)
    prefill = row_report(groups, KINDS, decode_steps=0)
    assert (prefill.neurons, prefill.positions) == (2, 3)
    both = row_report(groups, KINDS, decode_steps=6)
    assert (both.neurons, both.positions) == (3, 9)
    nothing = row_report((), KINDS, decode_steps=6)
    assert (nothing.neurons, nothing.positions) == (0, 0)


def test_spread_that_is_not_known_or_does_not_fit_is_refused() -> None:
    steering = Steering(EVERY, 1.0, unit="spread")
    with pytest.raises(SteeringError, match="needs each neuron's natural spread, but this policy"):
        affine_groups(steering, SPACE)
    with pytest.raises(SteeringError, match=r"finite, with shape \(3, 4\), but has shape \(4, 3\)"):
        affine_groups(steering, SPACE, SPREAD.T)
    with pytest.raises(SteeringError, match="The spread must be finite"):
        affine_groups(steering, SPACE, SPREAD * np.float32(np.nan))
    assert affine_groups(steering.replace(operation="ablate"), SPACE)


@pytest.mark.parametrize(
    ("kinds", "message"),
    [
        (
            [0, 1],
            r"integers with shape \(1, positions\), one row per steering, but has dtype int64",
        ),
        ([[0.0, 1.0]], "but has dtype float64 and shape"),
        ([[0, 1], [0, 1]], r"and shape \(2, 2\)"),
        ([[0]], "at least two positions; a pass over a single one is a decode step"),
        ([[0, 5, -2]], r"kinds holds \[-2, 5\]; allowed are -1 for padding and {'start': 0"),
    ],
)
def test_malformed_kinds_are_refused(kinds: list, message: str) -> None:
    with pytest.raises(SteeringError, match=message):
        check_kinds(kinds, rows=1)
