"""The numbers of one episode: what was commanded, what the arm did, what the tokens were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from steer_gym.convention import ActionConvention
from steer_gym.episode import Step

from .clock import Clock
from .motion import Array, closes, mean_norm, share, stalls

SATURATED = 0.99
"""A normalised command from here on counts as saturated. OpenVLA's decoder turns each token that is
no action into 0.996, so words that steering makes it say look like full speed."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What one episode comes to; ``None`` where there is nothing to measure."""

    steps: int
    commanded_displacement: float | None = None
    """Mean norm of the commanded translation ``action[:3]``, in the action's own unit: the paper's
    measure of speed. Like the others of commands, only where actions are translations."""
    commanded_x: float | None = None
    """Mean of ``action[0]``, signed; so for y, which the paper takes for up, and z, which is up."""
    commanded_y: float | None = None
    commanded_z: float | None = None
    commanded_acceleration: float | None = None
    """Mean norm of the change of the commanded translation a second."""
    commanded_jerk: float | None = None
    """The same of its second change, a second squared."""
    saturated_rate: float | None = None
    """Share of steps with a commanded translation component of at least ``SATURATED``."""
    displacement_m: float | None = None
    """Mean measured way of the tool in a step [m]."""
    moved_x_m: float | None = None
    """Mean measured way along x in a step, signed [m]; so for y and z (up)."""
    moved_y_m: float | None = None
    moved_z_m: float | None = None
    speed_m_s: float | None = None
    """Mean measured speed of the tool over time [m/s]."""
    greatest_speed_m_s: float | None = None
    """95 % quantile of the measured speed [m/s]."""
    acceleration_m_s2: float | None = None
    """Mean norm of the measured acceleration [m/s2]."""
    jerk_m_s3: float | None = None
    """Mean norm of the measured jerk [m/s3]."""
    path_m: float | None = None
    """Measured way of the tool [m]."""
    least_height_m: float | None = None
    """Least measured height of the tool [m]; so for the mean, the 95 % quantile, the greatest."""
    mean_height_m: float | None = None
    height_95_m: float | None = None
    greatest_height_m: float | None = None
    carried_height_m: float | None = None
    """Greatest height over the steps that command the gripper closed [m]: arms start high up, so
    the height on the way to the object says little."""
    carried_mean_height_m: float | None = None
    """Mean height over the same steps [m]."""
    stalls: int | None = None
    """Times that the tool stood still for ``motion.STALL_S`` or longer."""
    stalled_rate: float | None = None
    """Share of steps within such stalls; of the time where the environment tells it."""
    gripper_events: int | None = None
    """Changes of the gripper's command between open and closed."""
    mean_force_n: float | None = None
    """Mean norm of the measured force at the tool [N], where the environment tells it."""
    greatest_force_n: float | None = None
    invalid_token_rate: float | None = None
    """Share of generated tokens that are no actions."""
    steering_size: float | None = None
    """Mean over the steered plans of what steering adds to the residual stream, relative to the
    stream: ``SteeringSize.mean``; ``None`` where it was not measured or nothing was steered."""
    greatest_steering_size: float | None = None
    """Greatest over positions, layers and plans."""
    latency_s: float | None = None
    """Mean wall time of a plan, for a whole batch [s]."""


def measure(steps: Sequence[Step], convention: ActionConvention) -> Measures:
    """Return the numbers of an episode's steps."""
    if not steps:
        return Measures(steps=0)
    commands = np.array([step.command for step in steps])
    clock = Clock.of(steps, convention.rate_hz)
    closed = closes(commands[:, -1], convention)
    numbers = {
        **(_commanded(commands[:, :3], clock) if convention.control == "ee_delta" else {}),
        **_moved(steps, clock),
        **_heights(np.array([step.tcp_pose[2] for step in steps]), closed),
        **_forces(steps),
        **_tokens(steps),
        **_sizes(steps),
    }
    changes = int(np.count_nonzero(np.diff(closed)))
    return Measures(steps=len(steps), gripper_events=changes, **numbers)  # type: ignore[arg-type]


def _commanded(commands: Array, clock: Clock) -> dict[str, float | None]:
    x, y, z = commands.mean(axis=0)
    changes, second_changes = clock.rates(commands)
    return {
        "commanded_displacement": mean_norm(commands),
        "commanded_x": float(x),
        "commanded_y": float(y),
        "commanded_z": float(z),
        "commanded_acceleration": mean_norm(changes),
        "commanded_jerk": mean_norm(second_changes),
        "saturated_rate": share((np.abs(commands) >= SATURATED).any(axis=1)),
    }


def _moved(steps: Sequence[Step], clock: Clock) -> dict[str, float | None]:
    positions = np.array([step.tcp_pose[:3] for step in steps])
    ways = np.array([step.moved_m for step in steps])
    speeds = np.array([step.speed_m_s for step in steps])
    each = np.diff(positions, axis=0)
    x, y, z = each.mean(axis=0).tolist() if len(each) else (None, None, None)
    accelerations, jerks = clock.changes(positions)
    times, within = stalls(speeds, clock.elapsed_s)
    return {
        "displacement_m": float(ways.mean()),
        "moved_x_m": x,
        "moved_y_m": y,
        "moved_z_m": z,
        "speed_m_s": clock.mean(speeds),
        "greatest_speed_m_s": float(np.percentile(speeds, 95)),
        "acceleration_m_s2": mean_norm(accelerations),
        "jerk_m_s3": mean_norm(jerks),
        "path_m": float(ways.sum()),
        "stalls": times,
        "stalled_rate": clock.mean(within),
    }


def _heights(heights: Array, closed: Array) -> dict[str, float | None]:
    carried = heights[closed]
    return {
        "least_height_m": float(heights.min()),
        "mean_height_m": float(heights.mean()),
        "height_95_m": float(np.percentile(heights, 95)),
        "greatest_height_m": float(heights.max()),
        "carried_height_m": float(carried.max()) if carried.size else None,
        "carried_mean_height_m": float(carried.mean()) if carried.size else None,
    }


def _forces(steps: Sequence[Step]) -> dict[str, float | None]:
    forces = [step.force_n for step in steps if step.force_n is not None]
    if not forces:
        return {}
    return {"mean_force_n": float(np.mean(forces)), "greatest_force_n": max(forces)}


def _tokens(steps: Sequence[Step]) -> dict[str, float | None]:
    tokens = sum(step.tokens for step in steps)
    latencies = [step.latency_s for step in steps if step.latency_s > 0]
    return {
        "invalid_token_rate": sum(s.invalid_tokens for s in steps) / tokens if tokens else None,
        "latency_s": float(np.mean(latencies)) if latencies else None,
    }


def _sizes(steps: Sequence[Step]) -> dict[str, float | None]:
    sizes = [step.steering_size for step in steps if step.steering_size is not None]
    most = [each for step in steps if (each := step.greatest_steering_size) is not None]
    if not sizes:
        return {}
    return {"steering_size": float(np.mean(sizes)), "greatest_steering_size": max(most)}
