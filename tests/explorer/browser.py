"""Chromium over the DevTools protocol on two pipes: real mouse and keyboard events, pictures, requests and messages."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import status

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
KEYS = {
    "Tab": 9,
    "Enter": 13,
    "End": 35,
    "Home": 36,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "Escape": 27,
}
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-extensions", "--no-first-run",
            "--hide-scrollbars", "--remote-debugging-pipe")  # fmt: skip
PATIENCE = 30.0  # seconds for one answer


class Browser:
    """One tab. ``requests`` and ``messages``: what it asked for and what its console, its errors and its policy said."""

    def __init__(self, to: int, out: int):
        self.to, self.out, self.rest, self.numbers = to, out, b"", itertools.count(1)
        self.session: str | None = None
        self.motion = "no-preference"
        self.requests, self.messages, self.events = list[str](), list[str](), list[dict]()
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command of the protocol."""
        number = next(self.numbers)
        asked = {"id": number, "method": method, "params": params} | ({"sessionId": self.session} if self.session else {})
        os.write(self.to, json.dumps(asked).encode() + b"\0")
        while (said := self._read()).get("id") != number:
            self._note(said)
        if "error" in said:
            raise RuntimeError(f"{method}: {said['error']['message']}")
        return said["result"]

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not select.select([self.out], [], [], PATIENCE)[0] or not (more := os.read(self.out, 1 << 20)):
                raise RuntimeError("Chromium does not answer")
            self.rest += more
        line, _, self.rest = self.rest.partition(b"\0")
        return json.loads(line)

    def _note(self, event: Mapping[str, Any]) -> None:
        kind, params = event["method"], event["params"]
        if kind == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif kind == "Runtime.exceptionThrown":
            self.messages.append(params["exceptionDetails"].get("exception", {}).get("description", "error"))
        elif kind in ("Runtime.consoleAPICalled", "Log.entryAdded"):
            self.messages.append(json.dumps(params.get("args") or params.get("entry")))

    def evaluate(self, expression: str) -> Any:
        """Its value; a promise is waited for."""
        done = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in done:
            raise RuntimeError(done["exceptionDetails"]["exception"].get("description"))
        return done["result"].get("value")

    def open(self, address: str, width: int = 1280, height: int = 800, dark: bool = False, touch: bool = False) -> None:
        """Load a page and wait for its verdict."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": self.motion},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && !!document.querySelector('#sentence')")
        self.quiet()

    def until(self, condition: str, seconds: float = 20.0) -> None:
        """Wait until an expression holds, looked at in each frame."""
        wait = f"""new Promise((done) => {{
            const end = performance.now() + {1000 * seconds};
            const look = () => ({condition}) ? done(true) : performance.now() > end ? done(false) : setTimeout(look, 16);
            look();
        }})"""
        assert self.evaluate(wait), f"not within {seconds} s: {condition}"

    def quiet(self) -> None:
        """Wait until the page has nothing left to compute."""
        self.until("document.querySelector('main[data-busy=\"false\"]') !== null")

    def text(self, selector: str) -> str:
        """What an element says."""
        return self.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")

    def box(self, selector: str) -> tuple[float, float, float, float]:
        """Left, top, width, height of an element that is scrolled into view."""
        asked = f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: "nearest"}});
            const b = e.getBoundingClientRect(); return [b.left, b.top, b.width, b.height]; }})()"""
        return tuple(self.evaluate(asked))

    def drag(self, *points: tuple[float, float], shift: bool = False) -> None:
        """Press at the first point, move over the others, release at the last."""
        (x, y), mouse = points[0], {"button": "left", "clickCount": 1, "modifiers": 8 if shift else 0}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, **mouse)
        for x, y in points[1:]:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **mouse, buttons=1)
            self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x, y=y, **mouse)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
        self.quiet()

    def click(self, selector: str) -> None:
        """Press a control in its middle."""
        left, top, width, height = self.box(selector)
        self.drag((left + width / 2, top + height / 2))

    def key(self, name: str, times: int = 1, shift: bool = False) -> None:
        """Press a key of KEYS."""
        key = {"key": name, "code": name, "windowsVirtualKeyCode": KEYS[name], "modifiers": 8 if shift else 0}
        for _ in range(times):
            self.call("Input.dispatchKeyEvent", type="rawKeyDown", **key)
            if name == "Enter":
                self.call("Input.dispatchKeyEvent", type="char", text="\r", **key)
            self.call("Input.dispatchKeyEvent", type="keyUp", **key)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
        self.quiet()

    def type(self, text: str) -> None:
        """Insert text where the cursor is."""
        self.call("Input.insertText", text=text)
        self.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
        self.quiet()

    def picture(self, path: Path) -> None:
        """A PNG of the window."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A Chromium of its own, which ends with the block."""
    (theirs_in, ours_to), (ours_out, theirs_out) = os.pipe(), os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (theirs_in, theirs_out)]

    def pipes() -> None:
        os.dup2(high[0], 3)
        os.dup2(high[1], 4)

    command = [str(CHROMIUM), *SWITCHES, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, preexec_fn=pipes, pass_fds=(3, 4), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in (theirs_in, theirs_out, *high):
        os.close(end)
    try:
        tab = Browser(ours_to, ours_out)
        yield tab
        tab.session = None
        tab.call("Browser.close")
    finally:
        process.terminate()
        status(process)
        os.close(ours_to)
        os.close(ours_out)
