"""A command's options are the fields of the settings that it makes, and a file may give them."""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from rtaction.choices import Option
from rtaction.cli.app import app
from rtaction.cli.derived import Chosen, ConfigOption, derived
from rtaction.errors import UsageError
from rtaction.export.options import ContractOptions, ExportOptions, SmallerOptions
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.judging.options import EvalOptions
from rtaction.train.settings.config import TrainConfig


@dataclass(frozen=True)
class Settings:
    place: Annotated[str, Option("Where.", is_argument=True)]
    epochs: Annotated[int, Option("How long.", "Learning", minimum=1)] = 60
    rate: Annotated[float | None, Option("How fast.", names=("--speed",))] = None
    groups: Annotated[tuple[str, ...], Option("Which.")] = ()
    size: Annotated[
        tuple[int, int] | None,
        Option("How large.", parse=lambda text: tuple(map(int, text.split("x")))),
    ] = None
    secret: int = 7


def run(*arguments: str) -> Chosen[Settings]:
    """What a command of these settings is given."""
    found: list[Chosen[Settings]] = []

    @derived()
    def command(chosen: Chosen[Settings], config: ConfigOption = None) -> None:
        found.append(chosen)

    one = typer.Typer()
    one.command()(command)
    result = CliRunner().invoke(one, arguments)
    if not found:
        raise (
            result.exception
            if isinstance(result.exception, UsageError)
            else ValueError(result.output)
        )
    return found[0]


def test_defaults_are_those_of_the_dataclass() -> None:
    assert run("here").make() == Settings("here")
    assert run("here").given == ("place",)


def test_what_stands_on_the_command_line_is_noted() -> None:
    chosen = run("here", "--epochs", "60", "--groups", "a", "--groups", "b", "--size", "4x6")
    assert chosen.make(secret=1) == Settings("here", 60, None, ("a", "b"), (4, 6), secret=1)
    assert chosen.given == ("place", "epochs", "groups", "size")
    assert chosen.changed(Settings("there", rate=0.5)) == Settings(
        "here", 60, 0.5, ("a", "b"), (4, 6)
    )


def test_limits_hold() -> None:
    with pytest.raises(ValueError, match="Invalid value for '--epochs'"):
        run("here", "--epochs", "0")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.toml", 'place = "there"\nepochs = 5\nrate = 0.25\ngroups = ["a"]\n'),
        ("s.json", '{"place": "there", "epochs": 5, "rate": 0.25, "groups": ["a"], "size": null}'),
    ],
)
def test_a_file_gives_settings_and_the_command_line_wins(
    tmp_path: Path, name: str, text: str
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert run("--config", str(path)).make() == Settings("there", 5, 0.25, ("a",))
    changed = run("here", "--config", str(path), "--epochs", "9")
    assert changed.make() == Settings("here", 9, 0.25, ("a",))
    assert changed.given == ("place", "epochs", "rate", "groups")


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("epochs = 'ten'", UsageError, 's.toml: epochs: expected a whole number, got "ten"'),
        ("epochs = true", UsageError, "epochs: expected a whole number, got true"),
        ("epochs = 1.9", UsageError, r"epochs: expected a whole number, got 1\.9"),
        ("epochs = [1]", UsageError, r"epochs: expected a whole number, got \[1\]"),
        ("rate = true", UsageError, "rate: expected a number, got true"),
        ("rate = nan", UsageError, "rate: expected a number, got NaN"),
        ("rate = 2024-01-01", UsageError, 'rate: expected a number, got "2024-01-01"'),
        ("place = 7", UsageError, "place: expected text in quotes, got 7"),
        ("groups = 'ab'", UsageError, 'groups: expected a list of texts, got "ab"'),
        ("groups = [1]", UsageError, r"groups: expected a list of texts, got \[1\]"),
        ("size = [4, 6]", UsageError, r"size: expected text in quotes, got \[4, 6\]"),
        ("epochs = 0", ValueError, "Invalid value for '--epochs'"),
        ("epoch = 5", UsageError, r"got \['epoch'\]"),
        ("epochs = ", UsageError, "cannot read"),
    ],
)
def test_a_file_is_checked_like_the_command_line(
    tmp_path: Path, text: str, error: type[Exception], message: str
) -> None:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        run("here", "--config", str(path))


def test_a_file_of_notepad_and_whole_numbers_for_numbers_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("\ufeffrate = 2\nplace = 'там'\nsize = '4x6'", encoding="utf-8")
    found = run("--config", str(path)).make()
    assert found == Settings("там", rate=2.0, size=(4, 6))
    assert type(found.rate) is float


def test_a_missing_file_and_one_that_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read"):
        run("here", "--config", str(tmp_path / "none.toml"))
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(UsageError, match="expected settings in"):
        run("here", "--config", str(tmp_path / "list.json"))


def test_what_a_run_wrote_can_be_read(tmp_path: Path) -> None:
    """Whatever train writes beside its settings, `--config` passes over."""
    settings = TrainConfig("v", epochs=3, keep_sides=("left",), chosen_but=("epochs",))
    settings.save(tmp_path / "train_config.json")
    values = json.loads((tmp_path / "train_config.json").read_text(encoding="utf-8"))
    known = {one.name for one in get_command(app).commands["train"].params}  # type: ignore[attr-defined]
    assert set(values) - known == {"chosen_but"}


@pytest.mark.parametrize(
    ("command", "kinds"),
    [
        ("train", [TrainConfig]),
        ("cam", [CamConfig]),
        ("eval", [EvalOptions]),
        ("export", [ContractOptions, ExportOptions, SmallerOptions]),
    ],
)
def test_every_field_has_its_option_and_default(command: str, kinds: list[Any]) -> None:
    params = {one.name: one for one in get_command(app).commands[command].params}  # type: ignore[attr-defined]
    without = {"chosen_but"}
    for kind in kinds:
        for one in fields(kind):
            if one.name in without:
                continue
            default = params[one.name].default
            wanted = None if one.default is MISSING else one.default
            assert (tuple(default) if isinstance(default, list) else default) == wanted


def test_train_and_export_stand_in_panels() -> None:
    for command, panels in (
        ("train", {"Data", "Network", "Learning", "Checking", "Output and machine"}),
        ("export", {"Contract", "Checking", "Smaller models, other runtimes"}),
    ):
        params = get_command(app).commands[command].params  # type: ignore[attr-defined]
        found = {getattr(one, "rich_help_panel", None) for one in params} - {None}
        assert found == panels


def test_what_is_given_anew_is_no_longer_picked_by_auto() -> None:
    chosen: Chosen[TrainConfig] = Chosen(TrainConfig, {"epochs": 9}, ("epochs",))
    run_before = TrainConfig("videos", epochs=90, chosen_but=("videos",))
    assert chosen.changed(run_before).chosen_but == ("videos", "epochs")
    assert chosen.changed(TrainConfig("videos")).chosen_but is None
