"""Each platform gets one onnxruntime, one that has wheels there. No network is used."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.project import ROOT
from tools.check_platforms import PLATFORMS, PYTHONS, look_up, requirements, wanted

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.mark.parametrize("python", PYTHONS)
def test_each_platform_has_its_onnxruntime(python: str) -> None:
    found = {
        platform.name: [
            str(one)
            for one in wanted(requirements(), platform, python)
            if one.name.startswith("onnxruntime")
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
        {one.name for one in wanted(requirements(), platform, python)}
        - {"onnxruntime", "onnxruntime-gpu"}
        for platform in PLATFORMS
        for python in PYTHONS
    ]
    assert all(names == everywhere[0] for names in everywhere)
    assert {"av", "numpy", "opencv-python", "tensorflow", "tf2onnx"} <= everywhere[0]


def test_the_pythons_are_those_that_the_project_names() -> None:
    named = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if "Python :: 3." in one]
    assert named == list(PYTHONS)
    first, last = re.findall(r"3\.\d+", PROJECT["requires-python"])
    assert PYTHONS[0] == first
    assert PYTHONS[-1] == f"3.{int(last.split('.')[1]) - 1}"


def test_what_has_no_wheel_is_told() -> None:
    some = wanted(["numpy>=2", "av>=17; sys_platform == 'linux'"], PLATFORMS[0], "3.12")
    assert [str(one) for one in some] == ["numpy>=2", "av>=17"]

    found, missing = look_up(some, PLATFORMS[0], "3.12", ["--no-index", "--isolated"])

    assert found == {}
    assert sorted(map(str, missing)) == ["av>=17", "numpy>=2"]
