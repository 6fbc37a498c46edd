from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

import rtaction
from rtaction.cli.app import app
from rtaction.errors import TRAINING_PACKAGES
from rtaction.installation import install_command
from tests.conftest import Here
from tests.project import ROOT

README = ROOT / "README.md"
GUIDES = "".join(
    page.read_text(encoding="utf-8")
    for page in (ROOT / "docs").rglob("*.md")
    if page.name != "cli.md"  # which is made of the commands
)
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_version() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "rtaction", "--version"], capture_output=True, text=True, check=True
    )
    assert run.stdout == f"rtaction {rtaction.__version__}\n"


def test_help_loads_none_of_the_stacks() -> None:
    script = (
        "import sys; sys.argv = ['rtaction', '--help']\n"
        "from rtaction.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'cv2', 'onnxruntime', 'tensorflow', 'keras', 'numpy', 'onnx'}\n"
        "print('loaded', sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "loaded []" in run.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_on_a_page(command: str, here: Here) -> None:
    exit_code, stdout, _ = here(command, "--help")
    assert exit_code == 0
    assert command in stdout
    assert f"rtaction {command}" in GUIDES


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(command: str) -> None:
    parameters = get_command(app).commands[command].params  # type: ignore[attr-defined]
    unexplained = [one.name for one in parameters if not getattr(one, "help", None)]
    assert unexplained == []


def test_completion_is_offered(here: Here) -> None:
    assert "--install-completion" in here("--help")[1]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["cam", "--model", "none.onnx"], 3, "there is no model file none.onnx"),
        (["inspect", "none.onnx"], 3, "there is no model file none.onnx"),
        (["inspect", str(README)], 4, "is not an ONNX model"),
        (["export", "none.keras"], 3, "there is no Keras model none.keras"),
        (["export", "https://me:geheim@x/m.keras"], 3, "this is a URL; download the model"),
        (["inspect", "https://me:geheim@x/m.onnx"], 3, "this is a URL; download the model"),
        (["train", "none"], 2, "neither a folder nor a pattern"),
    ],
)
def test_mistakes_end_in_one_line(
    arguments: list[str], exit_code: int, message: str, here: Here
) -> None:
    found, stdout, stderr = here(*arguments)
    assert found == exit_code
    assert stderr.startswith("error: ")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert "geheim" not in stderr
    assert stdout == ""


@pytest.mark.parametrize("command", ["train", "export"])
@pytest.mark.parametrize("missing", ["tensorflow", "keras", "tf2onnx"])
def test_the_light_install_says_what_is_missing(command: str, missing: str, tmp_path: Path) -> None:
    script = (
        "import sys\n"
        f"sys.modules[{missing!r}] = None\n"
        f"sys.argv = ['rtaction', {command!r}, {str(tmp_path / 'none.keras')!r}]\n"
        "from rtaction.cli.app import main\n"
        "main()"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    needed = command == "export" or missing in ("tensorflow", "keras")
    assert run.returncode == (15 if needed and missing != "tf2onnx" else 3 if needed else 2)
    assert run.stderr.count("\n") == 1
    assert (install_command("train") in run.stderr) == (run.returncode == 15)


def test_every_package_of_the_train_extra_is_known_to_be_one() -> None:
    """Else its absence ends in a traceback instead of a sentence."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    requirements = project["optional-dependencies"]["train"]

    names = {re.split(r"[^\w-]", requirement)[0] for requirement in requirements}
    assert names == TRAINING_PACKAGES
