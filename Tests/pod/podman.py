"""A podman of the tests' own: storage, settings, runtime and log files in one directory, and nothing of the machine's."""
import ctypes
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMMAND_SECONDS = 120
PR_SET_CHILD_SUBREAPER = 36


class Unusable(Exception):
    """This machine can't run containers; the text says why."""


class Podman:
    def __init__(self, work):
        if not shutil.which("podman") or not shutil.which("catatonit"):
            raise Unusable("podman or catatonit is not installed (scripts/deps)")
        if os.geteuid() != 0:
            raise Unusable("needs root: a container that isn't in a user namespace")
        # The directory that stands for the node's root: /sys of the containers is its sys.
        self.work, self.node = work, work / "node"
        self.environment = {**os.environ, "CONTAINERS_CONF": str(work / "containers.conf"),
                            "CONTAINERS_STORAGE_CONF": str(work / "storage.conf"),
                            "CONTAINERS_REGISTRIES_CONF": str(work / "registries.conf"), "TMPDIR": str(work)}
        # Podman leaves a monitor per container behind, which would become a child of the machine's init.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        self.cgroups = cgroups()
        for directory in ["fs/cgroup", "firmware", "dev/block", "devices/virtual"]:
            (self.node / "sys" / directory).mkdir(parents=True)

    # What works here

    def choose(self):
        """Takes the first storage driver and runtime that can start a container, and says which."""
        runtimes = list(filter(None, map(shutil.which, ["crun", "runc"])))
        failures = []
        for driver in ["overlay", "vfs"]:
            for runtime in runtimes:
                self._configure(driver, runtime)
                attempt = self._probe()
                if attempt.returncode == 0:
                    return f"{driver}, {Path(runtime).name}"
                failures.append(f"{driver}, {Path(runtime).name}: {' '.join(attempt.stderr.split())[-200:]}")
                self.remove()
        raise Unusable("podman can't start a container here: " + "; ".join(failures or ["neither crun nor runc is installed"]))

    def _configure(self, driver, runtime):
        shim = self.work / "runtime"
        shim.write_text(f'#!/bin/sh\nexec "{HERE}/runtime" "{runtime}" "{self.work}/oci" "{self.node}/sys" "$@"\n')
        shim.chmod(0o755)
        (self.work / "storage.conf").write_text(
            f'[storage]\ndriver = "{driver}"\nrunroot = "{self.work}/storage-run"\ngraphroot = "{self.work}/storage"\n')
        (self.work / "registries.conf").write_text("unqualified-search-registries = []\n")
        # The limits that podman would raise by default are above what it may set inside a container. Its pause image would come
        # from a registry; Debian's catatonit is a static program that does the same.
        (self.work / "containers.conf").write_text(f"""\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[network]
network_config_dir = "{self.work}/networks"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
infra_image = "localhost/powercap-test/pause:1"
infra_command = "/catatonit"
lock_type = "file"
runtime = "{shim}"
tmp_dir = "{self.work}/libpod-run"
""")

    def _probe(self):
        """The pause image's program in a container: a failure is this machine's and not the product's."""
        context = self.work / "pause"
        context.mkdir(exist_ok=True)
        shutil.copy(shutil.which("catatonit"), context / "catatonit")
        (context / "Containerfile").write_text('FROM scratch\nCOPY catatonit /catatonit\nENTRYPOINT ["/catatonit", "-P"]\n')
        image = "localhost/powercap-test/pause:1"
        built = self.run("build", "--quiet", "--tag", image, context, check=False)
        if built.returncode != 0:
            return built
        return self.run("run", "--rm", "--network=none", "--entrypoint=/catatonit", image, "--version", check=False)

    # Commands

    def run(self, *command, check=True):
        command = ["podman", *map(str, command)]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                              timeout=COMMAND_SECONDS)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: exit status {done.returncode}: {done.stderr.strip()[-800:]}")
        return done

    def inspect(self, kind, name):
        return json.loads(self.run(kind, "inspect", name).stdout)[0]

    def exists(self, kind, *names):
        return all(self.run(kind, "exists", name, check=False).returncode == 0 for name in names)

    def remove(self):
        """Everything that runs or is stored, whatever state it is in."""
        for command in [("pod", "rm", "--all", "--force", "--time=0"), ("rm", "--all", "--force", "--time=0"),
                        ("image", "umount", "--all"), ("rmi", "--all", "--force")]:
            self.run(*command, check=False)
        for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
            target = line.split()[4].encode().decode("unicode_escape")
            if target.startswith(f"{self.work}/"):
                subprocess.run(["umount", "--lazy", target], check=False)
        for child in children():
            os.kill(child, signal.SIGKILL)
        reap()
        for leftover in sorted(cgroups() - self.cgroups, reverse=True):
            try:
                leftover.rmdir()
            except OSError:
                pass    # Somebody else's by now: it has a process in it.
        for name in ["storage", "storage-run", "libpod-run", "networks", "oci"]:
            shutil.rmtree(self.work / name, ignore_errors=True)


class Container:
    """A container of a pod, by the name that the manifest gives it."""

    def __init__(self, podman, pod, name):
        self.podman, self.id = podman, f"{pod}-{name}"

    def state(self):
        return self.podman.inspect("container", self.id)["State"]

    @property
    def pid(self):
        return self.state()["Pid"]

    def exists(self):
        return self.podman.exists("container", self.id)

    def log(self):
        """What it has said in all its lives, without the time stamps of the log driver."""
        path = Path(self.podman.inspect("container", self.id)["HostConfig"]["LogConfig"]["Path"])
        return [line.split(" ", 3)[3] for line in path.read_text().splitlines()] if path.exists() else []

    def execute(self, *command):
        return self.podman.run("exec", self.id, *command, check=False)

    def process_status(self):
        """The fields of /proc/PID/status."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {name: " ".join(value.split()) for name, value in (line.split(":", 1) for line in lines)}

    def threads(self):
        """Their names, as ps -T has them."""
        return [comm.read_text().strip() for comm in Path(f"/proc/{self.pid}/task").glob("*/comm")]

    def mounts(self):
        """The options of each mount by its target."""
        lines = Path(f"/proc/{self.pid}/mountinfo").read_text().splitlines()
        return {line.split()[4]: line.split()[5].split(",") for line in lines}


def cgroups():
    """Podman's, of whoever."""
    found = set()
    for parent in Path("/sys/fs/cgroup").glob("**/libpod_parent"):
        found |= {parent, *(path for path in parent.rglob("*") if path.is_dir())}
    return found


def children():
    return [int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()]


def reap():
    """Waits for what has ended, or is about to."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.05)
        except ChildProcessError:
            return
