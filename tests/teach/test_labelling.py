"""Labels by key: on a screen that is not there, and once on one that is."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.model_spec import ModelSpec
from rtaction.realtime.outputs.screen import Screen
from rtaction.teach.labelling import LABEL_KEYS, Labelling, labels_to_offer
from rtaction.teach.waiting_clips import WaitingClips
from tests.conftest import Here
from tests.displays import needs_x
from tests.realtime.conftest import WAIT_SECONDS, assert_one_error, command, environment
from tests.teach.test_waiting_clips import RECORD, names
from tests.videos import write_flat_video

LEVELS = {"a": 40, "b": 120, "c": 200}
GREEN_BOX = {"box": [0.25, 0.25, 0.75, 0.75]}


class _Keys:
    """A screen on which keys are pressed, each at the first picture that is shown for it."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._keys = list(keys)
        self.images: list[npt.NDArray[Any]] = []

    def show(self, image: npt.NDArray[Any]) -> None:
        self.images.append(image)

    def key(self) -> str:
        return self._keys.pop(0) if self._keys else "q"

    def wants_to_quit(self, key: str) -> bool:
        return key == "q"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    waiting = tmp_path / "unlabelled"
    for name, level in LEVELS.items():
        write_flat_video(waiting / f"{name}.mkv", value=level, seconds=0.2, size_hw=(48, 64))
        (waiting / f"{name}.json").write_text(json.dumps(RECORD | GREEN_BOX))
    return tmp_path


def labelled(
    folder: Path, keys: Iterable[str], labels: tuple[str, ...] = ("wave", "clap", "jump")
) -> tuple[str, list[str], _Keys]:
    """The summary, the clips, and the screen."""
    screen, said = _Keys(keys), list[str]()
    session = Labelling(WaitingClips(folder), labels, cast("Screen", screen), said.append)
    session.run()
    clips = [name for name in names(folder) if not name.endswith(".json")]
    return session.summary(), clips + said, screen


def test_a_label_a_guess_and_a_deletion(folder: Path) -> None:
    summary, clips, _ = labelled(folder, ["3", "\r", "x", "q"])
    assert summary == "labelled 2 clips: jump 1, wave 1; deleted 1; 0 still wait"
    assert clips == ["jump/a.mkv", "wave/b.mkv"]
    assert "jump/a.json" in names(folder)


def test_keys_without_a_meaning_and_a_skip(folder: Path) -> None:
    summary, clips, _ = labelled(folder, ["", "9", "z", "#", " ", "2", "q"])
    assert summary == "labelled 1 clip: clap 1; deleted 0; 2 still wait"
    assert clips == ["clap/b.mkv", "unlabelled/a.mkv", "unlabelled/c.mkv"]


def test_back(folder: Path) -> None:
    """A label, a deletion and a skip are undone, the last clip's as well."""
    keys = ["1", "z", "x", "z", " ", "z", "2", "2", "1", "z", "2", "q"]
    summary, clips, _ = labelled(folder, keys)
    assert summary == "labelled 3 clips: clap 3; deleted 0; 0 still wait"
    assert clips == ["clap/a.mkv", "clap/b.mkv", "clap/c.mkv"]


def test_what_is_drawn(folder: Path) -> None:
    _, _, screen = labelled(folder, ["", "1", "", "q"])
    means = [float(np.median(image[:100])) for image in screen.images]
    assert means == pytest.approx([40, 40, 120, 120], abs=4)
    picture = screen.images[0]
    scale = 480 / 48
    is_green = picture[..., 1].astype(int) - picture[..., 0] > 60
    rows, columns = np.nonzero(is_green[:480])
    assert (rows.min(), rows.max()) == pytest.approx((12 * scale, 36 * scale), abs=3)
    assert (columns.min(), columns.max()) == pytest.approx((16 * scale, 48 * scale), abs=3)


def test_a_clip_that_cannot_be_read_stays(folder: Path) -> None:
    (folder / "unlabelled" / "a.mkv").write_bytes(b"no video")
    summary, clips, _ = labelled(folder, ["1", "1", "q"])
    assert summary == "labelled 2 clips: wave 2; deleted 0; 1 still wait"
    assert clips[:3] == ["unlabelled/a.mkv", "wave/b.mkv", "wave/c.mkv"]
    assert clips[3].startswith("left where it is: ")


def test_which_labels_have_keys(folder: Path, tiny_spec: ModelSpec) -> None:
    (folder / "squat").mkdir()
    offered = labels_to_offer(WaitingClips(folder), ["left hook", "dark"], tiny_spec)
    assert offered == ["bright", "dark", "left hook", "squat", "clap", "wave"]
    assert LABEL_KEYS == "123456789abcdefghijklmnoprstuvwy"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        ([], 10, "labelling needs a window"),
        (["--label", "a/b"], 2, "name of a folder"),
        (["--model", "none.onnx"], 3, "no model file"),
    ],
)
def test_mistakes_end_in_one_line(
    folder: Path, here: Here, arguments: list[str], exit_code: int, message: str
) -> None:
    code, _, errors = here("label", folder, *arguments)
    assert message in assert_one_error(code, errors, exit_code)
    assert len(WaitingClips(folder).waiting) == 3


def test_nothing_waits(tmp_path: Path, here: Here) -> None:
    code, out, _ = here("label", tmp_path)
    assert (code, out) == (0, f"no clip waits for a label in {tmp_path}\n")


@needs_x("xdotool")
def test_on_a_display(display: str, folder: Path) -> None:
    process = subprocess.Popen(
        command("label", folder, "--label", "jump"),
        env=environment(DISPLAY=display),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )

    def press(key: str, is_so: Callable[[], bool]) -> None:
        """Press a key until it has worked: a window may lose the first ones."""
        deadline_seconds = time.monotonic() + WAIT_SECONDS
        while not is_so():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline_seconds
            window = ["search", "--sync", "--onlyvisible", "--name", "rtaction"]
            # The window may go while xdotool still looks for it.
            with suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    ["xdotool", *window, "windowfocus", "--sync", "key", key],
                    env=environment(DISPLAY=display),
                    timeout=5,
                    check=False,
                    capture_output=True,
                )
            time.sleep(0.3)

    try:
        press("1", (folder / "jump" / "a.mkv").exists)
        press("z", lambda: not (folder / "jump" / "a.mkv").exists())
        press("q", lambda: process.poll() is not None)
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert stdout == "labelled 0 clips; deleted 0; 3 still wait\n"
