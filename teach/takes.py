"""The folder of takes: an ordinary set of videos, `taught/<label>/take-001.mkv`.

A take is written under a hidden name and renamed when it is complete, so the folder shows only
complete takes, even after a crash. This file knows nothing about cameras.
"""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy.typing as npt

from rtaction.errors import OutputError, UsageError
from rtaction.opencv import cv2
from rtaction.realtime.outputs.clips.clip_file import ClipFile, JpegPicture
from rtaction.video.file import VIDEO_SUFFIXES

MODEL_NAME = "model.onnx"
FEATURES_NAME = ".features"

_JPEG_QUALITY = 95  # artefacts look like motion in the difference of two frames
_NUMBER = re.compile(r"take-(\d+)")


def check_label(label: str) -> str:
    """Return the label if it can be the name of a folder.

    Raises:
        UsageError: it cannot.
    """
    if (
        not label.strip()
        or label != label.strip()
        or label.startswith(".")
        or not label.isprintable()
        or any(char in label for char in '/\\:*?"<>|{}')
    ):
        raise UsageError(
            f"a label becomes the name of a folder, such as wave or left_hook; got {label!r}"
        )
    return label


class TakesFolder:
    """Takes by label.

    Args:
        folder: where they are; created with the first take.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def model(self) -> Path:
        """Where the model of these takes is."""
        return self.folder / MODEL_NAME

    @property
    def features(self) -> Path:
        """Where the features of the takes are kept."""
        return self.folder / FEATURES_NAME

    @property
    def labels(self) -> list[str]:
        """Labels that have a take."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.name for path in self.folder.iterdir() if path.is_dir())
        return [name for name in names if not name.startswith(".") and self.takes_of(name)]

    def takes_of(self, label: str) -> list[Path]:
        """Takes of a label, sorted by name."""
        # Not by a glob: a label may hold brackets.
        try:
            found = list((self.folder / label).iterdir())
        except OSError:  # there is none yet, or its name is too long for one
            return []
        return sorted(
            path
            for path in found
            if path.suffix.lower() in VIDEO_SUFFIXES and not path.name.startswith(".")
        )

    def begin(self, label: str) -> Take:
        """Start a take.

        Raises:
            OutputError: the folder cannot be written to.
        """
        folder = self.folder / label
        matches = [_NUMBER.match(path.stem) for path in self.takes_of(label)]
        numbers = [int(match[1]) for match in matches if match]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for left_over in folder.glob(".take-*"):
                left_over.unlink()  # from a run that crashed
        except OSError as error:
            raise OutputError(f"takes cannot be saved in {folder}: {error}") from None
        return Take(folder, f"take-{max(numbers, default=0) + 1:03d}")


class Take:
    """A take while it is recorded.

    Args:
        folder: where it is saved.
        name: of the complete file, without suffix.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._file = ClipFile(folder, f".{name}")

    def add(self, image_rgb: npt.NDArray[Any], at_seconds: float) -> None:
        """Add a frame.

        Args:
            image_rgb: uint8 RGB, shape (height, width, 3).
            at_seconds: its time, on any clock.

        Raises:
            OutputError: it cannot be written.
        """
        options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY]
        _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), options)
        picture = JpegPicture(at_seconds, jpeg.tobytes(), (image_rgb.shape[0], image_rgb.shape[1]))
        try:
            self._file.write(picture)
        except OutputError as error:
            self.drop()
            raise OutputError(
                f"a take cannot be written: {error.args[0].partition(';')[0]}; the takes before it "
                "are kept"
            ) from None

    def finish(self) -> Path:
        """Save it, and return its path.

        Raises:
            OutputError: it cannot be written.
        """
        hidden = self._folder / f".{self._name}.mkv"
        kept = self._folder / f"{self._name}.mkv"
        try:
            self._file.close()
            if kept.exists():
                raise FileExistsError("there is one of that name already")
            hidden.rename(kept)
        except (OSError, OutputError) as error:
            raise OutputError(f"the take {kept} cannot be saved: {error}") from None
        return kept

    def drop(self) -> None:
        """Discard it."""
        with suppress(OutputError):
            self._file.close()
        (self._folder / f".{self._name}.mkv").unlink(missing_ok=True)
