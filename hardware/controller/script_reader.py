"""Cut what a client sends to ports 30001 to 30003 into scripts."""

from __future__ import annotations

import re

_END = re.compile(rb"^end[ \t]*\r?\n", re.MULTILINE)
_HEAD = re.compile(rb"(def|sec)\s")


class ScriptReader:
    """Collects bytes; gives back each whole script.

    A script is a program up to its ``end`` in the first column, or else a single line. Either is
    whole when its line break has come: a controller does not run what lacks it.
    """

    def __init__(self) -> None:
        self._text = bytearray()

    def feed(self, data: bytes) -> list[str]:
        """Take bytes and return the scripts that they complete; comments between are dropped."""
        self._text += data
        scripts = []
        while (script := self._take()) is not None:
            if script.strip() and not script.lstrip().startswith("#"):
                scripts.append(script)
        return scripts

    def _take(self) -> str | None:
        del self._text[: len(self._text) - len(self._text.lstrip())]
        if _HEAD.match(self._text):
            found = _END.search(self._text)
            length = found.end() if found else 0
        else:
            length = self._text.find(b"\n") + 1
        if not length:
            return None
        script = bytes(self._text[:length]).decode("latin-1")
        del self._text[:length]
        return script
