"""The world of the MuJoCo plant: UR5e and Robotiq 85 from robosuite, a table, things on it.

The world frame is the arm's base frame: x away from the base, z up, the table's top at z = 0.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steer_gym.extras import require

from ..kinematics import UR5E

TOY, BASKET, PLATE = "toy", "basket", "plate"

_LENGTHS = {
    # robosuite rounds the links; these are UR's own figures, in robosuite's frames.
    "shoulder_link": f"0 0 {UR5E.d[0]}",
    "forearm_link": f"0 -0.131 {-UR5E.a[1]}",
    "wrist_1_link": f"0 0 {-UR5E.a[2]}",
    "wrist_2_link": f"0 {UR5E.d[3] - 0.138 + 0.131} 0",
    "wrist_3_link": f"0 0 {UR5E.d[4]}",
    "right_hand": f"0 {UR5E.d[5]} 0",
}

_REFLECTED_INERTIA = "0.1"
"""Of each motor at its joint [kg m^2]: a rotor of 1e-5 through a gear of 101:1, squared.

The figure is that of MuJoCo Menagerie's UR5e (``armature``, at 1b428b0), which calls it not tuned;
robosuite has none. Without it a few newtons at the fingers turn a wrist faster than its motor can
turn. For the three large joints it is rather little.
"""


@dataclass(frozen=True, kw_only=True)
class Colours:
    """RGBA of the things on the table, as MJCF writes them."""

    table: str = "0.76 0.70 0.62 1"
    floor: str = "0.35 0.36 0.38 1"
    toy: str = "0.13 0.16 0.24 1"
    belly: str = "0.95 0.95 0.92 1"
    basket: str = "0.72 0.50 0.28 1"
    plate: str = "0.93 0.95 0.98 1"


_COUPLED = {
    # joint: its angle for 1 rad of the left finger
    "right_outer_knuckle_joint": 1,
    "left_inner_knuckle_joint": 1,
    "right_inner_knuckle_joint": 1,
    "left_inner_finger_joint": -1,
    "right_inner_finger_joint": -1,
}

_WRIST_CAMERA = {
    "name": "wrist",
    "pos": "-0.085 0 0.02",
    "xyaxes": "0 1 0 0.94 0 -0.342",
    "fovy": "70",
}

_THINGS = """
<mujoco model="ur5e on a table">
  <compiler angle="radian" balanceinertia="true"/>
  <option timestep="0.002" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <default><geom contype="1" conaffinity="3"/></default>
  <visual><headlight ambient="0.3 0.3 0.3" diffuse="0.2 0.2 0.2"/>
    <global offwidth="1280" offheight="960"/></visual>
  <worldbody>
    <light pos="0.3 -0.4 1.6" dir="0.1 0.2 -1" diffuse="0.45 0.45 0.45" castshadow="false"/>
    <light pos="0.6 0.8 1.4" dir="-0.1 -0.4 -1" diffuse="0.3 0.3 0.3" castshadow="false"/>
    <body name="gaze" pos="0.42 0.04 0.12"/>
    <camera name="base" pos="1.25 -0.35 0.62" mode="targetbody" target="gaze" fovy="42"/>
    <geom name="floor" type="plane" pos="0 0 -0.8" size="3 3 0.1" rgba="{c.floor}"/>
    <geom name="table" type="box" pos="0.4 0 -0.025" size="0.65 0.6 0.025" rgba="{c.table}"
          friction="1 0.01 0.001"/>
    <body name="toy" pos="0.45 -0.15 0.03">
      <freejoint name="toy"/>
      <geom name="toy_body" type="ellipsoid" size="0.040 0.026 0.030" mass="0.05"
            rgba="{c.toy}" friction="1.2 0.05 0.005" condim="6" solref="0.03 1"
            solimp="0.4 0.9 0.02"/>
      <geom name="toy_belly" type="ellipsoid" size="0.028 0.018 0.020" pos="0 0 0.0115" mass="0.01"
            rgba="{c.belly}" contype="0" conaffinity="0"/>
      <geom name="toy_head" type="sphere" size="0.022" pos="0.042 0 0.006" mass="0.01"
            rgba="{c.toy}" friction="1.2 0.05 0.005" condim="6" solref="0.03 1"
            solimp="0.4 0.9 0.02"/>
    </body>
    <body name="basket" pos="0.5 0.2 0" mocap="true">
      <geom type="box" size="0.085 0.085 0.003" pos="0 0 0.003" rgba="{c.basket}"/>
      <geom type="box" size="0.004 0.085 0.035" pos="0.081 0 0.035" rgba="{c.basket}"/>
      <geom type="box" size="0.004 0.085 0.035" pos="-0.081 0 0.035" rgba="{c.basket}"/>
      <geom type="box" size="0.085 0.004 0.035" pos="0 0.081 0.035" rgba="{c.basket}"/>
      <geom type="box" size="0.085 0.004 0.035" pos="0 -0.081 0.035" rgba="{c.basket}"/>
    </body>
    <body name="plate" pos="0.5 0.2 0" mocap="true">
      <geom type="cylinder" size="0.095 0.004" pos="0 0 0.004" rgba="{c.plate}"
            friction="1 0.02 0.002"/>
      <geom type="cylinder" size="0.065 0.001" pos="0 0 0.0085" rgba="0.80 0.86 0.92 1"
            friction="1 0.02 0.002"/>
    </body>
  </worldbody>
</mujoco>
"""


def load_mujoco() -> Any:
    """Import MuJoCo so that it can draw without a display."""
    headless = sys.platform == "linux" and not os.environ.get("DISPLAY")
    if headless:
        # It chooses its OpenGL when it is imported, and its own choice needs a display.
        os.environ.setdefault("MUJOCO_GL", "egl")
    mujoco: Any = require("mujoco", extra="ur5")
    if headless and os.environ["MUJOCO_GL"] == "egl":
        # Somebody may have imported it before us, and so before the choice was made.
        mujoco.gl_context.GLContext = require("mujoco.egl", extra="ur5").GLContext
    return mujoco


def build_model() -> Any:
    """Return the compiled MuJoCo model (``mujoco.MjModel``), 2 ms a step."""
    mujoco = load_mujoco()
    world = ET.fromstring(_THINGS.format(c=Colours()))
    assets = _robosuite_assets()
    arm = _resolved(assets / "robots" / "ur5e" / "robot.xml")
    gripper = _resolved(assets / "grippers" / "robotiq_gripper_85.xml")
    _prepare_arm(arm)
    _prepare_gripper(gripper)
    _part_of_robot(arm)
    _part_of_robot(gripper)
    base = ET.SubElement(_child(world, "worldbody"), "body", name="mount", quat="0 0 0 1")
    base.extend(_child(arm, "worldbody"))
    hand = next(body for body in base.iter("body") if body.get("name") == "right_hand")
    hand.extend(_child(gripper, "worldbody"))
    for section in ("asset", "actuator", "equality", "sensor"):
        merged = ET.SubElement(world, section)
        for part in (arm, gripper):
            merged.extend(part.findall(f"{section}/*"))
    return mujoco.MjModel.from_xml_string(ET.tostring(world, encoding="unicode"))


def _robosuite_assets() -> Path:
    # Found, not imported: importing robosuite takes seconds and brings its renderer.
    found = importlib.util.find_spec("robosuite")
    if found is None or found.origin is None:
        require("robosuite", extra="ur5")
        raise AssertionError("robosuite has no folder")
    return Path(found.origin).parent / "models" / "assets"


def _child(root: ET.Element, tag: str) -> ET.Element:
    found = root.find(tag)
    if found is None:
        raise AssertionError(f"robosuite's model has no <{tag}>.")
    return found


def _prepare_arm(root: ET.Element) -> None:
    """Give the arm UR's link lengths, the inertia of its motors, and the wrist's camera alone."""
    for joint in root.iter("joint"):
        joint.set("armature", _REFLECTED_INERTIA)
    for body in root.iter("body"):
        if body.get("name") in _LENGTHS:
            body.set("pos", _LENGTHS[str(body.get("name"))])
        for camera in body.findall("camera"):
            body.remove(camera)
        if body.get("name") == "right_hand":
            ET.SubElement(body, "camera", _WRIST_CAMERA)
    for geom in root.iter("geom"):
        # The base stands on the table; its mesh reaches a little below.
        if geom.get("name") == "base_col":
            geom.set("contype", "0")
            geom.set("conaffinity", "0")


def _prepare_gripper(root: ET.Element) -> None:
    """Make robosuite's gripper close as the real one: fingers coupled and their pads parallel."""
    assets = _child(root, "asset")
    seen: set[str | None] = set()
    for mesh in assets.findall("mesh"):
        # robosuite gives two meshes one name, and does not ship the second's file.
        if mesh.get("name") in seen:
            assets.remove(mesh)
        seen.add(mesh.get("name"))
    for tendon in root.findall("tendon"):
        root.remove(tendon)
    for joint in root.iter("joint"):
        joint.set("armature", "0.002")
        joint.set("damping", "0.2")
    coupled = ET.SubElement(root, "equality")
    for name, ratio in _COUPLED.items():
        ET.SubElement(
            coupled,
            "joint",
            joint1=name,
            joint2="finger_joint",
            polycoef=f"0 {ratio} 0 0 0",
            solref="0.005 1",
        )


def _part_of_robot(root: ET.Element) -> None:
    """Let the robot's shapes touch the world but not one another; group 3 is not drawn."""
    for geom in root.iter("geom"):
        if geom.get("contype") != "0":
            geom.set("contype", "2")
            geom.set("conaffinity", "1")
            geom.set("group", "3")


def _resolved(path: Path) -> ET.Element:
    """Return the MJCF with its mesh files as absolute paths."""
    root = ET.parse(path).getroot()
    for mesh in root.iter("mesh"):
        if mesh.get("file"):
            mesh.set("file", str(path.parent / str(mesh.get("file"))))
    return root
