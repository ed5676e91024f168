"""The statistics are numpy's."""

from __future__ import annotations

import numpy as np

from steer_gym.lerobot.statistics import PictureSummary, summarize

RNG = np.random.default_rng(1)


def test_numbers() -> None:
    values = RNG.normal(size=(50, 3))
    summary = summarize(values)
    assert np.allclose(summary["mean"], values.mean(axis=0))
    assert np.allclose(summary["std"], values.std(axis=0))
    assert np.allclose(summary["q90"], np.quantile(values, 0.9, axis=0))
    assert np.allclose(summary["min"], values.min(axis=0))
    assert summary["count"] == [50]


def test_a_column_of_scalars_is_one_wide() -> None:
    assert summarize([False, True])["mean"] == [0.5]


def test_pictures_are_counted_exactly_also_in_parts() -> None:
    frames = RNG.integers(0, 200, (6, 5, 4, 3), np.uint8)
    whole, part = PictureSummary(), PictureSummary()
    for frame in frames[:4]:
        whole.add(frame)
    for frame in frames[4:]:
        part.add(frame)
    whole.merge(part)
    summary = whole.summary()
    pixels = frames.reshape(-1, 3) / 255
    assert np.shape(summary["mean"]) == (3, 1, 1)
    assert np.allclose(np.ravel(summary["mean"]), pixels.mean(axis=0))
    assert np.allclose(np.ravel(summary["std"]), pixels.std(axis=0))
    assert np.allclose(np.ravel(summary["max"]), pixels.max(axis=0))
    median = np.quantile(pixels, 0.5, axis=0, method="inverted_cdf")
    assert np.allclose(np.ravel(summary["q50"]), median)
    assert summary["count"] == [6]
