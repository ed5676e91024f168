"""What can become of a concept, and what became of one condition."""

from __future__ import annotations

from collections.abc import Sequence

from .caveats import BAD_SUCCESS, as_much, fails, lost
from .questions import LEVEL, Question
from .study import Study

OUTCOMES = {
    "works": "does what its name says",
    "costly": "does what its name says, but the policy fails",
    "unspecific": "moves the arm as its name says, but so do the controls",
    "untold": "moves the arm as its name says, but random neurons may do the same",
    "opposite": "does the opposite of its name",
    "moves": "moves the arm",
    "shared": "moves the arm, but so do the controls",
    "alike": "moves the arm, but random neurons may do the same",
    "broken": "breaks the policy",
    "unclear": "changes nothing that can be told",
    "few": "was tried too rarely to tell",
}
"""What can become of a concept, from best to worst."""


def outcome(study: Study, question: Question, controls: Sequence[Question]) -> str:
    """Return what became of one condition: a key of ``OUTCOMES``."""
    success = lost(study, question.role.name)
    doubtful = any(as_much(question, each) for each in controls)
    if question.smallest > LEVEL or question.full.estimate.count < 2:
        return "few"
    if not question.moved:
        return "broken" if success.estimate.value <= -BAD_SUCCESS else "unclear"
    if question.expected.sign == 0:
        return "shared" if doubtful else "moves" if question.told_from_random else "alike"
    if question.along < 0:
        return "opposite"
    if doubtful:
        return "unspecific"
    if not question.told_from_random:
        return "untold"
    return "costly" if fails(success) else "works"


def plural(words: str, name: str = "their names say") -> str:
    """Return the words of an outcome for several."""
    first, _, rest = words.partition(" ")
    plain = {"does": "do", "moves": "move", "breaks": "break", "changes": "change", "was": "were"}
    return f"{plain[first]} {rest.replace('its name says', name)}"
