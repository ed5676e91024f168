"""Films come back as they were, nearly; half a film is no film."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("imageio_ffmpeg", reason="needs the extra 'bench'")

from steer_gym.errors import ResultsError
from steer_gym.film import read_film, write_film


def frames(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    ramp = np.linspace(40, 200, width).astype(np.uint8)
    return [
        np.repeat(np.broadcast_to(ramp, (height, width))[..., None], 3, 2) // 2 + np.uint8(10 * i)
        for i in range(count)
    ]


def test_a_film_holds_every_frame(tmp_path: Path) -> None:
    given = frames(7)
    write_film(tmp_path / "new" / "film.mp4", given, rate_hz=20)
    seen = read_film(tmp_path / "new" / "film.mp4")
    assert len(seen) == 7
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(given, seen, strict=True)]
    assert max(errors) < 4
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["film.mp4"]


def test_a_film_is_h264_that_starts_before_it_has_been_read(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", frames(3), rate_hz=20)
    content = (tmp_path / "film.mp4").read_bytes()
    assert b"avc1" in content
    assert content.index(b"moov") < content.index(b"mdat")


def test_an_odd_side_grows_by_a_pixel(tmp_path: Path) -> None:
    write_film(tmp_path / "film.mp4", frames(2, height=47, width=63), rate_hz=20)
    assert read_film(tmp_path / "film.mp4")[0].shape == (48, 64, 3)


def test_what_breaks_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"shape \(48, 64, 3\), but one is uint8 with \(48, 66"):
        write_film(tmp_path / "film.mp4", [*frames(2), *frames(1, width=66)], rate_hz=20)
    assert list(tmp_path.iterdir()) == []
