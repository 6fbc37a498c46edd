"""Check that rtaction and its extras install from wheels on each platform and each Python.

    pip install uv
    python -m tools.check_platforms
    python -m tools.check_platforms --platform macos-x86_64 --python 3.12 --extra train

uv finds the whole tree of requirements of each extra as it would be on that platform, wheels only;
pip, which cannot evaluate markers for another machine, then looks for the wheel of each package of
these trees under that platform's tags (`pip install --dry-run --no-deps --platform`). Nothing is
installed. All of it takes a network and some minutes. Settings of uv and pip that name further
indexes are left out, and the first line says which index was asked.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
INDEX_URL = "https://pypi.org/simple"
PYTHONS = ("3.11", "3.12", "3.13")
EXTRAS = ("", "screen", "serve", "webrtc", "ray", "train", "tensorboard", "pretrained")
"""Those that people install; "" is the light runtime."""
_SHOWN = ("onnxruntime", "onnxruntime-gpu", "tensorflow", "ray")
_AT_ONCE = 4  # they wait for the network

Tree = Mapping[str, str]
"""Versions by name of package."""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform as pip and uv name it.

    Args:
        name: for a person.
        tags: platform tags of wheels, the newest first; pip adds older ones of macOS itself.
        uv_name: its `--python-platform`.
    """

    name: str
    tags: tuple[str, ...]
    uv_name: str


def _linux(machine: str) -> Platform:
    # glibc 2.35, as Ubuntu 22.04 and Jetson's JetPack 6 have, and all that wheels are built for.
    tags = [f"manylinux_2_{minor}_{machine}" for minor in (35, 34, 31, 28, 27, 26, 24, 17, 12, 5)]
    tags += [f"manylinux2014_{machine}", f"manylinux2010_{machine}", f"manylinux1_{machine}"]
    return Platform(f"linux-{machine}", tuple(tags), f"{machine}-manylinux_2_35")


def _macos(machine: str, uv_name: str) -> Platform:
    tags = (f"macosx_14_0_{machine}", "macosx_14_0_universal2")
    return Platform(f"macos-{machine}", tags, uv_name)


PLATFORMS = (
    _linux("x86_64"),
    _linux("aarch64"),
    _macos("arm64", "aarch64-apple-darwin"),
    _macos("x86_64", "x86_64-apple-darwin"),
    Platform("windows-amd64", ("win_amd64",), "x86_64-pc-windows-msvc"),
)

KNOWN_MISSING = {("macos-x86_64", "train"), ("macos-x86_64", "ray")}
"""TensorFlow's last wheels for Intel Macs (2.16) want numpy 1, and Ray makes none for them now."""


@dataclass(frozen=True, slots=True)
class NoTree:
    """Why an extra cannot be installed from wheels, in uv's words."""

    reason: str


def tree_of(
    extra: str, platform: Platform, python: str, arguments: Sequence[str] = ()
) -> Tree | NoTree:
    """All that an extra, or the light runtime, would install somewhere.

    Args:
        extra: one of `EXTRAS`.
        platform: where.
        python: for which, such as "3.12".
        arguments: further ones for uv. Default none: uv asks its own index.

    Raises:
        RuntimeError: uv is not there.
    """
    uv = shutil.which("uv") or shutil.which(str(Path(sys.executable).with_name("uv")))
    if uv is None:
        raise RuntimeError("uv was not found; install it with: pip install uv")
    command = [uv, "pip", "compile", "--no-config", "--quiet", "--no-header", "--no-annotate"]
    command += ["--only-binary", ":all:", "--python-platform", platform.uv_name]
    command += ["--python-version", python, *arguments, str(PYPROJECT)]
    command += ["--extra", extra] if extra else []
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env=_without(os.environ, "UV_") | {"MACOSX_DEPLOYMENT_TARGET": "14.0"},
    )
    if ran.returncode != 0:
        return NoTree(" ".join(ran.stderr.split()))
    pins = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[^]]*])?==(\S+)", ran.stdout, re.MULTILINE)
    return dict(pins)


def without_wheel(
    pins: Tree, platform: Platform, python: str, arguments: Sequence[str] = ()
) -> list[str]:
    """The names of packages that pip finds no wheel of.

    Args:
        pins: what to look for.
        platform: for which.
        python: for which, such as "3.12".
        arguments: further ones for pip. Default none: pip asks its own index.

    Raises:
        RuntimeError: pip failed for another reason.
    """
    there, missing = dict(pins), list[str]()
    while there:
        with TemporaryDirectory() as folder:
            report = Path(folder, "report.json")
            command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--no-deps"]
            command += ["--ignore-installed", "--only-binary=:all:", "--use-feature=fast-deps"]
            # uv has seen to it; pip would compare with the Python that it runs in.
            command += ["--ignore-requires-python"]
            command += ["--target", folder, "--report", str(report), "--implementation", "cp"]
            command += ["--python-version", python, "--disable-pip-version-check", *arguments]
            command += [part for tag in platform.tags for part in ("--platform", tag)]
            command += [f"{name}=={version}" for name, version in there.items()]
            environment = _without(os.environ, "PIP_EXTRA", "PIP_FIND", "PIP_INDEX")
            environment["PIP_CONFIG_FILE"] = os.devnull
            ran = subprocess.run(
                command, capture_output=True, text=True, check=False, env=environment
            )
            if ran.returncode == 0:
                found = len(json.loads(report.read_text(encoding="utf-8"))["install"])
                assert found == len(there), f"pip found {found} wheels of {len(there)}"
                return missing
        told = re.search(r"No matching distribution found for ([^=\s]+)==", ran.stderr)
        if told is None or told[1] not in there:
            raise RuntimeError(f"pip failed: {ran.stderr.strip()}")
        missing.append(told[1])
        del there[told[1]]
    return missing


def _without(environment: Mapping[str, str], *prefixes: str) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(prefixes)}


def _pins(trees: Sequence[Tree]) -> list[dict[str, str]]:
    """The pins of several trees, in as few lists as hold each package once in one version."""
    lists = list[dict[str, str]]()
    for name, version in sorted({pin for tree in trees for pin in tree.items()}):
        place = next((one for one in lists if name not in one), None)
        if place is None:
            lists.append(place := {})
        place[name] = version
    return lists


@dataclass(frozen=True, slots=True)
class Row:
    """What was found for a platform, a Python and all extras asked for."""

    platform: Platform
    python: str
    trees: Mapping[str, Tree | NoTree]
    missing: Sequence[str]

    @property
    def failures(self) -> list[str]:
        """What is not known to be missing, a line each."""
        lines = [f"pip finds no wheel of {name}" for name in self.missing]
        for extra, tree in self.trees.items():
            if isinstance(tree, NoTree) and (self.platform.name, extra) not in KNOWN_MISSING:
                lines.append(f"{extra or 'light'}: {tree.reason}")
        return [f"{self.platform.name} {self.python} {line}" for line in lines]

    def __str__(self) -> str:
        cells = [
            "none" if isinstance(one, NoTree) else str(len(one)) for one in self.trees.values()
        ]
        found = {
            name: version
            for tree in self.trees.values()
            if not isinstance(tree, NoTree)
            for name, version in tree.items()
        }
        shown = ", ".join(f"{name} {found[name]}" for name in _SHOWN if name in found)
        return "| " + " | ".join([self.platform.name, self.python, *cells, shown]) + " |"


def check(platform: Platform, python: str, extras: Sequence[str], index_url: str) -> Row:
    """Look for all extras on one platform, with one Python."""
    asked = ["--index-url", index_url]
    trees = {extra: tree_of(extra, platform, python, asked) for extra in extras}
    missing = list[str]()
    for pins in _pins([tree for tree in trees.values() if not isinstance(tree, NoTree)]):
        missing += without_wheel(pins, platform, python, asked)
    return Row(platform, python, trees, missing)


def main() -> None:
    """Print the table; the exit code is 1 if a wheel is missing that is not known to be."""
    parser = argparse.ArgumentParser(description="Check that each platform has wheels.")
    parser.add_argument("--platform", action="append", help="such as macos-x86_64; default: all")
    parser.add_argument("--python", action="append", help="such as 3.12; default: all")
    parser.add_argument("--extra", action="append", help="such as serve; default: all")
    parser.add_argument("--index-url", default=INDEX_URL, help="default: %(default)s")
    asked = parser.parse_args()
    extras = asked.extra or EXTRAS
    platforms = [one for one in PLATFORMS if one.name in (asked.platform or [one.name])]
    print(f"Asked: {asked.index_url}, and no other index. Numbers of packages, all as wheels.\n")
    head = ["platform", "Python", *(extra or "light" for extra in extras), "among them"]
    print("| " + " | ".join(head) + " |\n" + "| --- " * len(head) + "|", flush=True)
    failures = list[str]()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        pairs = list(product(platforms, asked.python or PYTHONS))
        rows = pool.map(lambda pair: check(pair[0], pair[1], extras, asked.index_url), pairs)
        for row in rows:
            print(row, flush=True)
            failures += row.failures
    print("\n".join(["", *failures]) if failures else "")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
