"""What was at one moment, between two readings: as UMI aligns what its sensors saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steer_gym.robot import RobotError

from .poses import moved, pose_error
from .status import ArmStatus


def age_at(status: ArmStatus, moment_s: float, *, now_s: float, latency_s: float) -> float:
    """Return how old a status is that was asked for a moment of the monotonic clock [s].

    As old as the moment; but where no reading is as new as that, as old as the reading.

    Args:
        status: What ``status_at`` returned for the moment at which its reading arrives.
        moment_s: When [s].
        now_s: Present time [s].
        latency_s: How old a reading is when it arrives [s].
    """
    return max(now_s - moment_s, now_s - status.seen_s + latency_s)


def status_at(history: Sequence[ArmStatus], moment_s: float) -> ArmStatus:
    """Return the arm at a moment of the monotonic clock, between the readings around it.

    A moment before or after all readings gives the first or the last as it is.

    Args:
        history: Statuses, the oldest first; those around the moment are enough.
        moment_s: When [s].

    Raises:
        RobotError: There is none.
    """
    if not history:
        raise RobotError(
            "No reading of the arm is remembered, so that nobody knows where it was; wait until "
            "the controller has been read."
        )
    after = next((status for status in history if status.seen_s > moment_s), None)
    if after is None:
        return history[-1]
    place = history.index(after)
    if place == 0:
        return after
    before = history[place - 1]
    share = (moment_s - before.seen_s) / (after.seen_s - before.seen_s)
    return _between(before, after, share)


def _between(before: ArmStatus, after: ArmStatus, share: float) -> ArmStatus:
    first, second = before.sample, after.sample
    mean = {
        name: (1.0 - share) * getattr(first, name) + share * getattr(second, name)
        for name in ("time_s", "q", "qd", "tcp_speed", "force")
    }
    pose = moved(first.tcp_pose, share * pose_error(second.tcp_pose, first.tcp_pose))
    return replace(
        after,
        sample=replace(second, tcp_pose=pose, **mean),
        force=(1.0 - share) * before.force + share * after.force,
    )
