from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sentencepiece")

from steer_gym.affine import KIND, PADDING
from steer_gym.policies.pi0_fast.prefix import ModelInputs, Prefix
from steer_gym.policies.pi0_fast.profiles import (
    LEROBOT_LIBERO,
    PI0_FAST_DROID,
    PI0_FAST_LIBERO,
    PI0_FAST_UR5,
    PROFILES,
)
from steer_gym.policies.pi0_fast.prompt import PromptTokenizer, prompt_text, prompts
from steer_gym.policies.pi0_fast.transforms import camera_images, fitted, holding, padded_to


def test_the_prompt_reads_as_upstream_writes_it() -> None:
    state = np.array([-1.0, -0.001, 0.0, 0.999, 1.0, 5.0, -1.5])
    text = prompt_text(" Pick_up the Bowl ", state, PI0_FAST_LIBERO)
    assert text == "Task: pick up the bowl, State: 0 127 128 255 255 255 -1;\n"
    assert prompt_text("Pick Up", state[:1], LEROBOT_LIBERO) == "Task: Pick Up, State: 0;\n"


def test_the_kinds_tell_begin_words_and_state_apart(words: Path) -> None:
    tokenizer = PromptTokenizer(words)
    ids, kinds = prompts(["Task: a State: 7, State: 1 23;\n"], tokenizer, PI0_FAST_LIBERO)
    state = [tokenizer._pieces.id_to_piece(int(i)) for i in ids[0][kinds[0] == KIND["state"]]]
    assert "".join(state) == "\u2581" + "1\u2581" + "23"
    assert ids.shape == kinds.shape == (1, 180)
    assert kinds[0, 0] == KIND["start"]
    assert ids[0, 0] == tokenizer.begin
    assert (kinds[0] == PADDING).sum() == 180 - 1 - len("Task: a State: 7, State: 1 23;\n")


def test_lerobot_puts_a_second_begin_after_the_prompt(words: Path) -> None:
    tokenizer = PromptTokenizer(words)
    ids, _ = prompts(["Task: a, State: 1;\n"], tokenizer, LEROBOT_LIBERO)
    assert [int(i) for i in np.flatnonzero(ids[0] == tokenizer.begin)] == [0, 20]


def test_liberos_pictures_are_mirrored_and_the_missing_one_is_black() -> None:
    rng = np.random.default_rng(0)
    batch = {
        f"image.{name}": rng.integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
        for name in ("base", "wrist")
    }
    images = camera_images(batch, PI0_FAST_LIBERO, 8)
    assert images.shape == (2, 3, 8, 8, 3)
    assert np.allclose((images[:, 0] + 1) * 127.5, batch["image.base"][:, :, ::-1], atol=1e-4)
    assert (images[:, 2] == -1).all()
    droid = camera_images(batch, PI0_FAST_DROID, 8)
    assert np.allclose((droid[:, 2] + 1) * 127.5, batch["image.wrist"], atol=1e-4)
    assert (droid[:, 1] == -1).all()


@pytest.mark.parametrize("shape", [(6, 12), (12, 6), (240, 320), (5, 5)])
def test_pictures_keep_their_proportions(shape: tuple[int, int]) -> None:
    pytest.importorskip("PIL")
    picture = fitted(np.full((*shape, 3), 200, np.uint8), 8)
    height, width = (int(side * 8 / max(shape)) for side in shape)
    assert picture.shape == (8, 8, 3)
    assert (picture == 200).sum() == height * width * 3
    assert (picture == 0).sum() == (64 - height * width) * 3


def test_holding_still_means_what_the_robot_does_with_it() -> None:
    joints, opening = np.full((1, 6), 0.5), np.array([[0.3]])
    ur5 = holding({"joints": joints, "gripper": opening}, PI0_FAST_UR5)
    assert ur5.tolist() == [[0.5] * 6 + [0.3]]
    droid = holding({"joints": np.ones((1, 7)), "gripper": opening}, PI0_FAST_DROID)
    assert droid.tolist() == [[0.0] * 7 + [0.3]]
    fingers = np.array([[0.04, -0.04], [0.02, -0.02]])
    libero = holding({"gripper": fingers}, PI0_FAST_LIBERO)
    assert libero[:, -1].tolist() == [-1.0, 1.0]
    assert not libero[:, :-1].any()


def test_states_are_padded_only_where_the_profile_says() -> None:
    state = np.ones((2, 7))
    assert padded_to(state, None) is state
    assert padded_to(state, 32).sum(axis=1).tolist() == [7, 7]


def test_profiles_are_frozen_and_named_as_they_are_found() -> None:
    assert all(name == profile.name for name, profile in PROFILES.items())
    with pytest.raises(FrozenInstanceError):
        PI0_FAST_LIBERO.horizon = 3  # type: ignore[misc]
    assert PROFILES["pi0_fast_libero_quantile_no_delta"] == replace(
        PI0_FAST_LIBERO,
        name="pi0_fast_libero_quantile_no_delta",
        delta=(),
        normalisation="quantile",
    )


def inputs(camera_mask: list[bool], words: int) -> ModelInputs:
    kinds = np.full((1, 5), PADDING)
    kinds[0, :words] = KIND["text"]
    return ModelInputs(
        images=np.zeros((1, 2, 8, 8, 3), np.float32),
        camera_mask=np.array([camera_mask]),
        prompt=np.zeros((1, 5), np.int64),
        prompt_kinds=kinds,
    )


def test_every_row_ends_at_the_last_position() -> None:
    prefix = Prefix.of(inputs([True, True], words=3), 2, "last")
    assert prefix.order.tolist() == [[7, 8, 0, 1, 2, 3, 4, 5, 6]]
    assert prefix.mask.tolist() == [[False] * 2 + [True] * 7]
    assert prefix.positions.tolist() == [[-1, -1, 0, 1, 2, 3, 4, 5, 6]]
    assert np.array_equal(prefix.decode_mask, prefix.mask)


def test_upstreams_window_reaches_into_a_masked_camera() -> None:
    prefix = Prefix.of(inputs([True, False], words=5), 2, "last")
    seen = Prefix.of(inputs([True, False], words=5), 2, "seen")
    assert prefix.mask.tolist() == [[True, True, False, False, *[True] * 5]]
    assert prefix.decode_mask.tolist() == [[False, False, *[True] * 7]]
    assert np.array_equal(seen.decode_mask, seen.mask)
    assert prefix.kinds[0, 2] == KIND["image"]
    assert seen.kinds[0, 2] == PADDING
