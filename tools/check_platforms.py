"""Check that each platform has wheels of all that rtaction needs.

    python -m tools.check_platforms
    python -m tools.check_platforms --platform macos-x86_64 --python 3.12

For each platform and each Python, pip looks for wheels of the requirements of pyproject.toml, those
of training included, without installing anything; this takes a network and some minutes. Markers
are evaluated here, because pip would evaluate them for this machine. The table has the versions
that would be installed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
PYTHONS = ("3.11", "3.12", "3.13")
_SHOWN = ("onnxruntime", "onnxruntime-gpu", "tensorflow", "opencv-python", "av", "onnx")


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as pip and markers name it.

    Args:
        name: for a person.
        tags: platform tags of wheels, the newest first; pip adds older ones of macOS itself.
        markers: the environment that markers are evaluated in, without Python's version.
    """

    name: str
    tags: tuple[str, ...]
    markers: dict[str, str]


def _linux(machine: str) -> Platform:
    # glibc 2.35, as Ubuntu 22.04 and Jetson's JetPack 6 have, and all that wheels are built for.
    tags = [f"manylinux_2_{minor}_{machine}" for minor in (35, 34, 31, 28, 27, 24, 17)]
    markers = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    return Platform(
        f"linux-{machine}",
        (*tags, f"manylinux2014_{machine}"),
        markers | {"platform_machine": machine},
    )


def _macos(machine: str) -> Platform:
    markers = {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"}
    return Platform(
        f"macos-{machine}",
        (f"macosx_14_0_{machine}", "macosx_14_0_universal2"),
        markers | {"platform_machine": machine},
    )


PLATFORMS = (
    _linux("x86_64"),
    _linux("aarch64"),
    _macos("arm64"),
    _macos("x86_64"),
    Platform(
        "windows-amd64",
        ("win_amd64",),
        {
            "sys_platform": "win32",
            "platform_system": "Windows",
            "os_name": "nt",
            "platform_machine": "AMD64",
        },
    ),
)


KNOWN_MISSING = {"macos-x86_64": ("tensorflow",)}
"""TensorFlow's last wheels for Intel Macs (2.16) want numpy 1: no training there."""


def environment(platform: Platform, python: str) -> dict[str, str]:
    """The variables of markers (PEP 508) on a platform."""
    return platform.markers | {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "implementation_name": "cpython",
        "implementation_version": f"{python}.0",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_version": "",
    }


def wanted(lines: Sequence[str], platform: Platform, python: str) -> list[Requirement]:
    """The requirements that apply on a platform, without their markers."""
    found = [Requirement(line) for line in lines]
    here = environment(platform, python)
    found = [one for one in found if one.marker is None or one.marker.evaluate(here)]
    for one in found:
        one.marker = None
    return found


def requirements() -> list[str]:
    """Those of the light runtime, and of training."""
    project: dict[str, Any] = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["train"]]


def look_up(
    wanted: Sequence[Requirement], platform: Platform, python: str, index: Sequence[str] = ()
) -> tuple[dict[str, str], list[Requirement]]:
    """The version of each requirement that has a wheel, by name, and the requirements without.

    Args:
        wanted: without markers.
        platform: for which.
        python: for which, such as "3.12".
        index: further arguments for pip. Default none.

    Raises:
        RuntimeError: pip failed for another reason.
    """
    there, missing = list(wanted), list[Requirement]()
    while there:
        with TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
            command += ["--ignore-installed", "--only-binary=:all:", "--use-feature=fast-deps"]
            command += ["--target", folder, "--report", str(report), "--implementation", "cp"]
            command += ["--python-version", python, "--disable-pip-version-check", *index]
            command += [part for tag in platform.tags for part in ("--platform", tag)]
            command += map(str, there)
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
            if ran.returncode == 0:
                installs = json.loads(report.read_text(encoding="utf-8"))["install"]
                return {
                    one["metadata"]["name"]: one["metadata"]["version"] for one in installs
                }, missing
        told = re.search(r"No matching distribution found for (.+)", ran.stderr)
        name = Requirement(told[1].split(" (from")[0]).name if told else None
        without = next((one for one in there if one.name == name), None)
        if without is None:
            raise RuntimeError(f"pip failed: {ran.stderr.strip()}")
        missing.append(without)
        there.remove(without)
    return {}, missing


def main() -> None:
    """Print the table; the exit code is 1 if a wheel is missing that is not known to be."""
    parser = argparse.ArgumentParser(description="Check that each platform has wheels.")
    parser.add_argument("--platform", action="append", help="such as macos-x86_64; default: all")
    parser.add_argument("--python", action="append", help="such as 3.12; default: all")
    asked = parser.parse_args()
    has_failed = False
    for platform in PLATFORMS:
        if platform.name not in (asked.platform or [platform.name]):
            continue
        for python in asked.python or PYTHONS:
            found, missing = look_up(wanted(requirements(), platform, python), platform, python)
            known = KNOWN_MISSING.get(platform.name, ())
            has_failed |= any(one.name not in known for one in missing)
            texts = [f"{one} {found[one]}" for one in _SHOWN if one in found]
            texts += [f"NO WHEEL: {one}" for one in missing]
            print(f"{platform.name:14} {python:5} {'  '.join(texts)}", flush=True)
    sys.exit(1 if has_failed else 0)


if __name__ == "__main__":
    main()
