"""Trees of machines that have more than Intel's packages, of the listings that Tests/machines governs."""
import sys

from rig import HERE, Helper, make_tree, server

sys.path.append(str(HERE.parent / "Tests/machines"))
import listing  # noqa: E402

MACHINES = HERE.parent / "Tests/Fixtures/machines"
GOVERN = "intel-rapl,intel-rapl-mmio,amd_hsmp,arm-scmi,dtpm,gpu,power_meter,opal"


def lines(machine, where=lambda line: True):
    return [line for line in (MACHINES / f"{machine}.listing").read_text().splitlines() if line[0] != "#" and where(line)]


def accelerators(count):
    """One of the four of a listing again and again, each with an address of its own."""
    one = "\n".join(lines("instinct-four", lambda line: "0000:c3:00.0" in line))
    return [line for number in range(count)
            for line in one.replace("c1:01.1", f"{number:02x}:01.1").replace("c3:00.0", accelerator(number))
            .replace("hwmon6", f"hwmon{number + 100}").splitlines()]


def accelerator(number):
    return f"{number:02x}:02.0"


def every_driver():
    """A zone at least of each driver but Intel's."""
    return [*lines("everything-at-once", lambda line: "/intel-rapl" not in line), *lines("rk3399-dtpm", lambda line: "/dtpm" in line),
            *lines("power9-opal"), *[line.replace("hwmon2", "hwmon90") for line in lines("arc-i915", lambda line: "0000:03:00.0" in line)]]


class Machine(Helper):
    """A helper on a machine with so many packages and accelerators, told to govern all that there is."""

    def __init__(self, binary, directory, cpu, packages=8, gpus=8, others=()):
        self.gpus, self.others = gpus, others
        super().__init__(binary, directory, cpu, server(packages))

    def make(self, directory):
        self.sysfs = directory / "sys"
        self.root = self.sysfs / "devices/virtual/powercap"
        make_tree(self.root, self.zones)
        listing.make(listing.parse("\n".join([*accelerators(self.gpus), *self.others]))[1], self.sysfs)
        return ["--sysfs", self.sysfs, "--govern", GOVERN]

    def files(self):
        found = super().files()
        for hwmon in (self.sysfs / "class/hwmon").glob("hwmon1??"):
            sensors = hwmon.resolve()
            device = sensors.parent.parent
            found[f"amdgpu:{device.name}"] = (
                sensors / "power1_average", None, device / "power/runtime_status", sensors / "power1_cap")
        return found

    def devices(self, client):
        """Where the packages and accelerators are in the helper's list."""
        files = self.files()
        return [place for place, id in enumerate(client.zone_ids()) if id in files and (id.startswith("amdgpu:") or id.count(":") == 1)]
