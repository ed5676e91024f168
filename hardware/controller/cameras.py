"""Cameras as MJPEG over HTTP, drawn in a thread of their own, with the faults cameras have."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from steer_gym.extras import require

from .sockets import LineSession, Wire

PORT = 8099
Image = NDArray[np.uint8]
CameraMode = Literal["live", "frozen", "black", "slow", "small", "unplugged"]
CAMERA_MODES = get_args(CameraMode)
_NOISE_STD = 2.0
"""Sensor noise [grey levels]; without it a still scene looks like a frozen camera."""
_SLOW_FPS = 2.0


class Artist(Protocol):
    """Draws what a camera sees."""

    def capture(self) -> Any:
        """Return a copy of what there is to see; called in the controller's thread."""

    def draw(self, snapshot: Any, camera: str, height: int, width: int) -> Image:
        """Return the image (height, width, 3), RGB; called in the cameras' thread."""


class TestCard:
    """Draws for plants without a world: a grey ramp with a dot where the tool is."""

    def __init__(self, pose: NDArray[np.float64]) -> None:
        self._pose = pose

    def capture(self) -> Any:
        """Return the tool's position (3,)."""
        return self._pose[:3].copy()

    def draw(self, snapshot: Any, camera: str, height: int, width: int) -> Image:
        """Return the card; the dot is 1 m for the whole width."""
        ramp = np.linspace(40, 200, width, dtype=np.uint8)
        image = np.broadcast_to(ramp[None, :, None], (height, width, 3)).copy()
        row = int(np.clip(snapshot[2 if camera == "base" else 0], 0, 1) * (height - 9))
        column = int(np.clip(snapshot[1] + 0.5, 0, 1) * (width - 9))
        image[row : row + 8, column : column + 8] = (255, 0, 0)
        return image


class CameraRig:
    """Both cameras: newest JPEG of each, its number, and how each misbehaves."""

    def __init__(self, artist: Artist, *, height: int, width: int, fps: float) -> None:
        self.modes: dict[str, CameraMode] = {"base": "live", "wrist": "live"}
        self.frames: dict[str, tuple[int, bytes]] = {}
        self._artist = artist
        self._size = (height, width)
        self._period_s = 1.0 / fps
        self._rng = np.random.default_rng(0)
        self._ready = threading.Event()
        self._wanted = threading.Event()
        self._ended = threading.Event()
        self._snapshot: Any = None
        self._watched: frozenset[str] = frozenset()
        self._drawn_s = dict.fromkeys(self.modes, -1e9)
        self._capture_s = -1e9
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)

    def start(self) -> None:
        """Start the thread, and wait until it has drawn once: the first time takes far longer.

        Loading its libraries and opening OpenGL hold Python's global lock, and would hold up a
        controller that runs already.
        """
        self._snapshot = self._artist.capture()
        self._thread.start()
        self._ready.wait()

    def tick(self, watched: frozenset[str]) -> None:
        """Take a snapshot when the next frame is due; called in the controller's thread.

        Args:
            watched: The cameras that somebody watches; nothing is drawn for nobody.
        """
        now = time.monotonic()
        self._watched = watched
        free = bool(watched) and not self._wanted.is_set()
        if free and now - self._capture_s >= self._period_s:
            self._capture_s = now
            self._snapshot = self._artist.capture()
            self._wanted.set()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        try:
            encode = require("cv2", extra="ur5").imencode
            for camera in self.modes:
                self._artist.draw(self._snapshot, camera, *self._size)
        finally:
            self._ready.set()
        while True:
            self._wanted.wait()
            if self._ended.is_set():
                return
            for camera in self._watched:
                self._draw(camera, self.modes[camera], encode)
            self._wanted.clear()

    def _draw(self, camera: str, mode: CameraMode, encode: Any) -> None:
        number, jpeg = self.frames.get(camera, (0, b""))
        now = time.monotonic()
        if mode == "slow" and now - self._drawn_s[camera] < 1.0 / _SLOW_FPS:
            return
        self._drawn_s[camera] = now
        if mode != "frozen" or not jpeg:
            height, width = (48, 64) if mode == "small" else self._size
            image = self._artist.draw(self._snapshot, camera, height, width)
            noisy = image + self._rng.normal(0.0, _NOISE_STD, image.shape[:2])[..., None]
            shown = np.zeros_like(image) if mode == "black" else np.clip(noisy, 0, 255)
            _, encoded = encode(".jpg", shown.astype(np.uint8)[..., ::-1])
            jpeg = encoded.tobytes()
        self.frames[camera] = (number + 1, jpeg)


class CameraSession(LineSession):
    """One viewer: ``GET /base.mjpg`` or ``GET /wrist.mjpg``."""

    def __init__(self, connection: socket.socket, wire: Wire, rig: CameraRig) -> None:
        super().__init__(connection, wire)
        self._rig = rig
        self.camera = ""
        """The one that it watches; none before it has asked."""
        self._shown = 0

    def line(self, text: str) -> None:
        """Take the request line; the other headers do not matter."""
        if text.startswith("GET "):
            name = text.split()[1].strip("/").removesuffix(".mjpg")
            if name not in self._rig.modes:
                self.send(b"HTTP/1.0 404 Not Found\r\n\r\n")
                self.close()
                return
            self.camera = name
            # What was drawn for an earlier viewer is old.
            self._shown, _ = self._rig.frames.get(name, (0, b""))
            self.send(
                b"HTTP/1.0 200 OK\r\nCache-Control: no-store\r\n"
                b"Content-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
            )

    def publish(self) -> None:
        """Send the newest frame if this viewer has not had it."""
        if not self.camera:
            return
        if self._rig.modes[self.camera] == "unplugged":
            self.reset()
            return
        number, jpeg = self._rig.frames.get(self.camera, (0, b""))
        if number != self._shown:
            self._shown = number
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.send(head.encode() + jpeg + b"\r\n")
