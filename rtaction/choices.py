"""Settings that a person may choose: their help, their limits, and the names they may have.

A setting is one field of a frozen dataclass, annotated with an `Option`; the command line, the
settings that a run saves and the documentation all come from it. This file loads nothing, so that
`rtaction --help` waits for nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from rtaction.errors import UsageError

Sampling = Literal["sliding", "spread", "segments"]
Resize = Literal["squash", "crop", "letterbox"]

DEVICE_HELP = (
    "auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml or directml[:N]; several GPUs: cuda:0,1."
)
WINDOWS_HELP = (
    "Judge files by windows, as live, with a model trained on clips spread over whole videos too; "
    "by default, such a model judges each file once, as a whole."
)

VIDEOS_HELP = (
    "Folder with one folder of videos for each label, a pattern such as 'v/{classname}/*.mp4' or "
    "'v/{group}/{classname}/*.mp4', or "
    "an annotation file (.csv)"
)
ROOT_HELP = "Folder that names in an annotation file are relative to. Default: that of the file."

GROUP_HELP = (
    "Regular expression that finds a video's group (person, camera, session) in its path; "
    "videos of one group stay together."
)


@dataclass(frozen=True, slots=True)
class Option:
    """How a field is set on the command line.

    Args:
        help: what it does, for the person at the keyboard; the default is added.
        panel: heading that it stands under in `--help`. Default "", the general one.
        names: such as ("--frames",) or ("--output", "-o"). Default (): the field's name.
        minimum, maximum: inclusive limits of a number. Default None.
        is_argument: it is given by its place, not by a name. Default False.
        metavar: stands for the value in `--help`. Default None: its type.
        parse: makes the field's value of the text that is given. Default None: its type does.
    """

    help: str
    panel: str = ""
    names: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    is_argument: bool = False
    metavar: str | None = None
    parse: Callable[[str], Any] | None = None


_WORDS: dict[Any, tuple[str, str]] = {
    bool: ("true or false", "true or false"),
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text in quotes", "texts"),
    Path: ("text in quotes", "texts"),
}


def require_kind(where: str, hint: Any, value: Any) -> None:
    """Check the type of a setting that was read from a file.

    Nothing is converted: the command line has only text, but a file says what it means, so true is
    not 1, 1.9 is not 1, and a list is not a text.

    Args:
        where: names the file and the setting in the error.
        hint: bool, int, float, str, Path, a Literal of texts, a tuple or list of one of them, any
            of these or None, or one of these annotated.
        value: from TOML or JSON.

    Raises:
        UsageError: it is of another type, or a number that is not finite.
    """
    if not _is_of(hint, value):
        came = json.dumps(value, ensure_ascii=False, default=str)
        raise UsageError(f"{where}: expected {_words(hint)}, got {came[:60]}")


def _is_of(hint: Any, value: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _is_of(inner[0], value)
    if origin in (Union, UnionType):
        return any(_is_of(one, value) for one in inner)
    if origin is Literal:
        return isinstance(value, str) and value in inner
    if origin in (tuple, list):
        return isinstance(value, list | tuple) and all(_is_of(inner[0], one) for one in value)
    if hint is NoneType:
        return value is None
    if hint is float:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and math.isfinite(value)
    if hint is Path:
        return isinstance(value, str)
    return type(value) is hint  # in Python, true is an integer as well


def _words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _words(inner[0])
    if origin in (Union, UnionType):
        return " or ".join(_words(one) for one in inner if one is not NoneType)
    if origin is Literal:
        return f"one of {', '.join(inner)}"
    if origin in (tuple, list):
        known = _WORDS.get(inner[0])
        return f"a list, each {_words(inner[0])}" if known is None else f"a list of {known[1]}"
    return _WORDS[hint][0]
