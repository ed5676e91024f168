"""What must be tried to be known: drawing, devices, films; each in a process that may crash."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from .finding import Finding, Level
from .installation import PIP, installed

TIMEOUT_S = 60.0

DRAW = """
import numpy, mujoco
from steer_gym.envs.libero.gl import choose_backend, make_context, renderer_name
context = make_context(32, 32)
context.make_current()
model = mujoco.MjModel.from_xml_string(
    "<mujoco><worldbody><light pos='0 0 3'/><geom size='.5' rgba='1 0 0 1'/></worldbody></mujoco>")
data = mujoco.MjData(model)
mujoco.mj_forward(model, data)
scene = mujoco.MjvScene(model, 10)
camera = mujoco.MjvCamera()
camera.distance = 2
mujoco.mjv_updateScene(
    model, data, mujoco.MjvOption(), None, camera, mujoco.mjtCatBit.mjCAT_ALL.value, scene)
drawing = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, drawing)
view, picture = mujoco.MjrRect(0, 0, 32, 32), numpy.zeros((32, 32, 3), numpy.uint8)
mujoco.mjr_render(view, scene, drawing)
mujoco.mjr_readPixels(picture, None, view, drawing)
assert picture[16, 16, 0] > picture[16, 16, 1] + 20, f"the sphere is not red: {picture[16, 16]}"
name = renderer_name()
drawing.free()
context.free()
print(choose_backend().upper(), "by", name)
"""

DEVICES = """
import torch
count = torch.cuda.device_count() if torch.cuda.is_available() else 0
print(", ".join(["cpu", *(f"cuda:{i} {torch.cuda.get_device_name(i)}" for i in range(count))]))
"""

FILM = """
import subprocess, imageio_ffmpeg
ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
told = subprocess.run([ffmpeg, "-hide_banner", "-encoders"], capture_output=True, text=True)
assert "libx264" in told.stdout, f"{ffmpeg} has no libx264"
print(imageio_ffmpeg.get_ffmpeg_version(), "with libx264")
"""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A script that prints what it found, or fails."""

    subject: str
    script: str
    needs: str
    """Package without which there is nothing to try; its absence is a finding of its own."""
    mend: str


PROBES = (
    Probe(
        subject="OpenGL",
        script=DRAW,
        needs="mujoco",
        mend="sudo apt-get install -y libegl1 libgl1 libopengl0 libgl1-mesa-dri",
    ),
    Probe(
        subject="torch's devices",
        script=DEVICES,
        needs="torch",
        mend=f"{PIP} --force-reinstall torch",
    ),
    Probe(
        subject="ffmpeg",
        script=FILM,
        needs="imageio-ffmpeg",
        mend=f"{PIP} --force-reinstall imageio-ffmpeg",
    ),
)


def machine(
    probes: tuple[Probe, ...] = PROBES,
    version_of: Mapping[str, str | None] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> Iterator[Finding]:
    """Yield what each probe finds; they run side by side, those whose package is installed."""
    versions = installed() if version_of is None else version_of
    running = [(probe, _start(probe)) for probe in probes if versions.get(probe.needs)]
    for probe, process in running:
        yield _finding(probe, process, timeout_s)


def _start(probe: Probe) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", probe.script],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def _finding(probe: Probe, process: subprocess.Popen[str], timeout_s: float) -> Finding:
    try:
        printed, complaint = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Finding(
            subject=probe.subject,
            level=Level.GAP,
            found=f"no answer for {timeout_s:g} s",
            mend="steer-gym doctor  # again, when the machine is less busy",
        )
    if process.returncode == 0:
        return Finding(subject=probe.subject, level=Level.GOOD, found=_last_line(printed))
    reason = _last_line(complaint) or f"it ended with code {process.returncode}"
    return Finding(subject=probe.subject, level=Level.GAP, found=reason, mend=probe.mend)


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2]
