"""Headless Chromium over its own pipe (Chrome DevTools Protocol): no driver, no port, no further package.

`--remote-debugging-pipe`: the browser reads commands from descriptor 3 and writes to 4, JSON messages that end in NUL.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

NAMES = ("chromium", "chromium-browser", "google-chrome")
_PROGRAM = Path("/usr/lib/chromium/chromium")
"""Behind Debian's wrapper script."""
_OPTIONS = (
    "--headless=new", "--remote-debugging-pipe", "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-default-browser-check",
    "--hide-scrollbars", "--mute-audio",
)  # fmt: skip
TIMEOUT = 60.0
"""Seconds for one answer."""


def find() -> str | None:
    """The browser's program, if there is one."""
    if _PROGRAM.is_file():
        return str(_PROGRAM)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class BrowserError(Exception):
    """The browser refused a command, went away, or threw."""


def _pipe() -> tuple[int, int]:
    """A pipe whose descriptors are none of those that the browser wants, so that a shell can move them there."""
    low = os.pipe()
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 20) for descriptor in low]
    for descriptor in low:
        os.close(descriptor)
    return high[0], high[1]


class Browser:
    """A browser with one tab. A context: it ends with its profile folder."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="dbops-chromium-", ignore_cleanup_errors=True)
        to_read, self._to = _pipe()
        self._from, from_write = _pipe()
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        # A shell moves the two pipes to the descriptors that the browser expects.
        shell = f'exec "$@" 3<&{to_read} 4>&{from_write}'
        argv = [program, *_OPTIONS, *sandbox, f"--user-data-dir={self._profile.name}", "about:blank"]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *argv],
            pass_fds=(to_read, from_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(from_write)
        self._buffer = b""
        self._number = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._to)
        os.close(self._from)
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._profile.cleanup()

    # --- messages ---------------------------------------------------------------------------------------------------

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """A command and its answer; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        data = memoryview(json.dumps(message).encode() + b"\0")
        while data:
            data = data[os.write(self._to, data) :]
        deadline = time.monotonic() + TIMEOUT
        while True:
            answer = self._receive(deadline)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result

    def _receive(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            with selectors.DefaultSelector() as ready:
                ready.register(self._from, selectors.EVENT_READ)
                if not ready.select(max(0.0, deadline - time.monotonic())):
                    raise BrowserError(f"no answer within {TIMEOUT} s")
            data = os.read(self._from, 1 << 20)
            if not data:
                raise BrowserError("the browser went away")
            self._buffer += data
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message

    # --- what tests do ----------------------------------------------------------------------------------------------

    def open(self, path: Path) -> float:
        """Opens a file; seconds until it has been laid out and painted."""
        self.events.clear()
        begun = time.monotonic()
        self.send("Page.navigate", url=path.resolve().as_uri())
        while self.eval("document.readyState === 'complete' && location.href !== 'about:blank'") is not True:
            time.sleep(0.005)
        self.painted()
        return time.monotonic() - begun

    def painted(self) -> None:
        """Waits until what was changed has been drawn."""
        self.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def eval(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def look(self, *, width: int, height: int = 900, dark: bool = False, media: str = "") -> None:
        """Size of the window (CSS pixels), colour scheme, and medium (`print`)."""
        self.send(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def press(self, key: str, code: int) -> None:
        """A key of the keyboard, such as `Enter` (13)."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, text=text)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """A PNG of the page."""
        answer = self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self) -> bytes:
        return base64.b64decode(self.send("Page.printToPDF", printBackground=False)["data"])

    def complaints(self) -> list[str]:
        """Errors and warnings of the console, exceptions, and violations of the page's policy."""
        self.eval("1")
        said = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                said.append(str(params["exceptionDetails"]))
            elif event["method"] == "Runtime.consoleAPICalled":
                said.append(str(params["args"]))
            elif event["method"] == "Log.entryAdded":
                said.append(f"{params['entry']['level']}: {params['entry']['text']}")
        return said

    def requests(self) -> list[str]:
        """Addresses that the page asked for, beside itself."""
        asked = [e["params"]["request"]["url"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [url for url in asked if not url.startswith(("file:", "data:"))] + [
            url for url in asked[1:] if url.startswith("file:")
        ]
