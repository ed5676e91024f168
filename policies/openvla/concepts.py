"""Concepts that were published for one checkpoint: the sets of neurons that the paper steers.

Neurons mean nothing in other weights, so each set is bound to its checkpoint by name, and the
policy binds it to the weights themselves when it has loaded that checkpoint. Any other checkpoint
does not know the concept, and refuses the set. The weights' own fingerprint is not recorded here:
no published weights were at hand.
"""

from __future__ import annotations

from collections.abc import Mapping

from steer_gym.errors import UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace

_LIBERO_10 = "openvla/openvla-7b-finetuned-libero-10"
_OPENVLA_7B = NeuronSpace(layers=32, width=11008)
RELEASED: dict[str, dict[str, tuple[int, ...]]] = {
    _LIBERO_10: {
        # "up" and "careful" are the released dictionaries' ...
        "up": (237682, 302720, 205792, 302565, 274043, 229524, 246382, 263704, 246526, 285347),
        "careful": (167523, 179726, 184404, 187857, 196921, 206397, 208658, 210950, 213398, 233026),
        # ... "fast" and "slow" were rebuilt independently; the paper's figure shows four of "fast".
        "fast": (118454, 168891, 208424, 219953, 257345, 278552, 304342, 317012, 332564, 346011),
        "slow": (97181, 142838, 151558, 160243, 161481, 220315, 228422, 252521, 258725, 258940),
    }
}
"""Checkpoint -> concept -> flat ids, ``layer * 11008 + neuron``."""


def released_concepts(
    checkpoint: str, space: NeuronSpace, *, released_as: str | None = None
) -> Mapping[str, NeuronSet]:
    """Return the concepts of a loaded checkpoint, bound to its weights; of unknown ones, none.

    Args:
        checkpoint: Hub id, or name of a folder.
        space: Its neurons, with the fingerprint of the weights.
        released_as: The published checkpoint that it is, where its name does not tell.

    Raises:
        UnknownNameError: Nothing was published for ``released_as``.
    """
    if released_as is not None and released_as not in RELEASED:
        raise UnknownNameError("checkpoint with published concepts", released_as, RELEASED)
    known = [name for name in RELEASED if (released_as or checkpoint) in (name, name.split("/")[1])]
    fits = (space.layers, space.width) == (_OPENVLA_7B.layers, _OPENVLA_7B.width)
    if not known or (not fits and released_as is None):
        return {}
    return {
        concept: NeuronSet.from_flat(ids, name=concept, fingerprint=space.fingerprint)
        for concept, ids in RELEASED[known[0]].items()
    }


def published_set(concept: str, checkpoint: str = _LIBERO_10) -> NeuronSet:
    """Return a published set by itself, bound to its checkpoint's name.

    No loaded weights have a name for a fingerprint, so that every policy refuses it until
    ``unbound()`` says that it is known to fit; ``policy.concept`` is the usual way.
    """
    if checkpoint not in RELEASED:
        raise UnknownNameError("checkpoint with published concepts", checkpoint, RELEASED)
    if concept not in RELEASED[checkpoint]:
        raise UnknownNameError(f"concept published for {checkpoint}", concept, RELEASED[checkpoint])
    return NeuronSet.from_flat(RELEASED[checkpoint][concept], name=concept, fingerprint=checkpoint)
