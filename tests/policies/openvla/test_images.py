from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from steer_gym.policies.openvla.conventions import CONVENTIONS
from steer_gym.policies.openvla.images import centre_cropped, jpeg_round_trip, lanczos_resized

from .conftest import GOLDEN

PICTURES = np.load(GOLDEN / "images.npz")


@pytest.mark.parametrize("number", range(2))
def test_libero_view_is_tensorflows(number: int) -> None:
    upright = PICTURES["raw"][number][::-1]  # robosuite draws upside down
    seen = CONVENTIONS["libero"].view(upright, 224)
    differences = np.abs(seen.astype(int) - PICTURES["cropped"][number])
    # The bar is 10 values that differ, each by 1; here (libjpeg-turbo 3.2) none does.
    assert (differences != 0).sum() <= 10
    assert differences.max() <= 1


@pytest.mark.parametrize("size", [112, 384])
def test_a_network_of_another_size_sees_that_view_resized_by_the_processor(size: int) -> None:
    upright = PICTURES["raw"][0][::-1]
    at_224 = Image.fromarray(CONVENTIONS["libero"].view(upright, 224))
    expected = np.asarray(at_224.resize((size, size), Image.Resampling.BICUBIC))
    assert np.array_equal(CONVENTIONS["libero"].view(upright, size), expected)


def test_mirroring_an_upright_picture_is_rotating_an_upside_down_one() -> None:
    raw = PICTURES["raw"][0]
    assert np.array_equal(raw[::-1][:, ::-1], np.rot90(raw, 2))


def test_plain_view_of_a_picture_of_the_right_size_is_the_picture() -> None:
    picture = PICTURES["cropped"][0]
    assert np.array_equal(CONVENTIONS["plain"].view(picture, 224), picture)


def test_resizing_to_the_same_size_changes_nothing() -> None:
    picture = PICTURES["raw"][0]
    assert lanczos_resized(picture, 256) is picture


def test_resizing_keeps_an_even_picture_even() -> None:
    grey = np.full((200, 300, 3), 77, np.uint8)
    assert np.array_equal(lanczos_resized(grey, 224), np.full((224, 224, 3), 77))


def test_cropping_the_whole_area_changes_nothing() -> None:
    picture = PICTURES["cropped"][0]
    assert np.array_equal(centre_cropped(picture, 1.0), picture)


def test_jpeg_changes_a_picture_little_and_leaves_the_original() -> None:
    picture = PICTURES["raw"][0].copy()
    passed = jpeg_round_trip(picture)
    assert np.array_equal(picture, PICTURES["raw"][0])
    assert 0 < np.abs(passed.astype(int) - picture).mean() < 4
