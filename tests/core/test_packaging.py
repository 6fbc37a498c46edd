"""Wheel, sdist and editable install are built offline and compared with the source tree."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

from tests.project import ROOT

SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]
PACKAGES: list[str] = SETUPTOOLS["packages"]
ROOMS: dict[str, str] = SETUPTOOLS["package-dir"]
DATA = {"rtaction/py.typed"} | {
    f"rtaction/models/{name}"
    for name in (
        "ENCODER.md",
        "PEOPLE.md",
        "POSE.md",
        "STARTER.md",
        "lite0.onnx",
        "movenet_lightning.onnx",
        "movenet_multipose.onnx",
        "people.onnx",
        "sample.webm",
        "starter.onnx",
    )
}
PAGE = ("*.css", "*.html", "*.svg", "school/*.js", "scripts/*.js")
DATA |= {
    f"rtaction/serve/web/page/{path.relative_to(ROOT / 'serve/web/page').as_posix()}"
    for kind in PAGE
    for path in (ROOT / "serve/web/page").glob(kind)
}
IN_THE_SDIST_ONLY = ("benchmarks", "docs", "examples", "packaging", "tests", "tools")
TOP_FILES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "Makefile",
    "NOTICE",
    "README.md",
    "mkdocs.yml",
    ".pre-commit-config.yaml",
    "pyproject.toml",
)


def _source_files(folder: str) -> Iterator[PurePosixPath]:
    links = {ROOT / package.replace(".", "/") for package in ROOMS}
    for path in (ROOT / folder).rglob("*"):
        if path.is_file() and path not in links and "__pycache__" not in path.parts:
            yield PurePosixPath(path.relative_to(ROOT).as_posix())


def _modules() -> set[str]:
    """Every .py file that an installation has, such as "rtaction/train/show.py"."""
    found = {str(path) for path in _source_files("rtaction") if path.suffix == ".py"}
    for package, folder in ROOMS.items():
        place = package.replace(".", "/")
        found |= {
            f"{place}/{path.relative_to(folder)}"
            for path in _source_files(folder)
            if path.suffix == ".py"
        }
    return found


def _copy_of_the_tree(target: Path, *, links_as_text: bool) -> Path:
    """A checkout without what git ignores.

    Args:
        target: the folder to make.
        links_as_text: make the links rtaction/<room> as git on Windows does by default: text
            files that hold the name of what they point to.
    """
    for folder in ("rtaction", *ROOMS.values(), *IN_THE_SDIST_ONLY):
        shutil.copytree(
            ROOT / folder,
            target / folder,
            symlinks=True,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for name in TOP_FILES:
        shutil.copy(ROOT / name, target)
    if links_as_text:
        for package, folder in ROOMS.items():
            link = target / package.replace(".", "/")
            link.unlink(missing_ok=True)
            link.write_text(f"../{folder}", encoding="utf-8")
    return target


def _build(kind: str, checkout: Path, target: Path) -> Path:
    """What setuptools builds, without a build environment of its own and so without a network."""
    target.mkdir()
    script = f"import sys; from setuptools import build_meta as it; it.build_{kind}(sys.argv[1])"
    built = subprocess.run(
        [sys.executable, "-c", script, str(target)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    (path,) = target.iterdir()
    return path


def _contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _installed(wheel: Path) -> set[str]:
    return {name for name in _contents(wheel) if ".dist-info/" not in name}


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    checkout = _copy_of_the_tree(folder / "checkout", links_as_text=False)
    with tarfile.open(_build("sdist", checkout, folder / "built")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


@pytest.fixture(scope="module")
def windows_checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout whose links are text files."""
    return _copy_of_the_tree(tmp_path_factory.mktemp("windows") / "checkout", links_as_text=True)


@pytest.fixture(scope="module")
def wheel(windows_checkout: Path) -> Path:
    """The wheel of a checkout whose links are text files."""
    return _build("wheel", windows_checkout, windows_checkout.parent / "wheel")


def test_pyproject_lists_every_package() -> None:
    modules = [PurePosixPath(module) for module in _modules()]
    folders = {module.parent for module in modules}

    assert sorted(PACKAGES) == sorted(".".join(folder.parts) for folder in folders)
    assert {one.parent for one in modules if one.name == "__init__.py"} == folders


def test_every_link_to_a_room_is_mapped() -> None:
    """A linked room that `package-dir` lacks works in the checkout alone."""
    links = {f"rtaction.{path.name}" for path in (ROOT / "rtaction").iterdir() if path.is_symlink()}
    assert links <= set(ROOMS)


def test_the_wheel_holds_the_packages_and_nothing_else(wheel: Path) -> None:
    assert _installed(wheel) == _modules() | DATA


def test_the_sdist_holds_the_tests_and_documents_too(sdist: Path) -> None:
    folders = ("rtaction", *ROOMS.values(), *IN_THE_SDIST_ONLY)
    expected = {str(path) for folder in folders for path in _source_files(folder)}
    # docs/deploy.md has people put a model and its runtime beside the browser example.
    copied_in = {name for name in expected if name.startswith("examples/")} - {
        "examples/browser/index.html",
        "examples/browser/recognise.js",
    }
    packed = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}

    assert expected - copied_in - packed == set()
    assert set(TOP_FILES) <= packed
    assert [name for name in packed if name.endswith(".pyc")] == []


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    rebuilt = _build("wheel", sdist, tmp_path / "wheel")
    assert rebuilt.name == wheel.name
    assert _contents(rebuilt) == _contents(wheel)


def test_an_editable_install_finds_every_package(windows_checkout: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(_build("editable", windows_checkout, tmp_path / "built")) as archive:
        archive.extractall(tmp_path / "site")
    script = (
        "import json, site, sys; from importlib.util import find_spec\n"
        "site.addsitedir(sys.argv[1])\n"
        "print(json.dumps({name: find_spec(name).origin for name in sys.argv[2:]}))"
    )
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, str(tmp_path / "site"), *PACKAGES],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 0, found.stderr
    for name, origin in json.loads(found.stdout).items():
        assert Path(origin).is_relative_to(windows_checkout), name
