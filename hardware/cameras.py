"""Cameras: newest frame, its age, and refusal to pass off an old or blind one as new."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import SteerGymError
from steer_gym.extras import require
from steer_gym.robot import FaultCode, RobotError

from .cell import Picture
from .supervision import Finding

Image = NDArray[np.uint8]
_START_S = 10.0
_CLOSE_S = 3.0
_KEPT = 4
_BLACK = 3.0
"""Mean grey level under which a camera counts as covered or dead."""


@dataclass(frozen=True, kw_only=True)
class CameraSettings:
    """Where a camera is and what it must deliver."""

    source: str
    """``/dev/video0`` or ``0`` (V4L2), ``http://...`` (MJPEG), or ``realsense:SERIAL``."""
    height: int = 240
    """Of the images [pixels]."""
    width: int = 320
    """Of the images [pixels]."""
    fps: int = 30
    """Asked of the camera."""
    stale_s: float = 0.2
    """How old the newest frame may be."""
    latency_s: float = 0.0
    """How old a frame is when it arrives [s]; ``benchmarks/ur5_latency.py`` measures it."""

    def __post_init__(self) -> None:
        """Refuse what no camera can do."""
        if not (isinstance(self.source, str) and self.source):
            number = isinstance(self.source, Integral)
            raise SteerGymError(
                "A camera's source is text: '/dev/video0' or '0', 'http://...', or "
                f"'realsense:SERIAL'; not {self.source!r}."
                + (f" Give {str(self.source)!r}." if number else "")
            )
        if not (0 < self.height <= 4096 and 0 < self.width <= 4096 and 0 < self.fps <= 240):
            raise SteerGymError(
                f"A camera of {self.width} x {self.height} at {self.fps} Hz is not one."
            )
        if not 0.0 <= self.latency_s <= 1.0:
            raise SteerGymError(f"latency_s must be 0 to 1 s, not {self.latency_s!r}.")
        if not 0.02 <= self.stale_s <= 5.0:
            raise SteerGymError(f"stale_s must be 0.02 to 5 s, not {self.stale_s!r}.")


class FrameReader(Protocol):
    """Reads frames from one device."""

    def read(self) -> Image | None:
        """Wait for the next frame, RGB; ``None`` when the device fails."""

    def close(self) -> None:
        """Free the device."""


class OpenCvReader:
    """V4L2 devices and MJPEG streams by OpenCV."""

    def __init__(self, settings: CameraSettings) -> None:
        """Open; raises ``RobotError`` when nothing opens."""
        cv2 = require("cv2", extra="ur5")
        source = settings.source
        if source.isdigit() or source.startswith("/dev/"):
            device: str | int = int(source) if source.isdigit() else source
            self._capture: Any = cv2.VideoCapture(device, cv2.CAP_V4L2)
            for name, value in (
                ("FRAME_WIDTH", settings.width),
                ("FRAME_HEIGHT", settings.height),
                ("FPS", settings.fps),
                ("BUFFERSIZE", 1),
            ):
                self._capture.set(getattr(cv2, f"CAP_PROP_{name}"), value)
        else:
            waits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 5000, cv2.CAP_PROP_READ_TIMEOUT_MSEC, 1000]
            self._capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG, waits)
        if not self._capture.isOpened():
            raise RobotError(f"No camera at {source!r}. Is it plugged in, and free?")

    def read(self) -> Image | None:
        """Return the next frame; see ``FrameReader.read``."""
        good, frame = self._capture.read()
        return np.ascontiguousarray(frame[..., ::-1]) if good else None

    def close(self) -> None:
        """Free the device."""
        self._capture.release()


class RealSenseReader:
    """Intel RealSense by its own library."""

    def __init__(self, settings: CameraSettings) -> None:
        """Open; raises ``RobotError`` when the camera is not there."""
        self._rs: Any = require("pyrealsense2", extra="realsense")
        config = self._rs.config()
        config.enable_device(settings.source.partition(":")[2])
        config.enable_stream(
            self._rs.stream.color,
            settings.width,
            settings.height,
            self._rs.format.rgb8,
            settings.fps,
        )
        self._pipeline: Any = self._rs.pipeline()
        try:
            self._pipeline.start(config)
        except RuntimeError as error:
            raise RobotError(f"No RealSense at {settings.source!r}: {error}") from error

    def read(self) -> Image | None:
        """Return the next frame; see ``FrameReader.read``."""
        try:
            frame = self._pipeline.wait_for_frames(1000).get_color_frame()
        except RuntimeError:
            return None
        return np.array(frame.get_data())

    def close(self) -> None:
        """Free the device."""
        self._pipeline.stop()


class Camera:
    """One camera with a thread that keeps its newest good frame."""

    def __init__(self, name: str, settings: CameraSettings) -> None:
        """Open and wait for the first frame; raises ``RobotError`` when none comes."""
        self.name = name
        self._settings = settings
        realsense = settings.source.startswith("realsense:")
        self._reader: FrameReader = (RealSenseReader if realsense else OpenCvReader)(settings)
        self._frames: deque[tuple[float, Image]] = deque(maxlen=_KEPT)
        self._good_s = time.monotonic()
        self._trouble = "it has delivered nothing yet"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"camera {name}", daemon=True)
        self._thread.start()
        end = time.monotonic() + _START_S
        while not self._frames:
            if time.monotonic() > end or not self._thread.is_alive():
                self.close()
                raise RobotError(f"Camera {name!r} at {settings.source!r}: {self._trouble}.")
            time.sleep(0.01)

    def picture(self, moment_s: float | None = None) -> Picture:
        """Return a copy of the good frame nearest to a moment, or of the newest; RGB."""
        frames = list(self._frames)
        wanted_s = frames[-1][0] if moment_s is None else moment_s
        taken_s, image = min(frames, key=lambda frame: abs(frame[0] - wanted_s))
        return Picture(image=image.copy(), age_s=time.monotonic() - taken_s)

    @property
    def moment_s(self) -> float:
        """Return when the newest good frame was taken, on the monotonic clock."""
        return self._frames[-1][0]

    @property
    def age_s(self) -> float:
        """Return how old the newest good frame is."""
        return time.monotonic() - self._good_s

    def finding(self) -> Finding | None:
        """Return what is wrong with the camera, if anything."""
        if self.age_s <= self._settings.stale_s:
            return None
        why = self._trouble or "it is slow"
        return FaultCode.CAMERA_STALE, f"camera {self.name!r}: {self.age_s:.2f} s old, {why}"

    def end(self) -> None:
        """Tell the thread to end, without waiting."""
        self._ended.set()

    def close(self, within_s: float = _CLOSE_S) -> None:
        """End the thread and free the device, unless it hangs for so long."""
        self.end()
        self._thread.join(timeout=within_s)
        if not self._thread.is_alive():
            self._reader.close()

    def _run(self) -> None:
        while not self._ended.is_set():
            image = self._reader.read()
            self._trouble = self._reject(image)
            if image is None:
                return
            if not self._trouble:
                self._good_s = time.monotonic()
                self._frames.append((self._good_s - self._settings.latency_s, image))

    def _reject(self, image: Image | None) -> str:
        """Return why a frame is not a new picture of the world."""
        expected = (self._settings.height, self._settings.width, 3)
        if image is None:
            return "it is gone"
        if image.shape != expected:
            return f"its frames are {image.shape}, not {expected}"
        if float(image[::4, ::4].mean()) < _BLACK:
            return "it is black"
        # A sensor has noise: two frames are never equal unless the camera hangs.
        if self._frames and np.array_equal(image, self._frames[-1][1]):
            return "it is frozen"
        return ""


class CameraSet:
    """Every camera of a robot."""

    def __init__(self, settings: Mapping[str, CameraSettings]) -> None:
        """Open all; if one fails, the others are closed again."""
        self._cameras: list[Camera] = []
        try:
            for name, camera in settings.items():
                self._cameras.append(Camera(name, camera))
        except BaseException:
            self.close()
            raise

    def moment_s(self) -> float | None:
        """Return the last moment that all cameras have seen."""
        return min((camera.moment_s for camera in self._cameras), default=None)

    def pictures(self, moment_s: float | None = None) -> dict[str, Picture]:
        """Return each camera's picture nearest to a moment, or the newest, by name."""
        return {camera.name: camera.picture(moment_s) for camera in self._cameras}

    def finding(self) -> Finding | None:
        """Return what is wrong with the first camera that is not well."""
        findings = (camera.finding() for camera in self._cameras)
        return next((finding for finding in findings if finding), None)

    def close(self) -> None:
        """Free every camera, in the time that one may take."""
        for camera in self._cameras:
            camera.end()
        end_s = time.monotonic() + _CLOSE_S
        for camera in self._cameras:
            camera.close(max(0.0, end_s - time.monotonic()))
        self._cameras.clear()
