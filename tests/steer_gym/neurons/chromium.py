"""A real headless Chromium, driven over the DevTools protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 30.0


def chromium() -> str | None:
    """Return the browser's path, where one is installed."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    """One page of a running browser."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        for domain in ("Page", "Runtime", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._connection.recv(timeout=PATIENCE_S))
            if said.get("id") == number:
                if "error" in said:
                    raise AssertionError(f"{method}: {said['error']}")
                result: dict[str, Any] = said["result"]
                return result

    def run(self, script: str) -> Any:
        """Return the value of a JavaScript expression; promises are awaited."""
        result = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in result:
            raise AssertionError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, script: str) -> Any:
        """Return the value of an expression as soon as it is true."""
        until = time.monotonic() + PATIENCE_S
        while not (value := self.run(script)):
            if time.monotonic() > until:
                raise AssertionError(f"Not true within {PATIENCE_S:g} s: {script}")
            time.sleep(0.02)
        return value

    def open(self, path: Path) -> None:
        """Open a file."""
        self.call("Page.navigate", url=path.resolve().as_uri())

    def key(self, name: str, text: str = "") -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, text=text)

    def type(self, text: str) -> None:
        """Write into the focused element."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click the middle of an element with a real mouse event."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'nearest'}); const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                clickCount=1,
            )  # fmt: skip

    def upload(self, selector: str, path: Path) -> None:
        """Choose a file in a file input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])


@contextmanager
def browser(executable: str, folder: Path, *flags: str) -> Iterator[Tab]:
    """Yield a tab of a browser whose profile and downloads lie in ``folder``."""
    from websockets.sync.client import connect

    profile, downloads = folder / "profile", folder / "downloads"
    downloads.mkdir(parents=True)
    process = subprocess.Popen(
        [
            executable, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1400,900",
            f"--user-data-dir={profile}", *flags, "about:blank",
        ],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with connect(_address(profile, process), max_size=None) as connection:
            tab = Tab(connection)
            tab.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
            yield tab
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def _address(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """Return the address of the first tab, once the browser has written its port."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        port_file = profile / "DevToolsActivePort"
        if port_file.is_file() and (lines := port_file.read_text().split("\n"))[0]:
            with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json") as answer:
                tabs = [tab for tab in json.load(answer) if tab["type"] == "page"]
            if tabs:
                return str(tabs[0]["webSocketDebuggerUrl"])
        time.sleep(0.05)
    raise AssertionError(f"The browser did not open its port (exit code {process.poll()}).")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("browser")


@pytest.fixture(scope="session")
def tab(folder: Path) -> Iterator[Tab]:
    pytest.importorskip("websockets", reason="the DevTools protocol is spoken over websockets")
    executable = chromium()
    if executable is None:
        pytest.skip("no Chromium is installed: apt-get install chromium")
    with browser(executable, folder) as opened:
        yield opened
