"""The folder in which the blocks of a page run: what their commands name lies in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.model_spec import ModelSpec
from tests.foreign_models import torch_style
from tests.project import ROOT
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video, write_video

CAMERAS = '[[camera]]\nname = "front door"\nsource = "clip.mp4"\n'
MODELS = ("model.onnx", "mine.onnx", "int8.onnx", "taught/model.onnx", "taught-videos/model.onnx")


class Fitted:
    """A model of the reader's own, which looks at one batch."""

    def fit(self, clips: Any, *, validation_data: Any) -> None:
        """Take a batch of each."""
        for given in (clips, validation_data):
            pictures, one_hot = given[0]
            assert pictures.dtype == np.uint8
            assert len(pictures) == len(one_hot) > 0


GIVEN = {"docs/guides/train.md": {"model": Fitted()}}
"""Names that Python on a page takes as the reader's own."""

STAND_INS = {
    "rtsp://192.168.1.20/stream2": "clip.mp4",
    "0": "clip.mp4",
    "1": "clip.mp4",
}
"""Sources that a test has no camera for, and what it gives instead."""


def make_place(folder: Path) -> Path:
    """Write all files into a new folder."""
    spec = ModelSpec(
        labels=("wave", "clap", "nothing"), frames_per_clip=5, clip_seconds=1.0, height=8, width=8
    )
    for name in MODELS:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_tiny_model(path, spec)
    torch_style(folder / "theirs.onnx")
    write_flat_video(folder / "clip.mp4", value=120, seconds=1.6)
    for root in ("videos", "others"):
        for person in range(3):
            for label, value in (("wave", 235), ("clap", 20)):
                name = f"{label}/person{person}_{label}.mp4"
                write_moving_video(folder / root / name, value)
    events = ["video,label,start_seconds,end_seconds"]
    for day in ("monday", "tuesday"):
        write_moving_video(folder / "videos" / f"{day}.mp4", 235)
        events.append(f"{day}.mp4,wave,0.0,1.5")
    (folder / "events.csv").write_text("\n".join(events) + "\n")
    (folder / "cameras.toml").write_text(CAMERAS)
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def write_moving_video(path: Path, value: int) -> None:
    """A square that moves over one gray value, for 2.2 s."""
    times = np.arange(22) / 10
    images = np.full((len(times), 48, 64, 3), value, np.uint8)
    for number, image in enumerate(images):
        image[20:28, 4 + number : 12 + number] = 128
    write_video(path, images, times)


def live_words(words: tuple[str, ...]) -> list[str]:
    """A command that watches, with a file instead of a camera, and without a window."""
    kept = [STAND_INS.get(word, word) for word in words[1:]]
    has_source = any(
        word in ("clip.mp4", "--source", "--sources") or word.startswith("drawn/") for word in kept
    )
    more = [] if has_source else ["clip.mp4"]
    return [*kept, *more, *([] if "--headless" in kept else ["--headless"])]
