"""What is checked before a release, and that its workflow keeps no secret. No network is used."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

from tests.core.test_platforms import OPTIONAL, PROJECT
from tests.project import ROOT
from tools.release_check import RECIPE, check_names, check_sbom, conda_recipe, notes_of

WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
CHANGELOG = """# Changelog

## [Unreleased]

## [0.3.0] - 2026-12-01

### Added

- Doors.

## [0.2.0]

- Windows.

[0.3.0]: ../../releases/tag/v0.3.0
"""


def test_the_notes_are_the_section_of_the_version() -> None:
    assert notes_of(CHANGELOG, "0.3.0") == "### Added\n\n- Doors.\n"
    for version, told in (
        ("Unreleased", r"must tell of \[Unreleased\]"),
        ("0.3", r"must tell of \[0.3\]"),
        ("0.2.0", r"must date it: ## \[0.2.0\] - YYYY-MM-DD"),
    ):
        with pytest.raises(SystemExit, match=told):
            notes_of(CHANGELOG, version)


def test_dist_holds_one_sdist_and_one_wheel(tmp_path: Path) -> None:
    wheel = tmp_path / "rtaction-0.3.0-py3-none-any.whl"
    for path in (wheel, tmp_path / "rtaction-0.3.0.tar.gz"):
        path.touch()
    assert check_names(tmp_path, "0.3.0") == wheel
    with pytest.raises(SystemExit, match=r"must hold rtaction-0.3.1-py3-none-any.whl"):
        check_names(tmp_path, "0.3.1")
    (tmp_path / "rtaction-0.2.0.tar.gz").touch()
    with pytest.raises(SystemExit, match=r"it holds rtaction-0.2.0.tar.gz, "):
        check_names(tmp_path, "0.3.0")


def test_a_bill_that_lacks_something_is_refused() -> None:
    av = {"name": "av", "version": "18.1.0", "purl": "pkg:pypi/av@18.1.0"}
    bill = {"metadata": {"component": {"name": "rtaction"}}, "components": [av]}
    check_sbom(bill, {"av"})
    with pytest.raises(SystemExit, match=r"lacks \['numpy'\]"):
        check_sbom(bill, {"av", "numpy"})
    with pytest.raises(SystemExit, match=r"version or address of \['av'\]"):
        check_sbom({**bill, "components": [{"name": "av", "version": "18"}]}, {"av"})
    with pytest.raises(SystemExit, match="it is of pip"):
        check_sbom({**bill, "metadata": {"component": {"name": "pip"}}}, {"av"})


def test_the_recipe_asks_for_what_the_wheel_asks_for() -> None:
    text = conda_recipe(RECIPE.read_text(encoding="utf-8"), "0.3.0", b"sdist")
    recipe = yaml.safe_load(text)
    assert recipe["context"]["version"] == "0.3.0"
    assert recipe["source"]["sha256"] == hashlib.sha256(b"sdist").hexdigest()
    (entry,) = recipe["build"]["python"]["entry_points"]
    assert entry.split(" = ") == ["rtaction", PROJECT["scripts"]["rtaction"]]

    named = {"opencv-python": "py-opencv", "onnxruntime-gpu": "onnxruntime"}
    wanted = {Requirement(line) for line in PROJECT["dependencies"]}
    python, *run = (one.split(" ", 1) for one in recipe["requirements"]["run"])
    assert python[1] == ">=${{ python_min }},<3.14"
    assert recipe["context"]["python_min"] in PROJECT["requires-python"]
    assert {name for name, _ in run} == {named.get(one.name, one.name) for one in wanted}
    limits = {name: limit for name, limit in run if name != "onnxruntime"}
    assert limits == {
        named.get(one.name, one.name): ",".join(sorted(str(one.specifier).split(","), reverse=True))
        for one in wanted
        if not one.name.startswith("onnxruntime")
    }


def test_the_release_is_published_without_a_token_after_it_was_tried() -> None:
    text = WORKFLOW.read_text(encoding="utf-8")
    workflow: dict[str, Any] = yaml.safe_load(text)
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {}
    assert not re.search(r"secrets\.|password|PYPI_TOKEN", text)
    assert {
        name: [job["needs"]] if isinstance(job["needs"], str) else job["needs"]
        for name, job in jobs.items()
        if "needs" in job
    } == {
        "try": ["build"],
        "attest": ["build", "try"],
        "publish": ["attest"],
        "announce": ["publish"],
        "docs": ["publish"],
    }
    may_write = {
        name: {what for what, how in job["permissions"].items() if how == "write"}
        for name, job in jobs.items()
    }
    assert may_write == {
        "build": set(),
        "try": set(),
        "attest": {"id-token", "attestations"},
        "publish": {"id-token"},
        "announce": {"contents"},
        "docs": {"contents"},
    }
    assert jobs["publish"]["environment"]["name"] == "pypi"
    assert jobs["try"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    scripts = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert not [script for script in scripts if "${{" in script], "a tag's name is no shell code"


def test_the_tools_of_a_release_are_no_extra_of_the_package() -> None:
    assert "release" not in OPTIONAL
