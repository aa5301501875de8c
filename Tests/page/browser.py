"""A Chromium without a window, spoken to over two pipes (--remote-debugging-pipe): the DevTools protocol, JSON that ends with NUL."""
import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

PATIENCE_S = 60


def program():
    """None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """Has tabs, and keeps their events."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="page-")
        to_read, self.write_end = os.pipe()
        self.read_end, to_write = os.pipe()

        def descriptors():
            # It reads from 3 and writes to 4. Out of the way first: either may be 3 or 4 already.
            kept = [os.dup2(end, number) for end, number in ((to_read, 100), (to_write, 101))]
            os.dup2(kept[0], 3), os.dup2(kept[1], 4)

        # Its sandbox needs what root in a container doesn't have. It only gets to see pages of these tests.
        self.process = subprocess.Popen(
            [program(), "--headless=new", "--no-sandbox", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
             "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-sync",
             "--disable-component-update", "--hide-scrollbars", "--force-color-profile=srgb", "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_read), os.close(to_write)
        self.buffer, self.number, self.events = b"", 0, []

    def close(self):
        os.close(self.write_end), os.close(self.read_end)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self, patience_s):
        end = time.monotonic() + patience_s
        while b"\0" not in self.buffer:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.read_end], [], [], left)[0]:
                raise TimeoutError("the browser says nothing")
            chunk = os.read(self.read_end, 1 << 20)
            if not chunk:
                raise EOFError("the browser has ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, session=None, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self.write_end, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive(PATIENCE_S)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def tab(self, **more):
        return Tab(self, **more)


class Tab:
    """A page at a size, by day or by night, with JavaScript or without."""

    def __init__(self, browser, width=1280, height=900, dark=False, script=True):
        self.browser = browser
        self.target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def events(self, method):
        return [event["params"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] == method]

    def open(self, url):
        loads = self.loads()
        self.call("Page.navigate", url=url)
        self.wait_for_load(loads)

    def loads(self):
        return len(self.events("Page.loadEventFired"))

    def wait_for_load(self, loads, patience_s=PATIENCE_S):
        """Until the page was loaded once more than so often."""
        end = time.monotonic() + patience_s
        while self.loads() <= loads:
            self.browser.events.append(self.browser.receive(end - time.monotonic()))

    def evaluate(self, expression):
        """Also where the page's own scripts are off."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description", answer["exceptionDetails"]["text"]))
        return answer["result"].get("value")

    def complaints(self):
        """What the browser's console has: errors, and whatever the policy refused."""
        texts = [entry["entry"]["text"] for entry in self.events("Log.entryAdded") if entry["entry"]["level"] != "verbose"]
        texts += [str(entry["args"]) for entry in self.events("Runtime.consoleAPICalled")]
        return texts + [entry["exceptionDetails"]["text"] for entry in self.events("Runtime.exceptionThrown")]

    def requests(self):
        return [request["request"]["url"] for request in self.events("Network.requestWillBeSent")]

    def picture(self, path, whole=True):
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)
        self.browser.events = [event for event in self.browser.events if event.get("sessionId") != self.session]
