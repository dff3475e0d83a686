"""Packages for a machine without a network: gather wheels here, install them there.

    python scripts/wheels.py gather DIR --installed NAMES    # on a machine with a network
    python scripts/wheels.py install DIR --target SITE       # there; then PYTHONPATH=SITE

`gather` downloads what seqtag and its tests need, in the versions of this environment, for Linux on
x86-64 and the Python named by --python. NAMES is a file in the format of `pip list` or `pip freeze`
that lists what the other machine has; without it only torch and what torch brings are left out.
`install` adds to SITE those wheels of DIR whose packages are missing there, without dependencies:
nothing that is installed is replaced.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

ROOT = Path(__file__).parents[1]
# What the tests of tests/gpu import, in addition to seqtag's dependencies.
TESTS = ("pytest", "pytest-xdist", "hypothesis")
# Torch installs these itself; they are large and differ by the version of CUDA.
WITH_TORCH = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
# pip matches the number of a platform exactly.
PLATFORMS = [f"manylinux_2_{n}_x86_64" for n in (39, 35, 34, 31, 28, 27, 26, 24, 17, 12, 5)]
PLATFORMS += ["manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"]


def requirements() -> list[Requirement]:
    """Return what pyproject.toml requires, and the packages of the tests."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(text) for text in (*project["dependencies"], *TESTS)]


def needed(python: str) -> dict[str, str]:
    """Return all packages that are needed there and their versions here, without torch's own."""
    place = {"python_version": python, "python_full_version": f"{python}.0"}
    place |= {"sys_platform": "linux", "platform_machine": "x86_64", "platform_system": "Linux"}
    found: dict[str, str] = {}
    left, seen = [(one, frozenset[str]()) for one in requirements()], set()
    while left:
        requirement, extras = left.pop()
        name, own = canonicalize_name(requirement.name), frozenset(requirement.extras)
        chosen = any(
            requirement.marker is None or requirement.marker.evaluate({**place, "extra": extra})
            for extra in ("", *extras)
        )
        if not chosen or (name, own) in seen or WITH_TORCH.fullmatch(name):
            continue
        seen.add((name, own))
        distribution = metadata.distribution(name)
        found[name] = distribution.version
        left += [(Requirement(text), own) for text in distribution.requires or ()]
    return dict(sorted(found.items()))


def listed(path: Path | None) -> set[str]:
    """Return the names in a file of `pip list` or `pip freeze`."""
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return {canonicalize_name(re.split(r"[\s=@]", line)[0]) for line in lines if line.strip()}


def gather(folder: Path, python: str, installed: Path | None) -> None:
    """Download wheels; packages without one are built here, which fits only plain Python."""
    have, pip = listed(installed), (sys.executable, "-m", "pip", "--disable-pip-version-check")
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--implementation=cp",
        f"--python-version={python}",
    ]
    options += [f"--platform={name}" for name in PLATFORMS]
    for name, version in needed(python).items():
        if name in have:
            continue
        wanted = f"{name}=={version}"
        command = [*pip, "download", "-q", *options, "--dest", str(folder), wanted]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
            command = [*pip, "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), wanted]
            subprocess.run(command, check=True)
        print(wanted)


def is_installed(name: str) -> bool:
    """Return whether a package is installed in this environment."""
    try:
        metadata.distribution(name)
        return True
    except metadata.PackageNotFoundError:
        return False


def install(folder: Path, target: Path) -> None:
    """Install the wheels of missing packages, and name the packages that are still missing."""
    names = {path: parse_wheel_filename(path.name)[0] for path in sorted(folder.glob("*.whl"))}
    missing = [str(path) for path, name in names.items() if not is_installed(name)]
    if missing:
        options = ["-q", "--no-index", "--no-deps", "--no-compile", "--target", str(target)]
        pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "install")
        subprocess.run([*pip, *options, *missing], check=True)
    print(f"installed {len(missing)} of {len(names)} packages; the others are there already")
    sys.path.insert(0, str(target))
    for requirement in requirements():
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        if not is_installed(requirement.name):
            print(f"missing: {requirement}")
        elif (version := metadata.version(requirement.name)) not in requirement.specifier:
            print(f"another version: {requirement.name} {version}, expected {requirement}")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    verb = verbs.add_parser("gather", help="download wheels")
    verb.add_argument("folder", type=Path, help="folder of the wheels")
    verb.add_argument("--python", default="3.12", help="Python there (default: 3.12)")
    verb.add_argument("--installed", type=Path, help="file that lists the packages there")
    verb = verbs.add_parser("install", help="install the wheels of missing packages")
    verb.add_argument("folder", type=Path, help="folder of the wheels")
    verb.add_argument("--target", type=Path, required=True, help="folder to install into")
    options = parser.parse_args()
    if options.verb == "gather":
        options.folder.mkdir(parents=True, exist_ok=True)
        gather(options.folder, options.python, options.installed)
    else:
        install(options.folder, options.target)


if __name__ == "__main__":
    main()
