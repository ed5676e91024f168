from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


def test_both_ends_are_those_of_the_whole_product() -> None:
    from steer_gym.neurons.projection import BLOCK, project

    rng = np.random.default_rng(0)
    values, unembedding = rng.normal(size=(BLOCK + 7, 8)), rng.normal(size=(50, 8))
    promoted, suppressed = project(torch.tensor(values), torch.tensor(unembedding), k=5)
    order = np.argsort(values @ unembedding.T, axis=1)
    assert np.array_equal(promoted.ids, order[:, :-6:-1])
    assert np.array_equal(suppressed.ids, order[:, :5])
    assert promoted.scores.shape == (BLOCK + 7, 5)
    assert (np.diff(promoted.scores, axis=1) <= 0).all()


def test_more_tokens_than_there_are_is_refused() -> None:
    from steer_gym.neurons.projection import project

    with pytest.raises(ValueError, match=r"k must be 1 to 3 \(the vocabulary\), but is 4"):
        project(torch.ones(2, 2), torch.ones(3, 2), k=4)
