"""The neurons that the paper steers in OpenVLA."""

from __future__ import annotations

from steer_gym.neuron_set import NeuronSpace

from ..published import PublishedConcepts

OPENVLA_CONCEPTS = PublishedConcepts(
    space=NeuronSpace(layers=32, width=11008),
    sets={
        "openvla/openvla-7b-finetuned-libero-10": {
            # The released dictionaries' ``up_10`` and ``careful_10_full``; ...
            "up": (237682, 302720, 205792, 302565, 274043, 229524, 246382, 263704, 246526, 285347),
            "careful": (
                *(167523, 179726, 184404, 187857, 196921),
                *(206397, 208658, 210950, 213398, 233026),
            ),
            # ... these two were rebuilt independently; the paper's figure shows four of "fast".
            "fast": (
                *(118454, 168891, 208424, 219953, 257345),
                *(278552, 304342, 317012, 332564, 346011),
            ),
            "slow": (
                *(97181, 142838, 151558, 160243, 161481),
                *(220315, 228422, 252521, 258725, 258940),
            ),
        }
    },
)
