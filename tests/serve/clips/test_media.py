"""Clips and snapshots of events: the right pictures, told when there, and nobody waits."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import UsageError
from rtaction.frame import DeferredFrame, Frame, FrameDamaged
from rtaction.opencv import cv2
from rtaction.realtime.outputs.clips.clip_names import began_at
from rtaction.serve.clips.event_file import start_in
from rtaction.serve.clips.media import Media
from rtaction.serve.clips.options import ClipOptions
from tests.serve.made_events import made_event
from tests.serve.small_disks import fill, small_disk

RATE = 20.0
SMALL = ClipOptions(pre_roll_seconds=1.0, post_roll_seconds=0.5, encoder="software")
STEM = "20261130T120000.000Z_door_wave_00000000"


class Told:
    """What was told to be done."""

    def __init__(self) -> None:
        self.clips: dict[str, str] = {}
        self.snapshots: dict[str, str] = {}

    def __call__(self, event: str, clip: str | None, snapshot: str | None) -> None:
        if clip is not None:
            self.clips[event] = clip
        if snapshot is not None:
            self.snapshots[event] = snapshot


def until(is_so: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def picture(number: int, size_hw: tuple[int, int] = (48, 64)) -> npt.NDArray[np.uint8]:
    """A picture whose brightness tells its number, through JPEG and H.264."""
    return np.full((*size_hw, 3), 20 + 2 * number % 200, np.uint8)


def add_frames(media: Media, numbers: range, *, camera: str = "door", **changes: Any) -> None:
    for number in numbers:
        media.frame(camera, Frame(picture(number, **changes), number / RATE, number, camera))


def seconds_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [round(float(frame.time or 0), 2) for frame in container.decode(video=0)]


def comment_of(path: Path) -> str:
    with av.open(str(path)) as container:
        return container.metadata["comment"]


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def media(tmp_path: Path, told: Told) -> Iterator[Media]:
    with closing(Media(tmp_path / "clips", SMALL, told)) as opened:
        yield opened


def test_a_clip_and_a_snapshot(media: Media, told: Told, tmp_path: Path) -> None:
    started = made_event(ended_at=None, box=(0.25, 0.25, 0.75, 0.5), person=1)
    add_frames(media, range(61))
    media.event(started, start_seconds=2.0, seen_seconds=3.0)
    until(lambda: told.snapshots)
    add_frames(media, range(61, 80))
    assert media.is_writing(f"{STEM}.mp4")
    assert not media.is_writing(f"{STEM.replace('wave', 'fall')}.mp4")
    media.event(replace(started, ended_at=made_event().ended_at), start_seconds=2.0, end_seconds=4)
    add_frames(media, range(80, 100))
    until(lambda: told.clips)

    assert not media.is_writing(f"{STEM}.mp4")
    assert told.clips == {started.id: f"{STEM}.mp4"}
    assert told.snapshots == {started.id: f"{STEM}.jpg"}
    assert media.left_of(started) == (f"{STEM}.mp4", f"{STEM}.jpg")
    assert media.left_of(made_event(1)) == (None, None)
    clip = tmp_path / "clips" / f"{STEM}.mp4"
    # From a second before the event to half a second after it, ten frames a second.
    assert seconds_of(clip) == [round(number / 10, 2) for number in range(36)]
    assert start_in(comment_of(clip)) == 1.0
    assert began_at(clip.name) == started.started_at
    drawn = cv2.imread(str(tmp_path / "clips" / f"{STEM}.jpg"))
    assert drawn is not None
    assert drawn.shape == (480, 640, 3)
    # The newest frame at that time, where nothing is drawn.
    assert abs(float(drawn[400:, 500:].mean()) - picture(60)[0, 0, 0]) < 4
    # A blue box with a margin around theirs.
    blue, _, red = drawn[240, 141].tolist()
    assert blue > red + 80


@pytest.mark.parametrize("rate", [9.0, 10.0, 15.0, 25.0, 29.97, 30.0, 60.0])
def test_no_more_frames_than_asked_for_are_decoded(media: Media, rate: float) -> None:
    num_made = 0

    def make() -> npt.NDArray[np.uint8]:
        nonlocal num_made
        num_made += 1
        return picture(0)

    for number in range(round(10 * rate)):
        media.frame("door", DeferredFrame(make, 100 + number / rate, number, "door"))
    assert abs(num_made - 10 * min(rate, 10.0)) <= 1


def test_a_source_that_begins_anew(media: Media, told: Told, tmp_path: Path) -> None:
    add_frames(media, range(100, 140))
    add_frames(media, range(61))
    media.event(made_event(ended_at=None), start_seconds=2.5)
    media.event(made_event(), start_seconds=2.5, end_seconds=2.9)
    add_frames(media, range(61, 80))
    until(lambda: told.clips)
    assert seconds_of(tmp_path / "clips" / f"{STEM}.mp4") == [
        round(number / 10, 2) for number in range(20)
    ]


def test_a_damaged_frame_is_not_in_the_clip(media: Media, told: Told, tmp_path: Path) -> None:
    def make() -> npt.NDArray[np.uint8]:
        raise FrameDamaged

    add_frames(media, range(40))
    media.frame("door", DeferredFrame(make, 2.0, 40, "door"))
    add_frames(media, range(41, 60))
    media.event(made_event(ended_at=None), start_seconds=2.0)
    media.event(made_event(), start_seconds=2.0, end_seconds=2.5)
    add_frames(media, range(60, 80))
    until(lambda: told.clips)
    # From a second before the event to half a second after it, without the tenth frame.
    times = [number / 10 for number in range(21) if number != 10]
    assert seconds_of(tmp_path / "clips" / f"{STEM}.mp4") == pytest.approx(times, abs=0.01)


def test_events_of_several_cameras_and_people_at_once(
    media: Media, told: Told, tmp_path: Path
) -> None:
    records = [
        made_event(number, camera=camera, id=f"e-{number}{camera}", person=number)
        for number in range(3)
        for camera in ("door", "yard")
    ]
    for camera in ("door", "yard"):
        add_frames(media, range(40), camera=camera)
    for record in records:
        media.event(record, start_seconds=1.5)
    for record in records:
        media.event(record, start_seconds=1.5, end_seconds=1.9)
    for camera in ("door", "yard"):
        add_frames(media, range(40, 60), camera=camera)
    until(lambda: len(told.clips) == len(told.snapshots) == 6)
    assert sorted(path.name for path in (tmp_path / "clips").iterdir()) == sorted(
        [*told.clips.values(), *told.snapshots.values()]
    )
    assert len({*told.clips.values(), *told.snapshots.values()}) == 12


def test_a_camera_that_is_gone_ends_its_clips(media: Media, told: Told) -> None:
    started = made_event(ended_at=None)
    add_frames(media, range(40))
    media.event(started, start_seconds=1.0)
    media.remove_camera("door")
    until(lambda: told.clips)
    told.clips.clear()
    media.event(made_event(), start_seconds=1.0, end_seconds=2.0)
    media.close()
    assert told.clips == {}


def test_only_what_is_asked_for(tmp_path: Path, told: Told) -> None:
    options = {"clips": replace(SMALL, snapshots=False), "snapshots": replace(SMALL, clips=False)}
    for name in options:
        media = Media(tmp_path / name, options[name], told)
        add_frames(media, range(40))
        media.event(made_event(), start_seconds=1.0)
        media.event(made_event(), start_seconds=1.0, end_seconds=1.5)
        media.close()
        (path,) = (tmp_path / name).iterdir()
        assert path.suffix == (".mp4" if name == "clips" else ".jpg")


def test_who_is_told_may_fail(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def fail(*told: Any) -> None:
        calls.append(told)
        raise RuntimeError("a mistake")

    media = Media(tmp_path, SMALL, fail)
    add_frames(media, range(40))
    for number in range(2):
        media.event(made_event(number), start_seconds=1.0)
        media.event(made_event(number), start_seconds=1.0, end_seconds=1.5)
    media.close()
    assert len(calls) == 4
    assert "a mistake" in caplog.text


def test_a_full_disk_delays_nothing_and_is_told_once(
    tmp_path: Path, told: Told, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (120, 160, 3)).astype(np.uint8)

    def add(media: Media, numbers: range) -> None:
        for number in numbers:
            media.frame("door", Frame(noise, number / RATE, number, "door"))

    with small_disk(tmp_path / "disk", num_bytes=4_000_000) as disk:
        media = Media(disk / "clips", SMALL, told)
        filling = fill(disk)
        with caplog.at_level(logging.WARNING):
            add(media, range(60))
            for number in range(2):
                media.event(made_event(number), start_seconds=1.0)
                media.event(made_event(number), start_seconds=1.0, end_seconds=2.0)
            add(media, range(60, 80))
            until(lambda: not media.is_writing(f"{STEM}.mp4"))
            until(lambda: media.num_dropped > 0)
        assert sum("cannot be written" in line for line in caplog.messages) <= 2
        filling.unlink()
        add(media, range(80, 160))
        media.event(made_event(2), start_seconds=7.0)
        media.event(made_event(2), start_seconds=7.0, end_seconds=7.5)
        add(media, range(160, 180))
        until(lambda: made_event(2).id in told.clips and made_event(2).id in told.snapshots)
        assert len(seconds_of(disk / "clips" / told.clips[made_event(2).id])) >= 15
        media.close()


def test_nobody_waits_for_the_writing(media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    write = av.container.OutputContainer.mux

    def slow(container: Any, packets: Any) -> None:
        goes_on.wait(10)
        write(container, packets)

    monkeypatch.setattr("rtaction.realtime.outputs.clips.clip_file.EncodedFile.write", slow)
    add_frames(media, range(40))
    before = threading.active_count()
    started = time.monotonic()
    for number in range(5):
        media.event(made_event(number), start_seconds=1.0)
        add_frames(media, range(40 + number, 41 + number))
    assert time.monotonic() - started < 5
    assert threading.active_count() == before
    goes_on.set()


def test_a_password_is_in_no_name(media: Media, told: Told) -> None:
    record = made_event(camera="rtsp-admin-cam1", label="../../etc/pass wd?x=1")
    add_frames(media, range(40), camera=record.camera)
    media.event(record, start_seconds=1.0)
    until(lambda: told.snapshots)
    assert told.snapshots[record.id].endswith("_rtsp-admin-cam1_etc-pass-wd-x-1_00000000.jpg")


def test_the_table() -> None:
    table = {"pre_roll_seconds": 5, "snapshots": False, "encoder": "software"}
    options = ClipOptions.from_table(table, "cameras.toml, [clips]")
    assert options == ClipOptions(pre_roll_seconds=5.0, snapshots=False, encoder="software")


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"preroll": 3}, "here: unknown key 'preroll'; expected one of clips, snapshots"),
        ({"clips": 1}, "here: clips: expected true or false"),
        ({"max_seconds": True}, "here: max_seconds: expected a number"),
        ({"max_seconds": 0}, "here: max_seconds: expected a number above 0, got 0.0"),
        ({"post_roll_seconds": -1}, "here: post_roll_seconds: expected 0 or more seconds"),
        ({"encoder": "fast"}, 'here: encoder: expected "auto" or "software", got \'fast\''),
    ],
)
def test_mistakes_in_the_table(table: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError) as error:
        ClipOptions.from_table(table, "here")
    assert told in str(error.value)


_RUNS = """
import sys, time
from pathlib import Path
from rtaction.serve.clips.media import Media
from tests.serve.clips.test_media import SMALL, add_frames
from tests.serve.made_events import made_event
media = Media(Path(sys.argv[1]), SMALL, lambda *told: None)
add_frames(media, range(60))
media.event(made_event(ended_at=None), start_seconds=2.0)
print("begun", flush=True)
number = 60
while True:
    add_frames(media, range(number, number + 1))
    number += 1
    time.sleep(0.005)
"""


def test_what_a_killed_process_leaves_is_found_and_plays(tmp_path: Path, told: Told) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _RUNS, tmp_path / "clips"],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        with closing(Media(tmp_path / "clips", SMALL, told)) as media:
            until(lambda: None not in media.left_of(made_event()))
            clip = tmp_path / "clips" / f"{STEM}.mp4"
            until(lambda: clip.stat().st_size > 20_000)
            process.kill()
            process.wait()
            assert media.left_of(made_event()) == (clip.name, f"{STEM}.jpg")
            assert not media.is_writing(clip.name)
    times = seconds_of(clip)
    assert len(times) > 10
    assert times == [round(number / 10, 2) for number in range(len(times))]
