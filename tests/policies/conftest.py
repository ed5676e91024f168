"""What a layer hands on, seen by plain hooks that know nothing of steering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Run = Callable[[], Any]
Changed = Callable[[Any, Run, Run], NDArray[np.float64]]


@pytest.fixture
def changed_stream() -> Changed:
    """Return a function of a layer and of an unsteered and a steered run.

    It gives how far the layer's outputs lie apart in the runs' first forward pass, relative to the
    unsteered run's: (rows, positions). A layer's output is the input of its norm in front of the
    feed-forward block plus that block's output.
    """

    def changed(layer: Any, plain: Run, steered: Run) -> NDArray[np.float64]:
        one, other = (_handed_on(layer, run) for run in (plain, steered))
        apart: NDArray[np.float64] = np.linalg.norm(other - one, axis=-1)
        stream = np.linalg.norm(one, axis=-1)  # zero at padding
        return np.divide(apart, stream, out=np.zeros_like(apart), where=apart > 0)

    return changed


def _handed_on(layer: Any, run: Run) -> NDArray[np.float64]:
    streams: list[Any] = []
    outputs: list[Any] = []
    handles = [
        layer.post_attention_layernorm.register_forward_pre_hook(
            lambda _module, args: streams.append(args[0].double())
        ),
        layer.mlp.register_forward_hook(
            lambda _module, _args, output: outputs.append(output.double())
        ),
    ]
    run()
    for handle in handles:
        handle.remove()
    stream: NDArray[np.float64] = (streams[0] + outputs[0]).cpu().numpy()
    return stream
