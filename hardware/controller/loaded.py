"""The program that is loaded, from a folder such as PolyScope keeps: ``name.urp``, ``name.script``.

PolyScope plays the ``.script`` beside a ``.urp``; so does this simulator, as far as it
understands it (``urscript``).
"""

from __future__ import annotations

from pathlib import Path

UNNAMED = "<unnamed>"


class Programs:
    """A folder of programs, and which of them is loaded."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.loaded = ""
        """Name of the loaded program, ``pick.urp``; empty when none is."""

    def load(self, name: str) -> bool:
        """Load a program by its name; false when there is none."""
        if self._folder is None or not (self._folder / Path(name).name).is_file():
            return False
        self.loaded = Path(name).name
        return True

    @property
    def script(self) -> str:
        """Return the text that the loaded program plays; empty when there is none."""
        if self._folder is None or not self.loaded:
            return ""
        text = (self._folder / self.loaded).with_suffix(".script")
        return text.read_text() if text.is_file() else ""
