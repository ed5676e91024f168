from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from huggingface_hub import constants

from steer_gym.policies.openvla.checkpoint import checkpoint_folder, open_checkpoint
from steer_gym.policies.openvla.tensors import CheckpointError

HUB_ID = "openvla/openvla-7b-finetuned-libero-10"


@pytest.fixture
def offline_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub" / f"models--{HUB_ID.replace('/', '--')}"


def test_a_hub_id_that_was_never_downloaded_says_so_offline(offline_cache: Path) -> None:
    del offline_cache
    with pytest.raises(CheckpointError, match=f"{HUB_ID} is no local folder, and the Hugging Face"):
        checkpoint_folder(HUB_ID)


def test_a_downloaded_hub_id_opens_offline(offline_cache: Path, golden_folder: Path) -> None:
    shutil.copytree(golden_folder, offline_cache / "snapshots" / "abc123")
    (offline_cache / "refs").mkdir()
    (offline_cache / "refs" / "main").write_text("abc123")
    by_id = open_checkpoint(HUB_ID)
    by_path = open_checkpoint(offline_cache / "snapshots" / "abc123")
    assert by_id.folder.samefile(by_path.folder)
    assert by_id.name == by_path.name == HUB_ID


def test_what_is_neither_folder_nor_id_is_refused() -> None:
    with pytest.raises(CheckpointError, match="no folder 'nowhere', and it is no hub id either"):
        checkpoint_folder("nowhere")


def test_fine_tuned_statistics_replace_the_configs(folder: Path) -> None:
    (folder / "dataset_statistics.json").write_text('{"mine": {"action": {}}}')
    assert list(open_checkpoint(folder).statistics) == ["mine"]
    (folder / "dataset_statistics.json").unlink()
    assert list(open_checkpoint(folder).statistics) == ["libero_10_no_noops"]


def test_pictures_resized_otherwise_are_refused(folder: Path) -> None:
    config = (folder / "config.json").read_text().replace("resize-naive", "letterbox")
    (folder / "config.json").write_text(config)
    with pytest.raises(CheckpointError, match="letterbox"):
        open_checkpoint(folder)
