"""Check sdist and wheel before they are published, and write what their release needs.

    make release-check               # builds them first
    make release-check TAG=v0.3.0    # the tag, the version and the changelog must agree as well

dist/ must hold one sdist and one wheel, of this version. Written to build/release/: `notes.md`, the
version's section of CHANGELOG.md; `recipe.yaml`, the recipe for conda-forge; and `sbom.cdx.json`, a
CycloneDX bill of the wheel and all that it requires, read from a new environment into which it was
installed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rtaction import __version__

ROOT = Path(__file__).parents[1]
RELEASE = ROOT / "build" / "release"
RECIPE = ROOT / "packaging" / "conda" / "recipe.yaml"


def notes_of(changelog: str, version: str) -> str:
    """A version's section of the changelog, without its heading.

    Args:
        changelog: the text of CHANGELOG.md, as Keep a Changelog has it.
        version: such as "0.3.0", or "Unreleased".

    Raises:
        SystemExit: there is no such section, it is empty, or a version's heading has no date.
    """
    section = re.search(
        rf"^## \[{re.escape(version)}\]([^\n]*)\n(.*?)(?=^## \[|^\[[^]]+\]: |\Z)",
        changelog,
        re.MULTILINE | re.DOTALL,
    )
    if section is None or not section[2].strip():
        raise SystemExit(f"CHANGELOG.md must tell of [{version}]; there is no such section")
    if version != "Unreleased" and not re.fullmatch(r" - \d{4}-\d\d-\d\d", section[1]):
        raise SystemExit(f"CHANGELOG.md must date it: ## [{version}] - YYYY-MM-DD")
    return section[2].strip() + "\n"


def check_names(dist: Path, version: str) -> Path:
    """The wheel of a folder that holds one sdist and one wheel of a version, and nothing else.

    Raises:
        SystemExit: it holds something else.
    """
    wanted = [f"rtaction-{version}-py3-none-any.whl", f"rtaction-{version}.tar.gz"]
    found = sorted(path.name for path in dist.iterdir())
    if found != wanted:
        raise SystemExit(f"{dist} must hold {', '.join(wanted)}; it holds {', '.join(found)}")
    return dist / wanted[0]


def conda_recipe(template: str, version: str, sdist: bytes) -> str:
    """The recipe with a version, and the hash of its sdist.

    Raises:
        SystemExit: the template has no place for them.
    """
    digest = hashlib.sha256(sdist).hexdigest()
    recipe, versions = re.subn(r'(?m)^  version: ".*"$', f'  version: "{version}"', template)
    recipe, digests = re.subn(r'(?m)^  sha256: "\w{64}"$', f'  sha256: "{digest}"', recipe)
    if (versions, digests) != (1, 1):
        raise SystemExit(f"{RECIPE} must have one line version and one line sha256")
    return recipe


def sbom_of(python: Path) -> dict[str, Any]:
    """A CycloneDX bill of the environment of a Python, with rtaction as what it is about."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", str(python)]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application"]
    command += ["--output-reproducible", "--of", "JSON"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode != 0:
        raise SystemExit(f"cyclonedx-py failed: {ran.stderr.strip()}")
    bill: dict[str, Any] = json.loads(ran.stdout)
    bill["metadata"]["component"]["version"] = (
        __version__  # which pyproject.toml leaves to the code
    )
    return bill


def check_sbom(bill: dict[str, Any], required: set[str]) -> None:
    """Insist that a bill is of rtaction, and lists all that it requires with version and address.

    Args:
        bill: CycloneDX, read from JSON.
        required: names of packages, in lower case.

    Raises:
        SystemExit: something is missing.
    """
    about = bill["metadata"]["component"]["name"]
    if about != "rtaction":
        raise SystemExit(f"the bill must be of rtaction; it is of {about}")
    listed = {one["name"].lower(): one for one in bill.get("components", ())}
    missing = sorted(required - set(listed))
    bare = sorted(
        name for name, one in listed.items() if not (one.get("version") and "purl" in one)
    )
    if missing or bare:
        raise SystemExit(f"the bill lacks {missing}, and version or address of {bare}")


def write_sbom(wheel: Path, path: Path) -> int:
    """Install a wheel into a new environment, and write the bill of what came; gives its length."""
    with TemporaryDirectory() as folder:
        venv.create(folder, with_pip=False)
        python = Path(folder, "Scripts" if sys.platform == "win32" else "bin", "python")
        pip = [sys.executable, "-m", "pip", "--python", str(python)]
        subprocess.run([*pip, "install", "--quiet", str(wheel)], check=True)
        listing = subprocess.run(
            [*pip, "list", "--format", "json"], capture_output=True, text=True, check=True
        )
        came = {one["name"].lower() for one in json.loads(listing.stdout)} - {"rtaction"}
        bill = sbom_of(python)
    check_sbom(bill, came)
    path.write_text(json.dumps(bill, indent=1) + "\n", encoding="utf-8")
    return len(bill["components"])


def main() -> None:
    """Check dist/, and write build/release/."""
    parser = argparse.ArgumentParser(description="Check what is to be published.")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--tag", default="", help="such as v0.3.0; default: none yet")
    asked = parser.parse_args()
    if asked.tag and asked.tag != f"v{__version__}":
        raise SystemExit(
            f"the tag must be v{__version__}, as rtaction/__init__.py; got {asked.tag}"
        )
    for module in ("twine", "check_wheel_contents", "cyclonedx_py"):
        if find_spec(module) is None:
            raise SystemExit(f"{module} is missing; use `make release-check`, which installs it")
    wheel = check_names(asked.dist, __version__)
    packages = list(map(str, sorted(asked.dist.iterdir())))
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *packages], check=True)
    subprocess.run([sys.executable, "-m", "check_wheel_contents", str(wheel)], check=True)
    RELEASE.mkdir(parents=True, exist_ok=True)
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    notes = notes_of(changelog, __version__ if asked.tag else "Unreleased")
    (RELEASE / "notes.md").write_text(notes, encoding="utf-8")
    sdist = asked.dist / f"rtaction-{__version__}.tar.gz"
    recipe = conda_recipe(RECIPE.read_text(encoding="utf-8"), __version__, sdist.read_bytes())
    (RELEASE / "recipe.yaml").write_text(recipe, encoding="utf-8")
    number = write_sbom(wheel, RELEASE / "sbom.cdx.json")
    print(f"{RELEASE.relative_to(ROOT)}/sbom.cdx.json lists {number} packages")


if __name__ == "__main__":
    main()
