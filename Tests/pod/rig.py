"""What the scenarios work with: the simulated node, its pod, and the count of what was found."""
import shlex
import shutil
import subprocess
import time
from pathlib import Path

from pod import Pod
from podman import Container

ROOT = Path(__file__).resolve().parents[2]
WAIT_SECONDS = 30


class Rig:
    def __init__(self, podman, programs):
        self.podman, self.programs = podman, programs
        self.passed = self.failed = 0
        self.node = podman.node
        self.tree = self.node / "sys/devices/virtual/powercap"
        self.state = self.node / "run/raplhelper"
        self.helper = Container(podman, "powercap", "raplhelper")
        self.controller = Container(podman, "powercap", "powercap-controller")
        self.version = subprocess.check_output([programs / "raplhelper", "--version"], text=True).split()[1]
        self.simulator = subprocess.Popen([programs / "Simulator", self.tree, "--psys", "--mmio"], stdin=subprocess.PIPE,
                                          stdout=subprocess.PIPE, text=True)
        assert self.simulator.stdout.readline().startswith("ready"), "the simulator starts"
        self.originals = self.settings()
        self.original_limits = self.limits()
        self.images = {name: f"localhost/powercap-test/{name}:{self.version}" for name in ["raplhelper", "powercap-controller"]}

    def check(self, sentence, holds, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
        print(f"{'ok' if holds else 'not ok'} {self.passed + self.failed} - {sentence}", flush=True)
        if not holds:
            for line in str(detail).splitlines()[-30:]:
                print(f"#   {line[:400]}", flush=True)

    def build(self, **environment):
        """Builds both images: their ids and digests."""
        subprocess.run([ROOT / "scripts/images", self.programs], check=True, cwd=ROOT, stdout=subprocess.DEVNULL,
                       env={**self.podman.environment, "IMAGE_PREFIX": "localhost/powercap-test", **environment})
        images = [self.podman.inspect("image", image) for image in self.images.values()]
        return [(image["Id"], image["Digest"]) for image in images]

    # The pod

    def pod(self):
        if not self.podman.exists("image", *self.images.values()):
            self.build()
        return Pod(self.node, self.images)

    def play(self, pod, network="none"):
        pod.prepare()
        manifest = self.podman.work / "pod.json"
        manifest.write_text(pod.json())
        self.podman.run("kube", "play", f"--network={network}", manifest)

    def in_force(self):
        """Waits until the controller has set limits and gives them."""
        self.wait("the controller sets limits", lambda: self.changes())
        return self.limits()

    def stop(self, pod):
        """As the kubelet ends a pod: SIGTERM to everybody, and time to finish. podman 4.3's `kube down` alone kills at once."""
        self.podman.run("pod", "stop", f"--time={pod.grace_seconds}", pod.name)

    def down(self):
        self.podman.run("kube", "down", self.podman.work / "pod.json")

    def clear(self):
        """The node as it was: no pod, no saved state, the original limits."""
        self.podman.run("pod", "rm", "--all", "--force", "--time=0", check=False)
        for path, contents in self.originals.items():
            # In place, because the simulator reads them all the time.
            with open(self.tree / path, "r+b") as file:
                file.write(contents)
                file.truncate()
        for directory in [self.state, self.node / "var"]:
            shutil.rmtree(directory, ignore_errors=True)

    def end(self):
        self.simulator.stdin.close()
        self.simulator.wait()

    # The tree

    def settings(self):
        """Every file that isn't a counter, byte for byte."""
        files = [path for path in self.tree.rglob("*") if path.is_file() and path.name != "energy_uj"]
        return {str(path.relative_to(self.tree)): path.read_bytes() for path in files}

    def differences(self):
        """What isn't as it was before the first pod."""
        now = self.settings()
        return {path: (now.get(path), self.originals.get(path)) for path in now.keys() | self.originals.keys()
                if now.get(path) != self.originals.get(path)}

    def limits(self):
        """Long-term and short-term limits of the packages in µW, by package."""
        limits = {}
        for zone in sorted((self.tree / "intel-rapl").glob("intel-rapl:*")):
            if (name := (zone / "name").read_text().strip()).startswith("package-"):
                limits[name] = tuple(int((zone / f"constraint_{index}_power_limit_uw").read_text()) for index in [0, 1])
        return limits

    # The logs

    def changes(self):
        """The controller's lines about a changed limit, as dictionaries."""
        return [fields(line) for line in self.controller.log() if 'msg="limit changed"' in line]

    def logged_limits(self):
        """What the controller says is in force, in the shape of limits()."""
        said = {(each["device"], each["constraint"]): int(each["in_force_uw"]) for each in self.changes()}
        return {package: (said[package, "long_term"], said[package, "short_term"]) for package, _ in said}

    def wait(self, what, condition, seconds=WAIT_SECONDS):
        """Waits for what no event announces, and gives it."""
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "\n".join(
                [f"not within {seconds} s: {what}", *self.logs(), f"limits: {self.limits()}"])
            time.sleep(0.05)
        return value

    def logs(self):
        return [f"{container.id}: {line}" for container in [self.helper, self.controller] if container.exists()
                for line in container.log()[-12:]]


def fields(line):
    """The fields of a line in logfmt."""
    return dict(part.split("=", 1) for part in shlex.split(line) if "=" in part)


