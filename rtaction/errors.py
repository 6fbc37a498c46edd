"""Errors, named for the situation.

Every error of rtaction that a person can meet is a `RtactionError`: its text says what was
expected, what came and what to do, and its `exit_code` is that of the command line.

    RtactionError                    1
    ├── UsageError                   2   an invalid option or argument
    │   └── NoSuchThing              2   of rtaction serve: no camera, event or lesson of that id
    ├── ModelError                   3   the model file
    │   ├── ModelMissing             3   no such file
    │   ├── ModelUnreadable          4   not a model, or damaged
    │   ├── ModelSpecError           5   it has no contract, or one that cannot be read
    │   ├── ModelUnsafe             18   untrusted, and it contains code or reads other files
    │   └── ScoresInvalid           19   it runs, and gives scores that are none
    ├── SourceError                  6   camera, file or stream
    │   ├── SourceMissing            6   no such camera, file or address
    │   │   ├── SourceUnreachable    6   nothing answers at the address
    │   │   └── StreamMissing        6   the server answers, but has no stream at that path
    │   ├── SourceRefused           17   the server wants another user or password
    │   ├── SourceUnreadable         7   there, but nothing can be decoded from it
    │   └── CameraLost               8   it was connected and is no longer
    ├── DeviceUnavailable            9   the requested accelerator is not in use
    ├── DisplayUnavailable          10   a window was requested and cannot be opened
    ├── OutputError                 11   the video, log or folder cannot be written
    │   └── ReaderLeft              20   the program that reads the log of live cameras has ended
    ├── DatasetError                12   the labelled videos
    ├── ExportError                 13   this Keras model cannot become an ONNX file
    │   └── ParityError             14   the ONNX file does not compute the same
    ├── MissingLibrary              15   a package or system library that this task needs
    └── TrainingFailed              16   training is not possible with this data or these settings
"""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class RtactionError(Exception):
    """Base of all errors that carry a message for the person at the keyboard."""

    exit_code = 1


class UsageError(RtactionError):
    """An option or argument is invalid."""

    exit_code = 2


class NoSuchThing(UsageError):
    """There is no camera, event or lesson with that id, or no file of that event."""


class ModelError(RtactionError):
    """Something is wrong with a model file."""

    exit_code = 3


class ModelMissing(ModelError):
    """There is no such model file."""


class ModelUnreadable(ModelError):
    """The file is not a model, or is damaged."""

    exit_code = 4


class ModelSpecError(ModelError):
    """The model has no contract (`ModelSpec`), or one that this version cannot read."""

    exit_code = 5


class ModelUnsafe(ModelError):
    """Loading the file would run code in it, or read other files."""

    exit_code = 18


class ScoresInvalid(ModelError):
    """The model gives scores that are not numbers from 0 to 1."""

    exit_code = 19


class SourceError(RtactionError):
    """Something is wrong with a camera, a video file or a stream."""

    exit_code = 6
    is_lasting = False
    """Whether an early retry is pointless, and may cause a lockout."""


class SourceMissing(SourceError):
    """There is no such camera, file or address."""


class SourceUnreachable(SourceMissing):
    """Nothing listens at the address, there is no such host, or it gives no answer in time."""


class StreamMissing(SourceMissing):
    """The server answers, but has no stream at that path."""

    is_lasting = True


class SourceRefused(SourceError):
    """The server answers, but wants another user or password."""

    exit_code = 17
    is_lasting = True


class SourceUnreadable(SourceError):
    """The source is there, but no frame can be decoded from it."""

    exit_code = 7
    is_lasting = True


class CameraLost(SourceError):
    """A live source was connected and is no longer."""

    exit_code = 8


class DeviceUnavailable(RtactionError):
    """An accelerator was requested by name and is not in use."""

    exit_code = 9


class DisplayUnavailable(RtactionError):
    """A window was requested and cannot be opened."""

    exit_code = 10


class OutputError(RtactionError):
    """A video, a log or a folder cannot be written."""

    exit_code = 11


class ReaderLeft(OutputError):
    """The program that reads the lines about live cameras has ended."""

    exit_code = 20


class DatasetError(RtactionError):
    """The labelled videos cannot be used."""

    exit_code = 12


class ExportError(RtactionError):
    """This Keras model cannot become an ONNX file."""

    exit_code = 13


class ParityError(ExportError):
    """The ONNX file does not compute what the Keras model computes, or this cannot be checked."""

    exit_code = 14


class MissingLibrary(RtactionError):
    """A Python package or a system library that this task needs is not installed."""

    exit_code = 15


class TrainingFailed(RtactionError):
    """Training is not possible with this data or these settings."""

    exit_code = 16


def extra_missing(what: str, extra: str, error: ImportError) -> MissingLibrary:
    """The error for a package of an extra that is not installed.

    Args:
        what: what needs it, such as "the page".
        extra: such as "serve".
        error: of the import.
    """
    from rtaction.installation import install_command

    return MissingLibrary(
        f"{what} needs more packages than are installed ({error}); install them with: "
        f"{install_command(extra)}"
    )


TRAINING_PACKAGES = {
    "keras",
    "matplotlib",
    "platformdirs",
    "rich",
    "tensorflow",
    "tf2onnx",
}


@contextmanager
def training_stack_needed() -> Iterator[None]:
    """Tell that a package of the extra "train" is missing, if one turns out to be.

    Raises:
        MissingLibrary: it is.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in TRAINING_PACKAGES:
            raise
        raise training_stack_missing(error) from None


def training_stack_missing(error: ImportError) -> MissingLibrary:
    """The error for a package that only training and export need."""
    from rtaction.installation import install_command

    if sys.platform == "darwin" and platform.machine() == "x86_64":
        return MissingLibrary(
            "training and export need TensorFlow, which no longer comes for Intel Macs; do them on "
            "another machine, and copy the .onnx file here"
        )
    return MissingLibrary(
        f"training and export need more packages than are installed ({error}); "
        f"install them with: {install_command('train')}"
    )


def refuse_url(path: Path) -> None:
    """Refuse an address where a model file is expected, without repeating its password.

    Raises:
        ModelMissing: it is one.
    """
    # Path makes one slash of two; the scheme of "c:/" is a drive of Windows.
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", path.as_posix()):
        raise ModelMissing("this is a URL; download the model and name the file")
