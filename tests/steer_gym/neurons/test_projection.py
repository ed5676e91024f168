from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("vocabulary", "k"), [(50, 5), (1000, 7), (64 * 80 + 13, 5)])
def test_both_ends_are_those_of_the_whole_product(
    vocabulary: int, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from steer_gym.neurons import projection

    monkeypatch.setattr(projection, "LOGITS", vocabulary * 100)
    rng = np.random.default_rng(0)
    values, unembedding = rng.normal(size=(230, 8)), rng.normal(size=(vocabulary, 8))
    seen: list[int] = []
    promoted, suppressed = projection.project(
        torch.tensor(values), torch.tensor(unembedding), k=k, on_block=seen.append
    )
    order = np.argsort(values @ unembedding.T, axis=1)
    assert np.array_equal(promoted.ids, order[:, : -k - 1 : -1])
    assert np.array_equal(suppressed.ids, order[:, :k])
    assert promoted.scores.shape == (230, k)
    assert (np.diff(promoted.scores, axis=1) <= 0).all()
    assert seen == [100, 200, 230]


def test_weights_stored_in_bfloat16_lose_nothing_by_a_narrow_product() -> None:
    from steer_gym.neurons.projection import Projector

    rng = np.random.default_rng(0)
    stored = (torch.tensor(rng.normal(size=(n, 32))).bfloat16() for n in (60, 900))
    values, rows = (tensor.float() for tensor in stored)
    before = torch.get_float32_matmul_precision()
    exact, narrow = (Projector(rows, k=4, narrow=narrow)(values) for narrow in (False, True))
    assert torch.get_float32_matmul_precision() == before
    for ours, theirs in zip(narrow, exact, strict=True):
        assert np.array_equal(ours.ids, theirs.ids)
        assert np.allclose(ours.scores, theirs.scores, atol=1e-5)


def test_more_tokens_than_there_are_is_refused() -> None:
    from steer_gym.neurons.projection import project

    with pytest.raises(ValueError, match=r"k must be 1 to 3 \(the vocabulary\), but is 4"):
        project(torch.ones(2, 2), torch.ones(3, 2), k=4)
