"""What is in the images."""
import os
import stat


def images(rig):
    """The images are reproducible and hold the programs, what those load, and licences."""
    first = rig.build()
    second = rig.build(TZ="Asia/Tokyo", LANG="C")
    rig.check("two builds of the same files are the same images, byte for byte", first == second, f"{first}\n{second}")
    for name, image in rig.images.items():
        config = rig.podman.inspect("image", image)
        about = {"Entrypoint": [f"/{name}"], "User": {"raplhelper": "0:65532", "powercap-controller": "65532:65532"}[name]}
        rig.check(f"{name}'s image starts the program and nothing else, as {about['User']}",
                  about.items() <= config["Config"].items(), config["Config"])
        labels = {"title": name, "version": rig.version, "licenses": "Apache-2.0"}
        rig.check(f"{name}'s image is labelled with title, version and licence",
                  {f"org.opencontainers.image.{key}": value for key, value in labels.items()}.items() <= config["Labels"].items(),
                  config["Labels"])
        files = contents(rig, image)
        programs = {path for path, mode in files.items() if mode & 0o111}
        if name == "raplhelper":
            rig.check("the helper's image holds one program: no shell, no loader, no library",
                      programs == {"raplhelper"}, programs)
        else:
            others = {path for path in programs if not path.startswith("lib") and "/lib" not in path}
            rig.check("the controller's image holds one program and the libraries that it loads: no shell",
                      others == {"powercap-controller"}, others)
        rig.check(f"nothing in {name}'s image is set-uid or writable for others",
                  not [path for path, mode in files.items() if mode & 0o6022], files)
        packages = {path.rpartition("/")[2] for path in files if path.startswith("var/lib/dpkg/status.d/")}
        licences = {path.split("/")[3] for path in files if path.startswith("usr/share/doc/") and path.endswith("/copyright")}
        rig.check(f"{name}'s image names the packages that its parts come from, and has their licences and ours",
                  "libc6" in " ".join(packages) and licences == packages | {"powercap"}, (packages, licences))
        alone = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=all", image]
        said = rig.podman.run(*alone, {"raplhelper": "--version", "powercap-controller": "version"}[name], check=False)
        rig.check(f"{name} starts from its image alone", rig.version in said.stdout, said.stderr)
    said = rig.podman.run(*alone, "validate", "--timezone=Europe/Berlin", check=False)
    rig.check("the controller knows the time zones by name", said.returncode == 0 and "Europe/Berlin" in said.stdout, said)


def contents(rig, image):
    """The mode of every file of an image."""
    root = rig.podman.run("image", "mount", image).stdout.strip()
    try:
        files = {}
        for directory, _, names in os.walk(root):
            for path in [os.path.join(directory, name) for name in names]:
                if not stat.S_ISLNK(mode := os.lstat(path).st_mode):
                    files[os.path.relpath(path, root)] = mode
        return files
    finally:
        rig.podman.run("image", "umount", image)
