"""A page in headless Chromium, used as a person does: keys, clicks, what can be read; over the DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from websockets.sync.client import ClientConnection, connect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 30.0
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--window-size=1280,800",
)


@dataclass
class Page:
    """One tab.

    Attributes:
        noise: What the page wrote to the console, and what went wrong in it.
        requests: Addresses that it asked for.
    """

    socket: ClientConnection
    noise: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    session: str = ""
    _number: int = 0

    def call(self, method: str, **params: object) -> dict[str, object]:
        """One command of the protocol, and its result."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        self.socket.send(json.dumps({**message, **({"sessionId": self.session} if self.session else {})}))
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            answer = json.loads(self.socket.recv(timeout=PATIENCE_S))
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return answer["result"]
            self._hear(answer)
        raise AssertionError(f"no answer to {method}")

    def _hear(self, event: dict[str, object]) -> None:
        method, params = event.get("method"), event.get("params", {})
        if method in {"Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled"}:
            self.noise.append(json.dumps(params))
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def evaluate(self, script: str) -> object:
        """The value of an expression, which may be a promise."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, (script, result)
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """What can be read there."""
        return str(self.evaluate(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''"))

    def until(self, script: str) -> object:
        """Wait until an expression is true."""
        deadline, value = time.monotonic() + PATIENCE_S, None
        while not value:
            assert time.monotonic() < deadline, (script, self.evaluate("document.body.innerText"), self.noise)
            with suppress(AssertionError):  # between two pages there is nothing to ask
                value = self.evaluate(f"Boolean({script})")
            time.sleep(0 if value else 0.05)
        return value

    def until_state(self, state: str) -> None:
        """Wait for what the page calls the state."""
        self.until(f"document.documentElement.dataset.state === {json.dumps(state)}")

    def press(self, key: str, state: str) -> None:
        """Press a key that changes the state, once the page would have it, and wait for that."""
        self.until("document.documentElement.dataset.link === 'open'")  # on a busy machine it may be grey for a moment
        self.key(key, "Space" if key == " " else "")
        self.until_state(state)

    def key(self, key: str, code: str = "") -> None:
        """Press and let go."""
        code = code or (f"Key{key.upper()}" if key.isalpha() and len(key) == 1 else key)
        virtual = {" ": 32, "Escape": 27, "Enter": 13, "Tab": 9}.get(key, ord(key[0].upper()))
        text = key if len(key) == 1 else "\r" if key == "Enter" else ""
        event = {"key": key, "code": code, "windowsVirtualKeyCode": virtual}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        """Text into what has the focus."""
        self.call("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """The left button, in the middle of what is seen there and is not covered."""
        script = f"""(() => {{
            const target = document.querySelector({json.dumps(selector)});
            target.scrollIntoView({{ block: "nearest" }});
            const {{ left, top, width, height }} = target.getBoundingClientRect();
            const x = left + width / 2, y = top + height / 2;
            const hit = target.contains(document.elementFromPoint(x, y));
            return {{ x, y, hit, disabled: target.disabled === true }};
        }})()"""
        place = self.evaluate(script)
        assert place.pop("hit"), f"{selector} is covered or out of sight"
        assert not place.pop("disabled"), f"{selector} is disabled"
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **place)

    def picture(self, path: Path) -> None:
        """What is seen, as a PNG."""
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def size(self, width: int, height: int) -> None:
        """Of the window, in CSS pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def shade(self, shade: str) -> None:
        """`light` or `dark`, as the system would prefer it."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": shade}])

    def go(self, url: str) -> None:
        """Open an address."""
        self.call("Page.navigate", url=url)


@dataclass
class Browser:
    """A running browser.

    Attributes:
        endpoint: Where it listens.
    """

    endpoint: str

    @contextmanager
    def page(self, url: str, language: str = "en-US") -> Iterator[Page]:
        """A tab with cookies of its own until the block ends."""
        with connect(self.endpoint, max_size=None, compression=None) as socket:
            page = Page(socket)
            context = page.call("Target.createBrowserContext", disposeOnDetach=True)["browserContextId"]
            size = {"width": 1280, "height": 800}
            target = page.call("Target.createTarget", url="about:blank", browserContextId=context, **size)["targetId"]
            page.session = str(page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            page.call("Emulation.setLocaleOverride", locale=language)
            page.call("Network.setUserAgentOverride", userAgent="test", acceptLanguage=language)
            page.size(1280, 800)
            page.go(url)
            yield page


@contextmanager
def running_browser(folder: Path) -> Iterator[Browser]:
    """A browser until the block ends."""
    profile = folder / "profile"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield Browser(_endpoint(profile))
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _endpoint(profile: Path) -> str:
    """Where the browser listens, once it does."""
    told, deadline = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_S
    while not (told.is_file() and len(lines := told.read_text(encoding="utf-8").splitlines()) == 2):
        assert time.monotonic() < deadline, "the browser did not start"
        time.sleep(0.05)
    return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
