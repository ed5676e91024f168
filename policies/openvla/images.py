"""The image pipeline of OpenVLA's LIBERO evaluation, without TensorFlow.

Upstream rotates robosuite's upside-down picture by 180 degrees, passes it through JPEG, resizes
it with Lanczos3, and cuts out the centre, all with TensorFlow's operations. Each function here
computes what one of them does; end to end at most a few of 150,528 values differ, each by 1.
"""

from __future__ import annotations

from functools import cache
from io import BytesIO

import numpy as np
import simplejpeg  # type: ignore[import-untyped]
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 95
LANCZOS_RADIUS = 3


def jpeg_round_trip(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return what JPEG makes of an image, (height, width, 3).

    TensorFlow encodes with 4:2:0 chroma as Pillow does, to the byte (simplejpeg does not), and
    decodes by the fast integer transform with smooth upsampling as simplejpeg does, to the bit
    (Pillow differs by up to 18 levels).
    """
    encoded = BytesIO()
    Image.fromarray(image).save(encoded, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
    decoded: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        encoded.getvalue(), "RGB", fastdct=True, fastupsample=False
    )
    return decoded


def lanczos_resized(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Return an image resized to a square of ``size`` by Lanczos3 with antialiasing.

    Rows first, then columns, summed tap by tap in float32 as TensorFlow does: a matrix product
    sums in another order, which moves a dozen values. Rounded half to even.
    """
    if image.shape[:2] == (size, size):
        return image
    rows = _resampled(image.astype(np.float32), size)
    columns = _resampled(np.ascontiguousarray(rows.swapaxes(0, 1)), size)
    resized: NDArray[np.uint8] = np.clip(np.rint(columns), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(resized.swapaxes(0, 1))


def _resampled(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Return the image with ``size`` samples along its first axis."""
    sources, weights = lanczos_taps(image.shape[0], size)
    total = np.zeros((size, *image.shape[1:]), np.float32)
    for source, weight in zip(sources.T, weights.T, strict=True):
        total += image[source] * weight[:, None, None]
    return total


@cache
def lanczos_taps(inputs: int, outputs: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return which input samples go into each output sample, and how much: (outputs, taps) each.

    Where a sample has fewer taps than others, the rest weigh nothing.
    """
    one, half = np.float32(1), np.float32(0.5)
    ratio = one / (np.float32(outputs) / np.float32(inputs))
    stretch = max(ratio, one)
    reach = np.float32(LANCZOS_RADIUS) * stretch
    centre = (np.arange(outputs, dtype=np.float32) + half) * ratio
    first = np.maximum(np.ceil(centre - reach - half), 0).astype(np.int64)
    last = np.minimum(np.floor(centre + reach - half), inputs - 1).astype(np.int64)
    taps = first[:, None] + np.arange((last - first).max() + 1)
    away = (taps.astype(np.float32) + half - centre[:, None]) * (one / stretch)
    weights = np.where(taps <= last[:, None], _lanczos(away), np.float32(0))
    total = np.cumsum(weights, axis=1)[:, -1:]  # one after the other, in float32
    return np.minimum(taps, inputs - 1), (weights * (one / total)).astype(np.float32)


def _lanczos(away: NDArray[np.float32]) -> NDArray[np.float32]:
    pi, radius = np.float32(np.pi), np.float32(LANCZOS_RADIUS)
    away = np.abs(away)
    safe = np.maximum(away, np.float32(1e-3))
    curve = radius * np.sin(pi * safe) * np.sin(pi * safe / radius) / (pi * pi * safe * safe)
    near: NDArray[np.float32] = np.where(away <= 1e-3, np.float32(1), curve)
    return near


def centre_cropped(image: NDArray[np.uint8], area: float) -> NDArray[np.uint8]:
    """Return the centre of a square image, of this share of its area, at the full size again.

    Bilinear between the pixels' centres, the corners of the crop included, without antialiasing;
    back to bytes by ``floor(255.5 x)``, which is how TensorFlow saturates.
    """
    size = image.shape[0]
    side = np.sqrt(np.float32(area))
    start = (np.float32(1) - side) / np.float32(2)
    step = side * np.float32(size - 1) / np.float32(size - 1)
    at = start * np.float32(size - 1) + np.arange(size, dtype=np.float32) * step
    low = np.floor(at).astype(np.int64)
    high, part = np.ceil(at).astype(np.int64), (at - low).astype(np.float32)
    pixels = image.astype(np.float32) * np.float32(1 / 255)
    across = _between(pixels[:, low], pixels[:, high], part[None, :, None])
    down = _between(across[low], across[high], part[:, None, None])
    cropped: NDArray[np.uint8] = (np.clip(down, 0, 1) * np.float32(255.5)).astype(np.uint8)
    return cropped


def _between(
    one: NDArray[np.float32], other: NDArray[np.float32], part: NDArray[np.float32]
) -> NDArray[np.float32]:
    return one + (other - one) * part
