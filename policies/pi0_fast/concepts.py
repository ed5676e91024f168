"""The neurons that the paper's released code steers in pi0-FAST."""

from __future__ import annotations

from steer_gym.neuron_set import NeuronSpace

from ..published import PublishedConcepts

PI0_FAST_CONCEPTS = PublishedConcepts(
    space=NeuronSpace(layers=18, width=16384),
    sets={
        "pi0_fast_droid": {
            # ``high_cluster`` and ``low_cluster`` of the released code.
            "high": (256459, 260217, 40857),
            "low": (5674, 253282, 257247, 268401),
        }
    },
)
