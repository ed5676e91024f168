"""Concepts that were published for a checkpoint: sets of neurons, bound to its weights.

Neurons mean nothing in other weights, so each set is bound to its checkpoint by name, and the
policy binds it to the weights themselves when it has loaded that checkpoint. Any other checkpoint
does not know the concept, and refuses the set. The weights' own fingerprint is not recorded here:
no published weights were at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from steer_gym.errors import UnknownNameError
from steer_gym.neuron_set import NeuronSet, NeuronSpace


@dataclass(frozen=True, kw_only=True)
class PublishedConcepts:
    """What was published for the checkpoints of one kind of model."""

    space: NeuronSpace
    """Layers and width of these checkpoints."""
    sets: Mapping[str, Mapping[str, tuple[int, ...]]]
    """Checkpoint -> concept -> flat ids, ``layer * width + neuron``."""

    def of(
        self, checkpoint: str, space: NeuronSpace, *, released_as: str | None = None
    ) -> Mapping[str, NeuronSet]:
        """Return the concepts of a loaded checkpoint, bound to its weights; of unknown ones, none.

        Args:
            checkpoint: Hub id, or name of a folder.
            space: Its neurons, with the fingerprint of the weights.
            released_as: The published checkpoint that it is, where its name does not tell.

        Raises:
            UnknownNameError: Nothing was published for ``released_as``.
        """
        if released_as is not None:
            sets = self._sets_of(released_as)
        elif (space.layers, space.width) == (self.space.layers, self.space.width):
            sets = {name.split("/")[-1]: sets for name, sets in self.sets.items()}.get(
                checkpoint.split("/")[-1], {}
            )
        else:
            sets = {}
        return {
            concept: NeuronSet.from_flat(ids, name=concept, fingerprint=space.fingerprint)
            for concept, ids in sets.items()
        }

    def _sets_of(self, checkpoint: str) -> Mapping[str, tuple[int, ...]]:
        if checkpoint not in self.sets:
            raise UnknownNameError("checkpoint with published concepts", checkpoint, self.sets)
        return self.sets[checkpoint]
