"""The scenarios, in order. Each begins on a node with its original limits and no pod, and is named by what it is about."""
import csv
import os
import signal
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

from curve import STEP_UW, Curve
from images import images

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "apiserver"))
from harness import Double  # noqa: E402

def as_installed(rig):
    """The pod of the manifest has no privilege, and its limits are those of the plan."""
    pod = rig.pod()
    rig.play(pod)
    rig.in_force()
    privileges(rig)
    for name, probes in pod.probes.items():
        for probe, command in probes.items():
            said = getattr(rig, {"raplhelper": "helper", "powercap-controller": "controller"}[name]).execute(*command)
            rig.check(f"{name}'s {probe} passes", said.returncode == 0, said.stdout + said.stderr)
    rig.check("the limits are those that the controller says are in force", rig.limits() == rig.logged_limits(), rig.limits())
    against_the_plan(rig)
    orders(rig)
    rig.check("P6: the original limits are saved on the node, outside the pod", (rig.state / "state").exists())
    rig.stop(pod)
    rig.check("the helper ended with exit status 0", rig.helper.state()["ExitCode"] == 0, rig.logs())
    # 1 where the helper was faster and it couldn't give control back.
    rig.check("the controller ended by itself", rig.controller.state()["ExitCode"] in [0, 1], rig.logs())
    rig.down()
    rig.check("P6: every file of the tree is as before when the pod is gone", not rig.differences(), rig.differences())


def privileges(rig):
    for container, uid in [(rig.helper, 0), (rig.controller, 65532)]:
        status, mounts = container.process_status(), container.mounts()
        sets = {name: value for name, value in status.items() if name.startswith("Cap")}
        rig.check(f"P1: {container.id} has no capability in any set",
                  len(sets) == 5 and not any(int(value, 16) for value in sets.values()), sets)
        rig.check(f"P1: {container.id} is uid {uid}, gid 65532 and in no other group",
                  [status[name].split() for name in ["Uid", "Gid", "Groups"]] == [[str(uid)] * 4, ["65532"] * 4, ["65532"]],
                  status)
        # The helper adds one of its own.
        filters = 2 if container is rig.helper else 1
        rig.check(f"P1: {container.id} gains nothing by execve and is under the runtime's seccomp filter",
                  (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2") and int(status["Seccomp_filters"]) >= filters, status)
        rig.check(f"{container.id}'s root is read-only", "ro" in mounts["/"], mounts)
        rig.check(f"{container.id} is one process", len(rig.podman.run("top", container.id, "pid").stdout.split()) == 2)
        # Short ones look up names: at most four at a time.
        threads = Counter(container.threads())
        lookups = threads.pop("powercap-names", 0)
        others = {"raplhelper": 1} if container is rig.helper else {"powercap-contro": 1, "powercap-log": 1}
        rig.check(f"{container.id}'s loop is one thread" + ("" if container is rig.helper else ", and one more writes log lines"),
                  threads == others and lookups <= (0 if container is rig.helper else 4), threads)
    rig.check("P1: the helper reports what it gave up, and that it stays uid 0",
              any("sandbox=not-dumpable,no-new-privileges,bounding-set-empty,capabilities-empty,landlock,seccomp" in line
                  for line in rig.helper.log()), rig.helper.log())
    mounts = rig.controller.mounts()
    rig.check("the controller has the socket's directory read-only, and neither the tree nor the saved state",
              "ro" in mounts["/run/powercap"] and not {"/host/powercap", "/run/raplhelper"} & set(mounts), mounts)


def orders(rig):
    """As docs/interface.md has it for a pod."""
    before = rig.limits()
    said = rig.controller.execute("/powercap-controller", "set", "160W", "--for", "10m")
    rig.check("an operator's order by exec is in force when the command ends",
              said.returncode == 0 and "limited to 160 W" in said.stdout and rig.limits() != before, said.stdout + said.stderr)
    said = rig.controller.execute("/powercap-controller", "unset")
    rig.check("and is taken back", said.returncode == 0 and rig.limits() == before, said.stdout + said.stderr)


def against_the_plan(rig):
    """`plan` prints each minute of the day; the decision was made between two of them."""
    decided = datetime.fromisoformat(rig.changes()[-1]["time"]).astimezone(timezone.utc)
    dates = [decided.date(), (decided + timedelta(minutes=1)).date()]
    rows = []
    for date in sorted(set(dates)):
        said = rig.controller.execute("/powercap-controller", "plan", "--date", date, "--step=1m", "--stabilisation-time=1m",
                                      "--format=csv")
        rig.check(f"plan works in the container, for {date}", said.returncode == 0, said.stderr)
        rows += csv.DictReader(said.stdout.splitlines())
    around = [row for row in rows if abs(datetime.fromisoformat(row["time"]) - decided) <= timedelta(minutes=1)]
    limits = rig.limits()
    for package, (long_term, short_term) in limits.items():
        planned = [int(row[f"{package}_long_term_uw"]) for row in around]
        rig.check(f"the limits of {package} are what the plan says for this minute",
                  len(planned) >= 2 and min(planned) <= long_term == short_term <= max(planned) + STEP_UW, (planned, limits))


def follows_the_source(rig):
    """The limits follow the solar curve."""
    curve = Curve()
    pod = quick(rig.pod())
    pod.environment(**curve.environment)
    rig.play(pod)
    rig.wait("the limit changes three times", lambda: len(rig.changes()) >= 3 * 4)
    changes = rig.changes()[:3 * 4]
    wrong = [change for change in changes if not curve.allows(change)]
    rig.check("the limits follow the solar curve, computed here anew, in the configured time zone", not wrong, wrong)
    # The log and the files are read one after the other, and a change may come in between.
    rig.wait("the files hold what the log says", lambda: rig.limits() == rig.logged_limits())
    rig.check("P4: the files hold what the log says is in force", True)


def controller_hangs(rig):
    """P7: a controller that hangs loses control, and gets it back."""
    pod = constant(quick(rig.pod()))
    rig.play(pod)
    limits = rig.in_force()
    os.kill(rig.controller.pid, signal.SIGSTOP)
    rig.wait("the lease ends and the original limits come back", lambda: rig.limits() == rig.original_limits)
    rig.check("P7: the original limits come back when the controller has been silent for the lease's time",
              limits != rig.original_limits and any('reason="lease' in line for line in rig.helper.log()), rig.logs())
    for probe in ["readinessProbe", "livenessProbe"]:
        said = rig.controller.execute(*pod.probes["powercap-controller"][probe])
        rig.check(f"the controller's {probe} fails meanwhile, with a sentence", said.returncode == 1 and said.stderr, said)
    os.kill(rig.controller.pid, signal.SIGCONT)
    rig.wait("the controller sets its limits again", lambda: rig.limits() == limits)
    rig.check("P7: a controller that goes on sets its limits again", True)


def controller_dies(rig):
    """A controller that is killed is started again and takes over before the lease ends."""
    rig.play(constant(rig.pod()))
    limits = rig.in_force()
    dead = rig.controller.pid
    os.kill(dead, signal.SIGKILL)
    rig.wait("the controller is started again", lambda: rig.controller.pid not in [0, dead])
    rig.wait("the controller takes over", lambda: sum('msg="in control"' in line for line in rig.controller.log()) == 2)
    rig.check("a controller that was killed takes over within the lease, and the limits stay",
              rig.limits() == limits and not any("restored" in line for line in rig.helper.log()), rig.logs())


def controller_stays_away(rig):
    """P7: without a controller the original limits come back."""
    pod = constant(quick(rig.pod()))
    pod.spec["restartPolicy"] = "Never"
    rig.play(pod)
    limits = rig.in_force()
    os.kill(rig.controller.pid, signal.SIGKILL)
    rig.wait("the original limits come back", lambda: rig.limits() == rig.original_limits)
    rig.check("P7: the original limits come back when a controller that was killed stays away", limits != rig.original_limits)
    rig.check("P6: every file of the tree is as before", not rig.differences(), rig.differences())


def helper_dies(rig):
    """P6: a helper that is killed restores first, and the controller sets its limits again."""
    pod = constant(rig.pod())
    rig.play(pod)
    limits = rig.in_force()
    os.kill(rig.helper.pid, signal.SIGSTOP)
    said = rig.helper.execute(*pod.probes["raplhelper"]["livenessProbe"])
    rig.check("a helper that hangs fails its livenessProbe, with a sentence",
              said.returncode == 1 and "restart it" in said.stderr, said)
    for probe, status in [("readinessProbe", 1), ("livenessProbe", 0)]:
        said = rig.controller.execute(*pod.probes["powercap-controller"][probe])
        rig.check(f"the controller's {probe} {'fails' if status else 'passes'} meanwhile", said.returncode == status, said)
    os.kill(rig.helper.pid, signal.SIGKILL)
    rig.wait("the helper restores", lambda: any("an earlier helper died with limits in force" in line and "restored=4" in line
                                                for line in rig.helper.log()))
    rig.wait("the controller sets its limits again", lambda: len(rig.changes()) == 2 * 4 and rig.limits() == limits)
    rig.check("P6: a helper that was killed is started again and restores; the controller then sets its limits again", True)
    rig.stop(pod)
    rig.check("P6: the originals outlived the helper: every file of the tree is as before",
              not rig.differences(), rig.differences())


def everything_dies(rig):
    """P6: the originals outlive the pod."""
    pod = constant(rig.pod())
    pod.spec["restartPolicy"] = "Never"
    rig.play(pod)
    limits = rig.in_force()
    for container in [rig.helper, rig.controller]:
        os.kill(container.pid, signal.SIGKILL)
        rig.wait("it is dead", lambda: container.state()["ExitCode"] == 128 + signal.SIGKILL)
    rig.down()
    rig.check("the limits stay when everything was killed, and so do the saved originals",
              rig.limits() == limits and (rig.state / "state").exists(), rig.limits())
    pod = constant(rig.pod(), "120W")
    rig.play(pod)
    rig.in_force()
    rig.check("P6: a new pod restores what the one before has left, before it sets limits of its own",
              "restored=4" in "".join(line for line in rig.helper.log() if "an earlier helper died" in line), rig.logs())
    rig.stop(pod)
    rig.check("P6: stopped, it leaves the originals of before the first pod", not rig.differences(), rig.differences())


def masked(rig):
    """The tree is mounted outside /sys because runtimes mask its own path."""
    pod = constant(rig.pod())
    rig.play(pod)
    rig.in_force()
    inside = "/sys/devices/virtual/powercap"
    said = rig.helper.execute("/raplhelper", "--list", f"--powercap-root={inside}")
    rig.check("the container sees an empty directory at the tree's own path",
              said.returncode == 1 and "no RAPL zones" in said.stderr, said)
    rig.check("what the container sees there is read-only", "ro" in rig.helper.mounts()[inside], rig.helper.mounts())
    said = rig.helper.execute("/raplhelper", "--list", "--powercap-root=/host/powercap")
    rig.check("it sees the whole tree at the mount outside /sys",
              said.returncode == 0 and said.stdout.count("package-") == 4, said)
    rig.clear()

    pod = rig.pod()
    pod.spec["restartPolicy"] = "Never"
    pod.mount("raplhelper", "powercap")["mountPath"] = inside
    pod.arguments(f"--powercap-root={inside}")
    rig.play(pod)
    rig.wait("the helper ends", lambda: rig.helper.state()["Status"] == "exited")
    rig.check("mounted at its own path instead, there would be no zones: the helper says so and ends",
              rig.helper.state()["ExitCode"] == 1 and "no RAPL zones" in "".join(rig.helper.log()), rig.logs())


def on_its_node(rig):
    """The controller finds the API as in a cluster, and its Node tells what is in force."""
    double = Double()
    try:
        pod = constant(rig.pod())
        pod.connect(double)
        rig.play(pod, network="host")
        limits = rig.in_force()

        def node():
            return double.ask(f"show /api/v1/nodes/{double.facts['node']}")

        def published():
            return node()["metadata"]["labels"].get("rapl/pmax"), condition(node())

        def in_force():
            return str(sum(long_term for long_term, _ in rig.limits().values())), "True"

        rig.wait("the Node tells what is in force", lambda: published() == in_force())
        rig.check("the Node's label and condition tell what is in force", True)
        double.tell(f"annotate {double.facts['node']} powercap.dev/limit=250W")
        rig.wait("the limits follow the Node's override", lambda: rig.limits() != limits)
        rig.wait("the Node tells of the override", lambda: published() == in_force())
        rig.check("an override on the Node is in force, and the Node says so",
                  set(rig.limits().values()) == {(125_000_000, 125_000_000)}, rig.limits())
        rig.stop(pod)
        annotations = node()["metadata"]["annotations"]
        rig.check("the Node says that it isn't managed any more when the pod was stopped",
                  annotations.get("powercap.dev/state") == "stopped" and "power-manager/initialized" not in annotations
                  and published()[0] is None and published()[1] != "True", "\n".join([str(annotations), *rig.logs()]))
        rig.check("P6: every file of the tree is as before", not rig.differences(), rig.differences())
    finally:
        double.stop()


def condition(node):
    return next((each["status"] for each in node["status"].get("conditions", []) if each["type"] == "PowerCapped"), None)


def constant(pod, power="140W"):
    """A source that doesn't change, so that a limit has one right value. Per package: the manifest has PMAX_FUNC=min."""
    pod.environment(SOURCE="static", MAX_SOURCE=power)
    return pod


def quick(pod):
    """Short times, for a test that waits for them."""
    pod.environment(STABILISATION_TIME="1s", SAMPLE_INTERVAL="1s", LEASE_TIME="5s")
    pod.arguments("--lease-time=5s")
    return pod


ALL = [images, as_installed, follows_the_source, controller_hangs, controller_stays_away, controller_dies, helper_dies,
       everything_dies, masked, on_its_node]
