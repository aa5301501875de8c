"""The program's modules as they are compiled for a release, in a program that does nothing else."""
import subprocess

from rig import HERE, NotMeasured, pin

SOURCES = HERE.parent / "Sources"
# What each is imported as, and its folder.
FOLDERS = {"PowercapProtocol": "Protocol", "LinuxSystem": "System"}
FLAGS = ["-O", "-wmo", "-package-name", "powercap", "-swift-version", "6", "-enable-upcoming-feature", "ExistentialAny",
         "-enable-upcoming-feature", "InternalImportsByDefault", "-enable-experimental-feature", "Lifetimes"]


def times_ns(name, modules, directory, cpu):
    """The numbers that NAME.swift prints, on these modules, of which each imports only what is before it."""
    place = directory / name
    place.mkdir()

    def run(*command):
        run = subprocess.run([str(word) for word in command], cwd=place, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if run.returncode != 0:
            raise NotMeasured(f"controller: {name}: {run.stdout.strip()}")

    flags = [*FLAGS, "-I", ".", "-L", "."]
    for module in modules:
        folder = SOURCES / FOLDERS.get(module, module)
        if module.startswith("C"):
            (place / "module.modulemap").write_text(f'module {module} {{ header "{folder}/include/{module}.h" export * }}\n')
            run("clang", "-O1", "-c", "-I", folder / "include", "-o", f"{module}.o", folder / f"{module}.c")
        else:
            run("swiftc", *flags, "-parse-as-library", "-emit-module", "-emit-library", "-static", "-module-name", module, "-o", f"lib{module}.a",
                *sorted(folder.rglob("*.swift")))
    (place / "main.swift").write_text((HERE / f"{name}.swift").read_text())
    libraries = [f"{module}.o" if module.startswith("C") else f"-l{module}" for module in reversed(modules)]
    run("swiftc", *flags, "main.swift", "-o", name, *libraries)
    out = subprocess.run([place / name], text=True, stdout=subprocess.PIPE, preexec_fn=pin(cpu), check=True).stdout
    return [int(number) for number in out.split()]
