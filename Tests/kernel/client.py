"""The independent client of Tests/client for the guest: Debian's python3 with no more of its library than that takes."""
import json
import shutil
import subprocess
from pathlib import Path

PYTHON = Path("/usr/bin/python3")
CLIENT = Path(__file__).resolve().parent.parent / "client/powercap_client.py"
# Whatever it has loaded when it asks in vain, with what was compiled of it: to compile it in the emulator would take seconds.
ASK = """
import json, os, runpy, sys
sys.argv[1:] = ["--socket", "/nonexistent", "zones"]
try:
    runpy.run_path(%r, run_name="__main__")
except SystemExit:
    pass
modules = [(getattr(m, "__file__", None), getattr(m, "__cached__", None)) for m in list(sys.modules.values())]
print(json.dumps([file for pair in modules for file in pair if file and os.path.exists(file)]))
""" % str(CLIENT)


def files():
    """What the client needs in the guest; nothing where this machine has no Debian python3."""
    if not PYTHON.exists():
        return []
    found = subprocess.run([PYTHON, "-I", "-S", "-c", ASK], capture_output=True, text=True)
    return [Path(name) for name in json.loads(found.stdout) if Path(name) != CLIENT] if found.returncode == 0 else []


def stage(root, libraries):
    """Puts it under root, as /bin/powercap-client; does nothing where it can't be."""
    needed = files()
    if not needed:
        return
    python = PYTHON.resolve()
    programs = [python, *(file for file in needed if file.suffix == ".so")]
    for file in {*programs, *needed, *(Path(name) for program in programs for name in libraries(program))}:
        target = root / str(file).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, target)    # with its time, which what was compiled is held to
    shutil.copy(CLIENT, root / "rig/powercap_client.py")
    program = root / "bin/powercap-client"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {python} -I -S -B /rig/powercap_client.py "$@"\n')
    program.chmod(0o755)
