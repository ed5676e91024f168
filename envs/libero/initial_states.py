"""Read a task's stored initial states, in whichever format the installed LIBERO keeps them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steer_gym.errors import MissingPackageError
from steer_gym.extras import require


def read_states(file: Path) -> NDArray[np.float64]:
    """Return the states, (number, 1 + nq + nv): time, positions, velocities.

    Args:
        file: Path of upstream's ``.pruned_init`` (written by torch; reading it needs torch), or
            of which ``file`` + ``.npz`` exists.
    """
    converted = file.with_name(file.name + ".npz")
    if converted.is_file():
        with np.load(converted, allow_pickle=False) as archive:
            return np.asarray(archive["states"], np.float64)
    if not file.is_file():
        raise MissingPackageError(f"The installed LIBERO lacks the initial states {file}.")
    # Upstream stored pickled numpy arrays, which torch refuses unless told to trust the file.
    states: Any = require("torch", extra="torch").load(file, weights_only=False)
    return np.asarray(states, np.float64)
