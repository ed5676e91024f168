"""How measures are called, and in which unit they are shown."""

from __future__ import annotations

from steer_gym.evaluation.table import COLUMNS, Column

FURTHER = (
    Column(measure="commanded_x", title="commanded x", unit="1 = full", decimals=3),
    Column(measure="commanded_y", title="commanded y", unit="1 = full", decimals=3),
    Column(measure="commanded_z", title="commanded z (up)", unit="1 = full", decimals=3),
    Column(measure="mean_height_m", title="mean height", unit="m", decimals=3),
    Column(measure="path_m", title="path", unit="m", decimals=2),
    Column(measure="acceleration_m_s2", title="acceleration", unit="m/s²", decimals=2),
    Column(measure="jerk_m_s3", title="jerk", unit="m/s³", decimals=1),
    Column(measure="stalled_rate", title="stalled", unit="%", decimals=0, factor=100),
    Column(measure="greatest_force_n", title="greatest force", unit="N", decimals=1),
    Column(measure="steering_size", title="size of steering", unit="of the stream", decimals=2),
    Column(
        measure="greatest_steering_size", title="greatest size", unit="of the stream", decimals=2
    ),
)
_KNOWN = {each.measure: each for each in (*FURTHER, *COLUMNS)}

SHOWN = (
    "success",
    "speed_m_s",
    "commanded_displacement",
    "carried_height_m",
    "mean_height_m",
    "commanded_y",
    "invalid_token_rate",
    "saturated_rate",
    "steering_size",
    "greatest_steering_size",
    "steps",
)
"""The columns of a page's tables, where episodes have them; the data files hold all."""

MORE = {
    ("speed_m_s", 1): "moved faster",
    ("speed_m_s", -1): "moved more slowly",
    ("carried_height_m", 1): "carried higher",
    ("carried_height_m", -1): "carried lower",
    ("mean_height_m", 1): "stayed higher up",
    ("mean_height_m", -1): "stayed lower",
}
"""What the arm did where a measure rose or fell."""


def column(measure: str) -> Column:
    """Return how a measure is shown; an unknown one by its own name."""
    plain = Column(measure=measure, title=measure.replace("_", " "), unit="", decimals=3)
    return _KNOWN.get(measure, plain)
