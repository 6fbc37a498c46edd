"""Each platform gets one onnxruntime, one that has wheels there. No network is used."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.project import ROOT
from tools.check_platforms import (
    EXTRAS,
    KNOWN_MISSING,
    PLATFORMS,
    PYTHONS,
    NoTree,
    Row,
    Tree,
    tree_of,
    without_wheel,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = PROJECT["optional-dependencies"]
MARKERS = {
    "linux-x86_64": {"sys_platform": "linux", "platform_machine": "x86_64"},
    "linux-aarch64": {"sys_platform": "linux", "platform_machine": "aarch64"},
    "macos-arm64": {"sys_platform": "darwin", "platform_machine": "arm64"},
    "macos-x86_64": {"sys_platform": "darwin", "platform_machine": "x86_64"},
    "windows-amd64": {"sys_platform": "win32", "platform_machine": "AMD64"},
}


def _wanted(platform: str, python: str) -> set[str]:
    """The requirements of the runtime and of training there, without their markers."""
    here = MARKERS[platform] | {"python_version": python, "python_full_version": f"{python}.0"}
    found = [Requirement(line) for line in [*PROJECT["dependencies"], *OPTIONAL["train"]]]
    found = [one for one in found if one.marker is None or one.marker.evaluate(here)]
    return {f"{one.name}{one.specifier}" for one in found}


@pytest.mark.parametrize("python", PYTHONS)
def test_each_platform_has_its_onnxruntime(python: str) -> None:
    found = {
        platform.name: [
            one for one in _wanted(platform.name, python) if one.startswith("onnxruntime")
        ]
        for platform in PLATFORMS
    }
    assert found == {
        "linux-x86_64": ["onnxruntime-gpu>=1.26"],
        "linux-aarch64": ["onnxruntime>=1.26"],
        "macos-arm64": ["onnxruntime>=1.26"],
        "macos-x86_64": ["onnxruntime<1.24,>=1.23.2"],
        "windows-amd64": ["onnxruntime-gpu>=1.26"],
    }


def test_all_else_is_wanted_everywhere() -> None:
    everywhere = [
        {one for one in _wanted(platform, python) if not one.startswith("onnxruntime")}
        for platform in MARKERS
        for python in PYTHONS
    ]
    assert all(names == everywhere[0] for names in everywhere)
    assert "av<20,>=17" in everywhere[0]
    assert "tensorflow~=2.21.0" in everywhere[0]


def test_the_pythons_are_those_that_the_project_names() -> None:
    named = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one]
    assert named == list(PYTHONS)
    first, last = re.findall(r"3\.\d+", PROJECT["requires-python"])
    assert PYTHONS[0] == first
    assert PYTHONS[-1] == f"3.{int(last.split('.')[1]) - 1}"


def test_the_extras_are_those_of_the_project() -> None:
    assert set(EXTRAS) == {"", *OPTIONAL} - {"dev", "docs"}


def test_what_has_no_wheel_is_told() -> None:
    pins = {"numpy": "2.4.0", "av": "17.0.0"}
    nowhere = ["--no-index", "--isolated"]
    assert sorted(without_wheel(pins, PLATFORMS[0], "3.12", nowhere)) == ["av", "numpy"]


@pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed")
def test_uv_tells_why_there_is_no_tree(tmp_path: Path) -> None:
    nowhere = ["--no-index", "--offline", "--cache-dir", str(tmp_path)]
    found = tree_of("screen", PLATFORMS[2], "3.12", nowhere)
    assert isinstance(found, NoTree)
    assert re.search(r"\b(av|mss|numpy|onnx|opencv-python)\b.*not found", found.reason)


def test_what_is_known_to_be_missing_is_no_failure() -> None:
    intel = next(one for one in PLATFORMS if one.name == "macos-x86_64")
    assert ("macos-x86_64", "train") in KNOWN_MISSING
    trees: dict[str, Tree | NoTree] = {
        "": {"numpy": "2.4.0"},
        "train": NoTree("no wheels of tensorflow"),
    }

    row = Row(intel, "3.12", trees, ["numpy"])
    assert row.failures == ["macos-x86_64 3.12 pip finds no wheel of numpy"]
    assert str(row) == "| macos-x86_64 | 3.12 | 1 | none |  |"

    row = Row(PLATFORMS[0], "3.12", trees, [])
    assert row.failures == ["linux-x86_64 3.12 train: no wheels of tensorflow"]
