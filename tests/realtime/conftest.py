"""What the tests of the realtime room share: the command line run for real, videos, sources."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import Frame, FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.cameras.address import Address, Kind
from rtaction.realtime.cameras.camera import Camera
from tests.videos import write_flat_video, write_video

WAIT_SECONDS = 30.0
"""How long a test waits for what should come at once: long, as the machine may be busy."""

DARK, BRIGHT = 20, 235

Start = Callable[..., "subprocess.Popen[str]"]


def command(*arguments: str | Path) -> list[str]:
    """The command line of rtaction."""
    return [sys.executable, "-m", "rtaction", *map(str, arguments)]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without a display and a GPU, with changes."""
    # `rtaction.opencv` puts its settings into ours; a process of its own must make them itself.
    dropped = ("DISPLAY", "WAYLAND_DISPLAY", "OPENCV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"CUDA_VISIBLE_DEVICES": "-1"} | changes


def rtaction(
    *arguments: str | Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command of rtaction to its end."""
    return subprocess.run(
        command(*arguments),
        env=env or environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        timeout=2 * WAIT_SECONDS,
        check=False,
    )


def assert_one_error(returncode: int, stderr: str, expected_exit_code: int) -> str:
    """The exit code, one line that says why, and no traceback; returns that line."""
    assert "Traceback" not in stderr, stderr
    errors = [line for line in stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, stderr
    assert stderr.endswith(f"{errors[0]}\n")
    assert returncode == expected_exit_code, stderr
    return errors[0]


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects of a JSON lines text."""
    return [json.loads(line) for line in text.splitlines()]


def frame_times(path: Path, *, may_end_cut: bool = False) -> list[float]:
    """Times of all pictures of a video, read by PyAV and so independently of OpenCV.

    Players skip a last packet that a killed writer left half done; so does `may_end_cut`.
    """
    times = []
    with av.open(str(path)) as container:
        packets = list(container.demux(video=0))  # the last is empty: it asks for what is held back
        for packet in packets:
            try:
                times += [float(frame.time) for frame in packet.decode() if frame.time is not None]
            except av.error.InvalidDataError:
                if not (may_end_cut and packet is packets[-2]):
                    raise
    return times


def without_repeats(values: Iterable[Any]) -> list[Any]:
    """The values with runs of equal ones told once."""
    listed = list(values)
    return listed[:1] + [after for before, after in pairwise(listed) if after != before]


def gray_frame(
    at_seconds: float, value: int = 0, index: int = 0, source: str = "test", segment: int = 0
) -> Frame:
    """A picture of 8x8 of one gray value."""
    return Frame(np.full((8, 8, 3), value, np.uint8), at_seconds, index, source, segment)


def prediction_of(
    spec: ModelSpec,
    scores: Iterable[float],
    *,
    start_seconds: float = 0.0,
    end_seconds: float = 1.0,
    source: str = "test",
) -> Prediction:
    """A prediction with given scores."""
    return Prediction(
        np.array(list(scores), np.float32), spec.labels, start_seconds, end_seconds, 0.012, source
    )


def halves(
    frames_per_second: float, num_frames: int, *, noise: int = 0
) -> tuple[list[npt.NDArray[np.uint8]], npt.NDArray[np.float64]]:
    """Pictures, the first half dark and the second bright, and their times."""
    random = np.random.default_rng(0)
    images = []
    for index in range(num_frames):
        value = DARK if index < num_frames / 2 else BRIGHT
        grain = random.integers(-noise, noise + 1, (96, 128, 3))
        images.append(np.clip(value + grain, 0, 255).astype(np.uint8))
    return images, np.arange(num_frames) / frames_per_second


def scripted_camera(name: str = "test", kind: Kind = "screen") -> Camera:
    """A camera for `open_with`; one of the kind "screen" may show a still, black picture."""
    return Camera(Address(kind, f"rtsp://127.0.0.1/{name}", name), name)


class BrightnessModel:
    """The scores of `write_tiny_model`, computed here, and how they were asked for.

    Attributes:
        batches: number of pictures in each call of `encode`.
        brightnesses: of all pictures encoded, in order, 0 to 255.
        num_clips: number of clips in each call of `score`.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec
        self.batches: list[int] = []
        self.brightnesses: list[int] = []
        self.num_clips: list[int] = []

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The mean of each picture, 0 to 1."""
        assert images.shape[1:] == self.spec.frame_shape
        self.batches.append(len(images))
        means = images.mean(axis=(1, 2, 3))
        self.brightnesses += [round(mean) for mean in means.tolist()]
        return np.asarray(means / 255, np.float32)[:, np.newaxis]

    def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """The mean of each clip, and one minus it."""
        assert clip_features.shape[1:] == (self.spec.frames_per_clip, 1)
        self.num_clips.append(len(clip_features))
        bright = clip_features.mean(axis=(1, 2))
        return np.stack([bright, 1 - bright], axis=1).astype(np.float32)


class ScriptedSource:
    """A live source that gives its frames one by one as the test says.

    Args:
        error: how it ends once it is told to; None for a true end.
        name: of its camera. Default "test", as `gray_frame` says.
    """

    is_live = True
    is_finite = False
    frames_per_second = 0.0

    def __init__(self, error: Exception | None = None, name: str = "test") -> None:
        self.name = name
        self.drops: Counter[str] = Counter()
        self.closed = threading.Event()
        self._error = error
        self._pending: list[FrameLike] = []
        self._given = 0
        self._ending = False
        self._changed = threading.Condition()

    def give(self, *frames: FrameLike) -> None:
        """Let frames out, and wait until the reader has come back for more."""
        with self._changed:
            self._pending.extend(frames)
            self._changed.notify_all()
            assert self._changed.wait_for(
                lambda: not self._pending or self.closed.is_set(), WAIT_SECONDS
            )

    def end(self) -> None:
        """Let the source end, with its error if it has one."""
        with self._changed:
            self._ending = True
            self._changed.notify_all()

    def frames(self) -> Iterator[FrameLike]:
        """The frames, as they are let out."""
        while True:
            with self._changed:
                # The reader is back: what it was given before lies in its slot by now.
                self._pending = self._pending[self._given :]
                self._given = 0
                self._changed.notify_all()
                self._changed.wait_for(
                    lambda: bool(self._pending) or self._ending or self.closed.is_set(),
                    WAIT_SECONDS,
                )
                if not self._pending:
                    break
                self._given = 1
                frame = self._pending[0]
            yield frame
        if self._error is not None and not self.closed.is_set():
            raise self._error

    def close(self) -> None:
        """End `frames`."""
        with self._changed:
            self.closed.set()
            self._changed.notify_all()


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts processes that read and write text through pipes; those still running are killed."""
    started: list[subprocess.Popen[str]] = []

    def run(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process: subprocess.Popen[str] = subprocess.Popen(
            arguments, text=True, encoding="utf-8", **({"env": environment()} | pipes | options)
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def halves_video(tmp_path: Path) -> Path:
    """Four seconds at 25 frames a second, the first two dark, the others bright."""
    return write_video(tmp_path / "halves.mp4", *halves(25.0, 100))


@pytest.fixture
def long_video(tmp_path: Path) -> Path:
    """A minute of one bright gray, at 25 frames a second."""
    return write_flat_video(tmp_path / "long.mp4", value=200, seconds=60.0)
