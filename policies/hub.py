"""Files of a Hugging Face repository, through its own client and cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from steer_gym.errors import SteerGymError
from steer_gym.extras import require


def hub_folder(
    repository: str,
    wanted: Sequence[str],
    advice: str,
    *,
    error: type[SteerGymError] = SteerGymError,
) -> Path:
    """Return the cached folder of a repository, downloading it if need be.

    Args:
        repository: Hub id.
        wanted: Patterns of the files' names.
        advice: What to do if the hub does not give it, as a sentence.
        error: What is raised.

    Raises:
        SteerGymError: Or ``error``: the hub cannot be reached and has not been, or does not know
            the repository, or asks for a login.
    """
    hub = require("huggingface_hub", extra="torch")
    try:
        return Path(hub.snapshot_download(repository, allow_patterns=list(wanted)))
    except (OSError, ValueError) as refused:  # what the hub's client raises offline and online
        raise error(
            f"{repository} is no local folder, and the Hugging Face hub does not give it: "
            f"{type(refused).__name__}: {str(refused).strip().splitlines()[0]} {advice}"
        ) from refused
