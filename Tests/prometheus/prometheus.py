"""A Prometheus that is started, asked and stopped."""
import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import shipped
import yaml

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "apiserver"))
from harness import free_port  # noqa: E402

PATIENCE_S = 90


class Prometheus:
    def __init__(self, program, place, scrapes):
        config = place / "prometheus.yml"
        config.write_text(yaml.safe_dump({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(shipped.RULES), str(shipped.ALERTS)], "scrape_configs": scrapes}))
        port = free_port()
        self.address = f"http://127.0.0.1:{port}"
        self.log = place / "prometheus.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={place / 'data'}", f"--web.listen-address=127.0.0.1:{port}"],
                stdout=log, stderr=subprocess.STDOUT, cwd=place)

    def __enter__(self):
        self.wait(lambda: self.ask("status/buildinfo"))
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def ask(self, path, **parameters):
        """What the HTTP API answers; None while it doesn't listen yet.
        - Raises ValueError: what it says against the question."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.address}/api/v1/{path}?{query}", timeout=20) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", error.reason)) from None
        except OSError:
            if self.process.poll() is not None:
                raise RuntimeError(f"prometheus ended with {self.process.returncode}: {self.log.read_text()[-1000:]}") from None
            return None

    def query(self, expression):
        """The result's elements: of an instant vector one for each series."""
        return self.ask("query", query=expression)["result"]

    def wait(self, look, patience_s=PATIENCE_S):
        """What `look` finds once it finds something; None when that takes too long."""
        end = time.monotonic() + patience_s
        while not (found := look()):
            if time.monotonic() > end:
                return None
            time.sleep(0.5)
        return found
