"""Headless Chromium over its DevTools pipe: two file descriptors, JSON messages, no network."""

import base64
import contextlib
import json
import os
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
WATCHED = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


class Browser:
    """One browser with one page; `events` holds what the page told since it was opened."""

    def __init__(self, read: int, write: int):
        self.read, self.write, self.number, self.buffer = read, write, 0, b""
        self.events: list[dict[str, Any]] = []
        self.session = ""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        found = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = found["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and return its result; what happens meanwhile is kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(60)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def _next(self, seconds: float) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError("the browser did not answer")
            self.buffer += os.read(self.read, 1 << 20)
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def open(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next(60))

    def run(self, script: str) -> Any:
        """Evaluate a script in the page, wait for its promise, and return its value."""
        options = {"awaitPromise": True, "returnByValue": True}
        done = self.call("Runtime.evaluate", expression=script, **options)
        if "exceptionDetails" in done:
            raise RuntimeError(json.dumps(done["exceptionDetails"])[:2000])
        return done["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        """Give the page a width and height in CSS pixels."""
        mobile = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def key(self, name: str, code: int, text: str = "") -> None:
        """Press and let go of a key."""
        pressed = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        pressed |= {"text": text} if text else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **pressed)
        self.call("Input.dispatchKeyEvent", type="keyUp", **pressed)

    def picture(self, path: Path, clip: dict[str, float] | None = None) -> None:
        """Write a screenshot of the window, or of a part of the page (x, y, width, height)."""
        options: dict[str, Any] = {"format": "png"}
        if clip:
            options |= {"clip": clip | {"scale": 1}, "captureBeyondViewport": True}
        data = self.call("Page.captureScreenshot", **options)["data"]
        path.write_bytes(base64.b64decode(data))

    def told(self) -> list[str]:
        """Return what the page wrote to the console, and every fault in it."""
        return [json.dumps(e["params"])[:500] for e in self.events if e.get("method") in WATCHED]

    def asked(self) -> list[str]:
        """Return the addresses that the page asked for, data in the page itself left out."""
        sent = [e for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        urls = [event["params"]["request"]["url"] for event in sent]
        return [url for url in urls if not url.startswith(("data:", "blob:"))]


@contextlib.contextmanager
def launched(command: str) -> Iterator[Browser]:
    """Start a browser with an empty profile, and end it."""
    there, here = os.pipe(), os.pipe()  # to the browser, from the browser

    def wire() -> None:
        os.dup2(there[0], 100), os.dup2(here[1], 101)
        os.dup2(100, 3), os.dup2(101, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        started = subprocess.Popen(
            [command, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            preexec_fn=wire,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(there[0]), os.close(here[1])
        try:
            yield Browser(here[0], there[1])
        finally:
            started.terminate()
            started.wait(30)
            os.close(here[0]), os.close(there[1])
