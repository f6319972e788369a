"""A real browser for the tests that need one: Chromium over its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect


class Page:
    """One tab. Every wait is bounded; what the console complains of is kept."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket, self._number = socket, 0
        self.complaints: list[str] = []
        self.loads = 0
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            told = json.loads(self._socket.recv(timeout=30))
            if told.get("id") == self._number:
                assert "error" not in told, told["error"]
                return dict(told["result"])
            self._note(told)

    def _note(self, told: dict[str, Any]) -> None:
        method, parameters = told.get("method"), told.get("params", {})
        if method == "Page.loadEventFired":
            self.loads += 1
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(parameters["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))

    def evaluate(self, expression: str) -> Any:
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait in the page until `expression` is truthy, for 10 s."""
        return self.evaluate(
            "new Promise((done, failed) => { const end = Date.now() + 10000; const look = () => {"
            f" const found = ({expression}); if (found) done(found);"
            " else if (Date.now() > end) failed(new Error('waited in vain')); else setTimeout(look, 30); }; look(); })"
        )

    def visit(self, url: str) -> None:
        loads = self.loads
        self.call("Page.navigate", url=url)
        while self.loads == loads:
            self._note(json.loads(self._socket.recv(timeout=30)))

    def submit(self, expression: str) -> None:
        """Evaluate something that leads to another page, and wait for that."""
        loads = self.loads
        self.call("Runtime.evaluate", expression=expression)
        while self.loads == loads:
            self._note(json.loads(self._socket.recv(timeout=30)))

    def dark(self, on: bool) -> None:
        value = "dark" if on else "light"
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    def picture(self, path: Path, width: int = 1280, height: int = 1400) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Chromium; TRIPLEGATE_BROWSER names it where it is not called chromium."""
    command = os.environ.get("TRIPLEGATE_BROWSER") or shutil.which("chromium")
    if command is None:
        pytest.skip("no Chromium here")
    home = tmp_path_factory.mktemp("browser")
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    running = subprocess.Popen(
        [
            command,
            *flags,
            "--disable-dev-shm-usage",
            "--remote-debugging-port=0",
            f"--user-data-dir={home}",
            "about:blank",
        ],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("DevTools listening on "):
            break
    else:
        pytest.fail("Chromium did not start")
    yield line.split()[-1].split("/devtools")[0].replace("ws://", "")
    running.terminate()
    running.wait(10)
    running.stderr.close()


@pytest.fixture
def page(browser: str) -> Iterator[Page]:
    import httpx

    with httpx.Client(trust_env=False, timeout=30) as client:
        tab = client.put(f"http://{browser}/json/new?about:blank").json()
        with connect(tab["webSocketDebuggerUrl"], max_size=64 << 20) as socket:
            yield Page(socket)
        client.get(f"http://{browser}/json/close/{tab['id']}")


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[[str], Path]:
    """Where pictures go: TRIPLEGATE_PICTURES, or the test's own directory."""
    base = Path(os.environ.get("TRIPLEGATE_PICTURES", tmp_path))
    return lambda name: base / f"{name}.png"
