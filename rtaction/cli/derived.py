"""Derive the options of commands from the fields of dataclasses.

A command is a function with a parameter `Chosen[SomeConfig]`; `derived` gives it one option per
annotated field of `SomeConfig`, see `rtaction.choices.Option`.
"""

from __future__ import annotations

import inspect
import json
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import typer

from rtaction.choices import Option, require_kind
from rtaction.errors import UsageError

T = TypeVar("T")
# Written by a run along with its settings, but not an option.
_OF_A_RUN = {"chosen_but"}


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """Values of the options of one dataclass.

    Args:
        kind: the dataclass.
        values: by field, including defaults.
        given: the fields set on the command line or by --config.
    """

    kind: type[T]
    values: dict[str, Any]
    given: tuple[str, ...] = field(default=())

    def make(self, **more: Any) -> T:
        """Build the dataclass, with additional fields that have no option."""
        return self.kind(**self.values, **more)

    def changed(self, settings: T) -> T:
        """A copy of other settings, overridden by the fields that were given."""
        changes = {name: self.values[name] for name in self.given}
        before = getattr(settings, "chosen_but", None)
        if before is not None:  # of a run with --auto
            changes["chosen_but"] = tuple(dict.fromkeys([*before, *self.given]))
        return replace(settings, **changes)  # type: ignore[type-var]


def derived(*, only: Mapping[type, tuple[str, ...]] | None = None) -> Callable[[Any], Any]:
    """Replace each parameter `Chosen[SomeConfig]` of a command by one option per field.

    Args:
        only: the fields to use, by dataclass. Default None: all that have an `Option`.

    Returns:
        A decorator; the decorated command takes a `typer.Context` as its first parameter.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        hints = get_type_hints(command, include_extras=True)
        parameters: list[inspect.Parameter] = []
        places: dict[str, tuple[type, dict[str, Option]]] = {}
        for parameter in inspect.signature(command).parameters.values():
            hint = hints[parameter.name]
            if get_origin(hint) is Chosen:
                (kind,) = get_args(hint)
                options = _options_of(kind, (only or {}).get(kind))
                places[parameter.name] = kind, options
                parameters += [_parameter_of(kind, name, options[name]) for name in options]
            else:
                keyword = inspect.Parameter.KEYWORD_ONLY
                parameters.append(parameter.replace(annotation=hint, kind=keyword))

        @wraps(command)
        def call(context: typer.Context, **values: Any) -> None:
            given_names = {
                name
                for name in values
                if getattr(context.get_parameter_source(name), "name", "") != "DEFAULT"
            }
            for name, (kind, options) in places.items():
                taken = {one: _value(values.pop(one), option) for one, option in options.items()}
                given = tuple(one for one in taken if one in given_names)
                values[name] = Chosen(kind, taken, given)
            command(**values)

        context = inspect.Parameter(
            "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
        )
        call.__signature__ = inspect.Signature([context, *parameters])  # type: ignore[attr-defined]
        call.__annotations__ = {"context": typer.Context} | {
            one.name: one.annotation for one in parameters
        }
        return call

    return decorate


def _value(value: Any, option: Option) -> Any:
    """Convert a value from the command line to that of a dataclass field."""
    if option.parse is not None and isinstance(value, str):
        return option.parse(value)
    return tuple(value) if isinstance(value, list) else value


def _options_of(kind: type, only: tuple[str, ...] | None) -> dict[str, Option]:
    """The options of a dataclass by field."""
    options = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        option = next((note for note in notes if isinstance(note, Option)), None)
        if option is not None and (only is None or name in only):
            options[name] = option
    return options


def _parameter_of(kind: Any, name: str, option: Option) -> inspect.Parameter:
    annotation: Any = get_type_hints(kind)[name]
    default = next(one for one in fields(kind) if one.name == name).default
    if option.parse is not None:
        annotation = str | None
    elif get_origin(annotation) is tuple:  # such as tuple[str, ...]
        annotation, default = list[get_args(annotation)[0]], []  # type: ignore[misc]
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=Annotated[annotation, _typer_info(option)],
    )


def _typer_info(option: Option) -> Any:
    settings: dict[str, Any] = {
        "help": option.help,
        "rich_help_panel": option.panel or None,
        "min": option.minimum,
        "max": option.maximum,
        "metavar": option.metavar,
    }
    if option.is_argument:
        return typer.Argument(**settings)
    return typer.Option(*option.names, **settings)


def _read_config(context: typer.Context, path: Path | None) -> Path | None:
    """Use a file's settings as defaults; their types are checked here, their limits by typer."""
    if path is None:
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")  # Notepad on Windows writes a mark
        values = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"--config: cannot read {path}: {error}") from None
    known = {one.name for one in context.command.params} | _OF_A_RUN
    if not isinstance(values, dict) or not set(values) <= known:
        strange = sorted(set(values) - known) if isinstance(values, dict) else type(values).__name__
        raise UsageError(
            f"--config: expected settings in {path}, such as epochs = 20, got {strange}; see the "
            "train_config.json of a run for their names"
        )
    given = {name: one for name, one in values.items() if one is not None}
    hints = getattr(context.command.callback, "__annotations__", {})  # see `derived`
    for name in sorted(given.keys() & hints.keys()):
        require_kind(f"--config: {path}: {name}", hints[name], given[name])
    context.default_map = given
    return path


ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        callback=_read_config,
        is_eager=True,
        help="Read settings from a TOML or JSON file, such as the train_config.json of a run; "
        "the command line takes precedence.",
    ),
]
