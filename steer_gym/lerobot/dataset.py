"""Write a dataset in LeRobot's format, version 3.0, without LeRobot: pyarrow and ffmpeg suffice."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from steer_gym.errors import ObservationError, ResultsError
from steer_gym.observation import INSTRUCTION, Observation
from steer_gym.results import writable_folder

from .features import DONE, REWARD, SUCCESS, features_of, video_keys
from .layout import ACTION, STATE, Layout, layout_named
from .statistics import PictureSummary, summarize
from .tables import EpisodeTable, FrameTable, write_tasks
from .video import VideoFile

VERSION = "v3.0"
CHUNK = 1000
"""Files in one folder."""
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"


class DatasetWriter:
    """Takes episodes frame by frame; use it in a ``with``.

    The folder appears when the block ends well, whole or not at all. Each camera of each episode is
    a video file of its own; everything else is in one table.

    >>> with DatasetWriter("data/pocket", fps=20) as dataset:
    ...     dataset.add(observation, action, reward)  # what was seen, then done
    ...     dataset.end_episode(success=True)
    """

    def __init__(
        self, folder: str | Path, *, fps: int, layout: str = "plain", robot_type: str = "unknown"
    ) -> None:
        """Begin a dataset.

        Args:
            folder: It must not exist yet.
            fps: Control rate [Hz].
            layout: One of ``LAYOUTS``.
            robot_type: For ``info.json``.
        """
        self.folder, self.fps = Path(folder), fps
        self.layout: Layout = layout_named(layout)
        if self.folder.exists():
            raise ResultsError(f"{folder} exists already; choose a folder that does not.")
        writable_folder(self.folder.parent)
        self._partial = self.folder.with_name(f".{self.folder.name}.{os.getpid()}.partial")
        self._robot_type = robot_type
        self._features: dict[str, Any] = {}
        self._tasks: dict[str, int] = {}
        self._frames, self._episodes = FrameTable(), EpisodeTable()
        self._pictures: dict[str, PictureSummary] = {}
        self._begin()

    def _begin(self) -> None:
        self._task: str | None = None
        self._rows: dict[str, list[Any]] = {STATE: [], ACTION: [], REWARD: []}
        self._videos: dict[str, VideoFile] = {}
        self._seen: dict[str, PictureSummary] = {}

    @property
    def episodes(self) -> int:
        """Return how many episodes have ended."""
        return len(self._episodes)

    def add(self, observation: Observation, action: ArrayLike, reward: float = 0.0) -> None:
        """Add a frame: what was seen, the action that was then executed, and its reward."""
        pictures, state = self.layout.pictures(observation), self.layout.state(observation)
        numbers = np.asarray(action, np.float32)
        features = features_of(pictures, state, numbers, self.fps)
        self._features = self._features or features
        if features != self._features:
            raise ObservationError(
                "Every frame of a dataset has the same cameras and sizes: this one has "
                f"{_shapes(features)}, the first had {_shapes(self._features)}."
            )
        if self._task is None:
            self._open(observation[INSTRUCTION], pictures)
        for key, picture in pictures.items():
            self._videos[key].add(picture)
            self._seen[key].add(picture)
        for key, value in ((STATE, state), (ACTION, numbers), (REWARD, np.float32(reward))):
            self._rows[key].append(value)

    def _open(self, task: str, pictures: Mapping[str, NDArray[np.uint8]]) -> None:
        self._task = task
        for key, picture in pictures.items():
            path = self._partial / VIDEO_PATH.format(video_key=key, **_place(self.episodes))
            self._videos[key] = VideoFile(path, picture.shape[:2], self.fps)
            self._seen[key] = PictureSummary()

    def end_episode(self, *, success: bool, **notes: Any) -> None:
        """End an episode of at least one frame.

        Args:
            success: Whether the task was solved.
            **notes: Further columns of the table of episodes, the same for every episode; LeRobot
                reads over them.
        """
        if self._task is None:
            raise ResultsError("An episode needs at least one frame; add one first.")
        for video in self._videos.values():
            video.close()
        columns = self._columns(success)
        numbers = {key: summarize(values) for key, values in columns.items()}
        seen = {key: summary.summary() for key, summary in self._seen.items()}
        for key, summary in self._seen.items():
            self._pictures.setdefault(key, PictureSummary()).merge(summary)
        length = len(columns[STATE])
        self._episodes.add(
            episode_index=self.episodes,
            tasks=[self._task],
            length=length,
            start=len(self._frames),
            videos={key: (_place(self.episodes), length / self.fps) for key in self._videos},
            statistics={**numbers, **seen},
            notes={"success": success, **notes},
        )
        self._frames.add(columns)
        self._begin()

    def discard_episode(self) -> None:
        """Forget the frames since the last episode's end, and their videos."""
        for video in self._videos.values():
            video.discard()
        self._begin()

    def _columns(self, success: bool) -> dict[str, NDArray[Any]]:
        rows = {key: np.stack(values) for key, values in self._rows.items()}
        length = len(rows[STATE])
        count, last = np.arange(length), np.arange(length) == length - 1
        assert self._task is not None
        return {
            **rows,
            DONE: last,
            SUCCESS: last & success,
            "timestamp": (count / self.fps).astype(np.float32),
            "frame_index": count,
            "episode_index": np.full(length, self.episodes),
            "index": count + len(self._frames),
            "task_index": np.full(length, self._tasks.setdefault(self._task, len(self._tasks))),
        }

    def __enter__(self) -> DatasetWriter:
        """Return the writer itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Finish the dataset, or remove it where the block failed."""
        self.discard_episode()
        try:
            if error is None and self.episodes:
                self._finish()
        finally:
            shutil.rmtree(self._partial, ignore_errors=True)

    def _finish(self) -> None:
        place = _place(0)
        self._frames.write(self._partial / DATA_PATH.format(**place), self._features)
        self._episodes.write(self._partial / "meta/episodes/chunk-000/file-000.parquet")
        write_tasks(self._partial / "meta/tasks.parquet", self._tasks)
        statistics = self._frames.statistics()
        statistics |= {key: summary.summary() for key, summary in self._pictures.items()}
        _write_json(self._partial / "meta/stats.json", statistics)
        _write_json(self._partial / "meta/info.json", self._info())
        self._partial.replace(self.folder)

    def _info(self) -> dict[str, Any]:
        return {
            "codebase_version": VERSION,
            "robot_type": self._robot_type,
            "total_episodes": self.episodes,
            "total_frames": len(self._frames),
            "total_tasks": len(self._tasks),
            "chunks_size": CHUNK,
            "data_files_size_in_mb": 100,
            "video_files_size_in_mb": 200,
            "fps": self.fps,
            "splits": {"train": f"0:{self.episodes}"},
            "data_path": DATA_PATH,
            "video_path": VIDEO_PATH if video_keys(self._features) else None,
            "features": self._features,
        }


def _place(number: int) -> dict[str, int]:
    return {"chunk_index": number // CHUNK, "file_index": number % CHUNK}


def _shapes(features: Mapping[str, Any]) -> dict[str, Any]:
    return {key: feature["shape"] for key, feature in features.items() if "." in key}


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, indent=1))
