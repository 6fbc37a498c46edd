from __future__ import annotations

import platform
from pathlib import Path

import pytest

import rtaction
from rtaction.train.settings.provenance import command_line, machine, processor_name, versions


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            ["/usr/bin/rtaction", "train", "my videos", "-o", "run"],
            "rtaction train 'my videos' -o run",
        ),
        ([r"rtaction.exe", "train", "v"], "rtaction train v"),
        (["/x/rtaction/__main__.py", "train", "v"], "python -m rtaction train v"),
        (["/x/other/__main__.py", "v"], None),
        (["/usr/bin/pytest", "tests"], None),
        ([""], None),
    ],
)
def test_the_command_is_what_a_shell_takes(arguments: list[str], expected: str | None) -> None:
    assert command_line(arguments) == expected


def test_the_processors_name_is_its_makers(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: Some CPU @ 2.00GHz\nflags\t: a b\n")
    assert processor_name(cpuinfo) == "Some CPU @ 2.00GHz"


@pytest.mark.parametrize("content", [None, "processor\t: 0\nBogoMIPS\t: 50\n"])
def test_a_processor_without_a_name_is_its_architecture(
    tmp_path: Path, content: str | None
) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    if content is not None:
        cpuinfo.write_text(content)
    assert processor_name(cpuinfo) in (platform.processor(), platform.machine())


def test_versions_and_machine() -> None:
    assert versions()["rtaction"] == rtaction.__version__
    assert list(versions()) == ["rtaction", "python", "tensorflow", "keras", "opencv", "numpy"]
    assert all(text[0].isdigit() for text in versions().values())
    assert list(machine()) == ["system", "processor", "memory"]
    assert machine()["memory"].endswith(" GiB")
