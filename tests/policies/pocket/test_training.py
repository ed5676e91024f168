"""A few steps of the real thing, on made-up episodes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory: pytest.TempPathFactory, tokenizer_file: Path) -> Path:
    from steer_gym.policies.pocket.tokenizer import PocketTokenizer

    folder = tmp_path_factory.mktemp("vocabulary")
    shutil.copy(tokenizer_file, folder / "tokenizer.json")
    words = PocketTokenizer(tokenizer_file).words
    embedding = np.random.default_rng(0).normal(size=(words, 256)).astype(np.float16)
    np.save(folder / "embedding.npy", embedding)
    (folder / "corpus.jsonl").write_text('"The cat went up high."\n"The train was slow."\n')
    return folder


@pytest.fixture
def config(demonstrations: Path, vocabulary: Path, tmp_path: Path) -> Any:
    from steer_gym.policies.pocket.training import TrainConfig

    return TrainConfig(
        demonstrations=demonstrations,
        vocabulary=vocabulary,
        out=tmp_path / "checkpoint",
        minutes=0.02,
        batch=4,
        workers=1,
        compile=False,
    )


def test_training_writes_a_policy_and_goes_on_where_it_stopped(config: Any) -> None:
    from steer_gym.policies.pocket.policy import PocketPolicy
    from steer_gym.policies.pocket.training import Trainer

    first = Trainer(config)
    first.train()
    assert first.step > 0
    again = Trainer(replace(config, minutes=first.spent_s / 60 + 0.02))
    assert again.step == first.step
    assert all(
        torch.equal(one, other)
        for one, other in zip(first.model.parameters(), again.model.parameters(), strict=True)
    )
    again.train()
    assert again.step > first.step
    policy = PocketPolicy(config.out)
    assert policy.history["steps"] == again.step
    assert policy.act(policy.spec.example_observation()).shape == (7,)


def test_the_losses_fall_on_a_batch_that_is_seen_again(config: Any) -> None:
    from steer_gym.policies.pocket.dataset import DemonstrationSet
    from steer_gym.policies.pocket.losses import demonstration_losses
    from steer_gym.policies.pocket.training import Trainer

    trainer = Trainer(config)
    data = DemonstrationSet(
        config.demonstrations,
        trainer.tokenizer,
        prompt_length=32,
        device=trainer.device,
        workers=1,
        seed=0,
    )
    batch = data.batch(4, trainer.generator)
    optimizer = torch.optim.AdamW([*trainer.model.parameters(), *trainer.aim.parameters()], 1e-3)
    seen = []
    for _ in range(8):
        losses, _ = demonstration_losses(trainer.model, trainer.aim, batch, trainer.generator)
        optimizer.zero_grad()
        sum(losses.values()).backward()
        optimizer.step()
        seen.append({name: loss.item() for name, loss in losses.items()})
    assert all(seen[-1][name] < seen[0][name] for name in seen[0])


def test_an_episode_comes_back_from_its_file(demonstrations: Path) -> None:
    from steer_gym.policies.pocket.episodes import load_demonstration, save_demonstration

    path = sorted(demonstrations.glob("*.npz"))[0]
    one = load_demonstration(path)
    copy = path.parent / "copy.npz"
    save_demonstration(copy, one)
    other = load_demonstration(copy)
    copy.unlink()
    assert one.style == other.style
    assert np.array_equal(one.actions, other.actions)
    assert np.abs(one.base.astype(int) - other.base).mean() < 3  # a second JPEG of noise


def test_a_normal_style_is_never_put_into_words() -> None:
    from steer_gym.policies.pocket.wording import Style, instruction

    rng = np.random.default_rng(0)
    normal = Style(speed="normal", height="normal")
    assert {instruction("lift the milk", normal, rng) for _ in range(50)} == {"lift the milk"}
    fast = Style(speed="fast", height="normal")
    asked = [instruction("lift the milk", fast, rng, silence=0.0) for _ in range(50)]
    assert all(text != "lift the milk" for text in asked)
    assert not any("slow" in text or "low" in text.split() for text in asked)
