from __future__ import annotations

import numpy as np

from steer_gym.policies.action_bins import ActionBins

BINS = ActionBins(32000)


def test_decoding_gives_back_values_to_half_a_bin() -> None:
    values = np.linspace(-1, 1, 1001)
    decoded, valid = BINS.decode(BINS.encode(values))
    assert valid.all()
    assert np.abs(decoded - values).max() <= 1 / 255 + 1e-12


def test_every_action_token_survives_decoding_and_encoding_but_the_doubled_one() -> None:
    ids = np.array(BINS.ids)
    again = BINS.encode(BINS.decode(ids)[0])
    assert np.array_equal(again[1:], ids[1:])
    assert again[0] == ids[0] + 1  # 1.0 alone has a token of its own, decoded as the bin below


def test_ids_fall_as_values_rise() -> None:
    assert BINS.encode(np.array([-1.0, 1.0, 7.0])).tolist() == [31999, 31744, 31744]


def test_words_are_full_speed_forward_and_padding_full_speed_back() -> None:
    decoded, valid = BINS.decode(np.array([0, 31743, 32000, 32063]))
    assert not valid.any()
    np.testing.assert_allclose(decoded, [254 / 255, 254 / 255, -254 / 255, -254 / 255])
