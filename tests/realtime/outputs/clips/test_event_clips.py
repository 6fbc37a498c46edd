"""Clips hold the right pictures at their true times, whatever becomes of the process or disk."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.clips.event_clips import EventClips
from tests.realtime.conftest import WAIT_SECONDS, Start, environment, frame_times

STEP_SECONDS = 0.125
LEVELS = 40


def picture(number: int, size_hw: tuple[int, int] = (48, 64)) -> npt.NDArray[np.uint8]:
    """A picture whose brightness tells its number, up to `LEVELS`, through JPEG."""
    return np.full((*size_hw, 3), 6 * (number % LEVELS) + 3, np.uint8)


def event(
    start_seconds: float,
    end_seconds: float | None = None,
    *,
    number: int = 1,
    source: str = "cam",
    label: str = "wave",
) -> ActionEvent:
    return ActionEvent(source, label, start_seconds, end_seconds, 0.9, number)


def add_frames(
    clips: EventClips, numbers: Iterable[int], *, source: str = "cam", start_seconds: float = 0.0
) -> None:
    """Pictures of these numbers, one each `STEP_SECONDS`."""
    for number in numbers:
        clips.add_frame(source, picture(number), start_seconds + number * STEP_SECONDS)


def decoded(path: Path) -> list[tuple[float, int]]:
    """Time and number of each picture of a clip."""
    with av.open(str(path)) as container:
        return [
            (float(frame.time or 0.0), int(frame.to_ndarray(format="rgb24").mean() // 6))
            for frame in container.decode(video=0)
        ]


def expected(numbers: Iterable[int]) -> list[tuple[float, int]]:
    """What `decoded` gives for pictures of these numbers."""
    listed = list(numbers)
    return [((number - listed[0]) * STEP_SECONDS, number % LEVELS) for number in listed]


def only_clip(folder: Path) -> Path:
    """The one file of a folder."""
    (path,) = folder.iterdir()
    return path


@contextmanager
def event_clips(folder: Path, **options: Any) -> Iterator[EventClips]:
    clips = EventClips(folder, **options)
    yield clips
    clips.close()
    assert clips.num_dropped == 0


@pytest.mark.parametrize(
    ("pre_roll_seconds", "post_roll_seconds", "expected_numbers"),
    [
        # The event goes from picture 16 to picture 24; its end is told at picture 26.
        (1.0, 0.5, range(8, 29)),
        (0.0, 1.0, range(16, 33)),
        (2.0, 0.25, range(27)),
        (9.0, 9.0, range(40)),
        # Written before the end was known.
        (0.25, 0.0, range(14, 27)),
    ],
)
def test_a_clip(
    tmp_path: Path, pre_roll_seconds: float, post_roll_seconds: float, expected_numbers: range
) -> None:
    with event_clips(
        tmp_path, pre_roll_seconds=pre_roll_seconds, post_roll_seconds=post_roll_seconds
    ) as clips:
        add_frames(clips, range(19))
        clips.add_event(event(2.0))
        add_frames(clips, range(19, 27))
        clips.add_event(event(2.0, 3.0))
        add_frames(clips, range(27, 40))

    assert decoded(only_clip(tmp_path)) == expected(expected_numbers)


def test_a_clip_of_an_event_that_is_told_after_its_end(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=0.5, post_roll_seconds=0.25) as clips:
        add_frames(clips, range(30))
        clips.add_event(event(2.0))
        clips.add_event(event(2.0, 2.5))
        clips.add_event(event(3.0, 3.25, number=2))
        add_frames(clips, range(30, 35))

    first, second = sorted(tmp_path.iterdir())
    # The first was open when its pictures were there already.
    assert decoded(first) == expected(range(12, 30))
    assert decoded(second) == expected(range(20, 29))


def test_a_clip_is_finished_as_soon_as_it_can_be(tmp_path: Path) -> None:
    with event_clips(tmp_path, post_roll_seconds=0.5) as clips:
        add_frames(clips, range(30))
        clips.add_event(event(2.0, 2.5))
        assert clips.flush(WAIT_SECONDS)

        with av.open(str(only_clip(tmp_path))) as container:
            assert container.duration == 3_000_000


def test_colours(tmp_path: Path) -> None:
    with event_clips(tmp_path, quality=100) as clips:
        for number in range(2):
            clips.add_frame("cam", np.full((32, 32, 3), (200, 100, 20), np.uint8), number / 10)
        clips.add_event(event(0.0, 9.0))

    with av.open(str(only_clip(tmp_path))) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert image[16, 16].tolist() == pytest.approx([200, 100, 20], abs=4)


def test_irregular_times_stay_true(tmp_path: Path) -> None:
    times = 1e6 + np.cumsum(np.random.default_rng(0).uniform(0.002, 0.2, 40))
    with event_clips(tmp_path, pre_roll_seconds=99.0) as clips:
        for number, seconds in enumerate(times.tolist()):
            clips.add_frame("cam", picture(number), seconds)
        clips.add_event(event(float(times[20]), float(times[39])))

    kept = times[times >= times[-1] - 104.0]
    assert frame_times(only_clip(tmp_path)) == pytest.approx((kept - kept[0]).tolist(), abs=6e-4)


def test_pictures_within_one_millisecond_are_all_there(tmp_path: Path) -> None:
    with event_clips(tmp_path) as clips:
        for number in range(4):
            clips.add_frame("cam", picture(number), number * 1e-4)
        clips.add_frame("cam", picture(0), 3 * 1e-4)  # no time has passed: the same picture
        clips.add_event(event(0.0, 1.0))

    assert decoded(only_clip(tmp_path)) == [(0.0, 0), (0.001, 1), (0.002, 2), (0.003, 3)]


def test_the_ring_is_bounded_by_time(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=1.0, max_delay_seconds=0.5) as clips:
        add_frames(clips, range(40))
        clips.add_event(event(0.0, 9.0))

    assert decoded(only_clip(tmp_path)) == expected(range(27, 40))


def test_the_ring_is_bounded_by_bytes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (48, 64, 3)).astype(np.uint8)
    with event_clips(tmp_path, pre_roll_seconds=99.0, max_bytes_per_source=20_000) as clips:
        for number in range(40):
            clips.add_frame("cam", noise, number * STEP_SECONDS)
        clips.add_event(event(0.0, 9.0))

    path = only_clip(tmp_path)
    assert 2 <= len(frame_times(path)) < 20
    assert path.stat().st_size < 25_000


def test_a_long_event_is_cut_off(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=0.5, max_seconds=2.0) as clips:
        add_frames(clips, range(10))
        clips.add_event(event(1.0))
        add_frames(clips, range(10, 60))
        assert clips.flush(WAIT_SECONDS)
        assert len(decoded(only_clip(tmp_path))) == 17
        clips.add_event(event(1.0, 7.0))
        add_frames(clips, range(60, 70))

    assert decoded(only_clip(tmp_path)) == expected(range(4, 21))


def test_overlapping_events_have_a_clip_each(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=1.0, post_roll_seconds=1.0) as clips:
        add_frames(clips, range(12))
        clips.add_event(event(1.0, label="wave"))
        clips.add_event(event(1.0, 1.5, label="wave"))
        clips.add_event(event(1.625, label="clap", number=2))
        add_frames(clips, range(12, 18))
        clips.add_event(event(1.625, 2.0, label="clap", number=2))
        add_frames(clips, range(18, 40))

    wave, clap = sorted(tmp_path.iterdir())
    assert ("_wave_1" in wave.name, "_clap_2" in clap.name) == (True, True)
    assert decoded(wave) == expected(range(21))
    assert decoded(clap) == expected(range(5, 25))


def test_sources_do_not_mix(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=1.0, post_roll_seconds=0.0) as clips:
        for number in range(20):
            clips.add_frame("a", picture(number), number * STEP_SECONDS)
            clips.add_frame("b", picture(39 - number), 100.0 + number * STEP_SECONDS)
        clips.add_event(event(2.0, 2.375, source="a"))
        clips.add_event(event(102.0, 102.375, source="b"))

    a, b = sorted(tmp_path.iterdir(), key=lambda path: path.name.split("_")[1])
    assert [number for _, number in decoded(a)] == list(range(8, 20))
    assert [number for _, number in decoded(b)] == [39 - number for number in range(8, 20)]


def test_time_that_runs_backwards_ends_a_clip(tmp_path: Path) -> None:
    with event_clips(tmp_path) as clips:
        add_frames(clips, range(16), start_seconds=100.0)
        clips.add_event(event(101.0))
        add_frames(clips, range(16))
        assert clips.flush(WAIT_SECONDS)
        assert decoded(only_clip(tmp_path)) == expected(range(16))
        clips.add_event(event(101.0, 101.5))
        clips.add_event(event(1.0, number=2))

    assert [decoded(path) for path in sorted(tmp_path.iterdir())] == [expected(range(16))] * 2


def test_a_silence_stays_in_the_clip(tmp_path: Path) -> None:
    with event_clips(tmp_path, post_roll_seconds=1.0) as clips:
        add_frames(clips, range(4))
        clips.add_event(event(0.25))
        clips.add_event(event(0.25, 0.375))
        clips.add_frame("cam", picture(9), 1.25)
        clips.add_frame("cam", picture(10), 500.0)

    assert decoded(only_clip(tmp_path)) == [*expected(range(4)), (1.25, 9)]


def test_a_change_of_size(tmp_path: Path) -> None:
    sizes = [(48, 64)] * 3 + [(97, 131)] * 3
    with event_clips(tmp_path) as clips:
        for number, size_hw in enumerate(sizes):
            clips.add_frame("cam", picture(number, size_hw), number * STEP_SECONDS)
        clips.add_event(event(0.0, 9.0))

    with av.open(str(only_clip(tmp_path))) as container:
        assert [(f.height, f.width) for f in container.decode(video=0)] == sizes


def test_an_event_without_pictures_makes_no_file(tmp_path: Path) -> None:
    with event_clips(tmp_path) as clips:
        clips.add_event(event(5.0))
        clips.add_event(event(5.0, 6.0))

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "label", "expected_end"),
    [
        ("webcam 0", "wave", "webcam-0_wave_1.mkv"),
        ("Café/Tür: 2", "high five!", "Cafe-Tur-2_high-five_1.mkv"),
        ("../..", "CON", "x_CON_1.mkv"),
        ("拍手", "拍手", "x_x_1.mkv"),
        ("rtsp://host/stream1", "a_b", "rtsp-host-stream1_a-b_1.mkv"),
        ("rtsp://user:s3cret@host/s?password=s3cret", "wave", "rtsp-host-s_wave_1.mkv"),
        ("n" * 300, "l" * 300, f"{'n' * 40}_{'l' * 40}_1.mkv"),
    ],
)
def test_names(tmp_path: Path, source: str, label: str, expected_end: str) -> None:
    before = datetime.now(UTC)
    with event_clips(tmp_path) as clips:
        add_frames(clips, range(17), source=source)
        clips.add_event(event(1.0, 2.0, source=source, label=label))
    after = datetime.now(UTC)

    name = only_clip(tmp_path).name
    stamp, _, end = name.partition("_")
    assert end == expected_end
    # The event began one second before the newest picture.
    started = datetime.strptime(stamp, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)
    assert before.timestamp() - 1.001 <= started.timestamp() <= after.timestamp() - 1.0


def test_the_name_says_who_did_it(tmp_path: Path) -> None:
    with event_clips(tmp_path) as clips:
        add_frames(clips, range(10))
        clips.add_event(replace(event(0.5, number=7), person=12))
    assert only_clip(tmp_path).stem.endswith("_cam_wave_7_person-12")


def test_names_sort_by_time(tmp_path: Path) -> None:
    with event_clips(tmp_path, pre_roll_seconds=0.0, post_roll_seconds=0.0) as clips:
        add_frames(clips, range(40))
        for number, start in enumerate((8, 12, 20, 31), start=1):
            label = "dcba"[number - 1]
            seconds = start * STEP_SECONDS
            clips.add_event(event(seconds, seconds + 0.25, number=number, label=label))

    firsts = [decoded(path)[0][1] for path in sorted(tmp_path.iterdir())]
    assert firsts == [8, 12, 20, 31]


def test_equal_names_do_not_collide(tmp_path: Path) -> None:
    with event_clips(tmp_path) as clips:
        for number in range(30):
            # One slug for all; the same millisecond for some of them, whatever the clock does.
            source = "cam" + "-" * number
            clips.add_frame(source, picture(number), 5.0)
            clips.add_event(event(5.0, 6.0, source=source))

    numbers = sorted(decoded(path)[0][1] for path in tmp_path.iterdir())
    assert numbers == list(range(30))


def test_a_name_that_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_750_000_000.25)
    for number in range(3):
        with event_clips(tmp_path) as clips:
            add_frames(clips, [number])
            clips.add_event(event(number * STEP_SECONDS, 9.0))

    assert {path.name: decoded(path)[0][1] for path in tmp_path.iterdir()} == {
        "20250615T150640.250Z_cam_wave_1.mkv": 0,
        "20250615T150640.250Z_cam_wave_1_2.mkv": 1,
        "20250615T150640.250Z_cam_wave_1_3.mkv": 2,
    }


KILLED = """
import sys, numpy as np
from pathlib import Path
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.outputs.clips.event_clips import EventClips
from tests.realtime.outputs.clips.test_event_clips import WAIT_SECONDS, add_frames, event
clips = EventClips(Path(sys.argv[1]))
add_frames(clips, range(16))
clips.add_event(event(1.0))
add_frames(clips, range(16, 31))
print(clips.flush(WAIT_SECONDS), flush=True)
sys.stdin.read()
"""


def test_a_clip_plays_when_the_process_was_killed(tmp_path: Path, start: Start) -> None:
    child = start(sys.executable, "-c", KILLED, str(tmp_path), stdin=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"

    child.kill()

    assert child.wait(WAIT_SECONDS) != 0
    # The last picture was still in the process.
    assert decoded(only_clip(tmp_path)) == expected(range(30))


def test_a_clip_plays_wherever_it_is_cut_off(tmp_path: Path) -> None:
    with event_clips(tmp_path / "whole") as clips:
        add_frames(clips, range(30))
        clips.add_event(event(0.5, 9.0))
    whole = only_clip(tmp_path / "whole").read_bytes()

    numbers = []
    for part in range(2, 10):
        path = tmp_path / f"{part}.mkv"
        path.write_bytes(whole[: len(whole) * part // 10])
        pictures = decoded(path)
        # The one that is cut through may be decoded to half.
        assert pictures[:-1] == expected(range(30))[: len(pictures) - 1]
        numbers.append(len(pictures))
    assert numbers[0] > 0
    assert all(before < after for before, after in pairwise(numbers))


FULL_DISK = """
import logging, resource, sys
from pathlib import Path
from rtaction.errors import OutputError
from rtaction.realtime.outputs.clips.event_clips import EventClips
from tests.realtime.outputs.clips.test_event_clips import WAIT_SECONDS, add_frames, event
logging.basicConfig(format="%(message)s")
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
clips = EventClips(Path(sys.argv[1]))
add_frames(clips, range(16))
clips.add_event(event(1.0))
add_frames(clips, range(16, 40))
clips.add_event(event(1.0, 5.0))
clips.add_event(event(2.0, 5.0, number=2))
clips.flush(WAIT_SECONDS)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
clips.add_event(event(4.875, 5.0, number=3))
try:
    clips.close()
except OutputError as error:
    print(error, "|", clips.num_dropped)
clips.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes to run into")
@pytest.mark.parametrize(
    ("limit_bytes", "expected_clips", "expected_dropped"), [(12_000, 3, None), (100, 1, 40 + 40)]
)
def test_a_full_disk(
    tmp_path: Path, limit_bytes: int, expected_clips: int, expected_dropped: int | None
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), str(limit_bytes)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr.count("an event clip cannot be written: ") == 1, done.stderr
    assert "Traceback" not in done.stderr
    message, _, dropped = done.stdout.partition("|")
    assert done.stderr.count("\n") == 1
    assert re.match(
        rf"not all event clips could be written: {tmp_path}/\S+\.mkv: File too large; ", message
    )
    assert f"{int(dropped)} frames are missing" in message
    *cut_off, last = sorted(tmp_path.iterdir())
    assert len(cut_off) + 1 == expected_clips
    # There was room again for the last.
    assert decoded(last) == expected(range(23, 40))
    counts = [len(decoded(path)) for path in cut_off]
    assert all(0 < count < 40 for count in counts)
    if expected_dropped is None:
        assert 0 < int(dropped) < 80
    else:
        assert int(dropped) == expected_dropped


def test_a_folder_that_vanishes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = EventClips(tmp_path / "clips")
    shutil.rmtree(tmp_path / "clips")
    add_frames(clips, range(10))
    with caplog.at_level(logging.WARNING):
        clips.add_event(event(1.0))
        clips.add_event(event(1.0, number=2))
        assert clips.flush(WAIT_SECONDS)

    assert len(caplog.records) == 1
    assert clips.num_dropped == 20
    with pytest.raises(OutputError, match=r"No such file.*20 frames are missing"):
        clips.close()


def test_a_queue_without_room(tmp_path: Path) -> None:
    clips = EventClips(tmp_path, max_queue_bytes=1)
    add_frames(clips, range(10))
    clips.add_event(event(1.0))
    add_frames(clips, range(10, 15))
    clips.close()

    assert clips.num_dropped == 15
    assert list(tmp_path.iterdir()) == []


def test_a_queue_has_room_again_when_it_was_written(tmp_path: Path) -> None:
    with event_clips(tmp_path, max_queue_bytes=2_000) as clips:
        clips.add_event(event(0.0))
        for number in range(30):
            add_frames(clips, [number])
            assert clips.flush(WAIT_SECONDS)

    assert decoded(only_clip(tmp_path)) == expected(range(30))


@pytest.fixture
def full_pipe(tmp_path: Path) -> Iterator[Path]:
    """A named pipe that takes nothing more, so that writing to it waits until it is gone."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
    with suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(512))
    yield path
    os.close(reader)
    os.close(writer)


@pytest.mark.skipif(sys.platform == "win32", reason="no named pipes in folders")
def test_a_disk_that_stands_still_delays_nobody(
    tmp_path: Path, full_pipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "rtaction.realtime.outputs.clips.clip_file._create", lambda folder, stem, suffix: full_pipe
    )
    clips = EventClips(tmp_path / "clips", max_queue_bytes=20_000)

    clips.add_event(event(0.0))
    add_frames(clips, range(100))
    assert not clips.flush(0.1)
    num_dropped = clips.num_dropped
    started = time.monotonic()
    with pytest.raises(OutputError, match="the disk did not keep up"):
        clips.close()

    assert 0 < num_dropped < 99
    # All but the one that the disk has begun to take.
    assert clips.num_dropped == 99
    assert time.monotonic() - started < WAIT_SECONDS


def test_after_close_nothing_is_taken(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    clips = EventClips(tmp_path)
    assert len(set(threading.enumerate()) - before) == 1
    add_frames(clips, range(10))
    clips.add_event(event(1.0))
    clips.close()
    size = only_clip(tmp_path).stat().st_size

    add_frames(clips, range(10, 20))
    clips.add_event(event(2.0, number=2))
    clips.close()

    assert only_clip(tmp_path).stat().st_size == size
    assert set(threading.enumerate()) <= before


def test_a_folder_is_made(tmp_path: Path) -> None:
    with event_clips(tmp_path / "a:b" / "Ünï 100%"):
        assert (tmp_path / "a:b" / "Ünï 100%").is_dir()


def test_a_folder_with_odd_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with event_clips(Path("concat:b%d 拍手")) as clips:
        add_frames(clips, range(5))
        clips.add_event(event(0.0, 9.0))

    assert decoded(only_clip(tmp_path / "concat:b%d 拍手")) == expected(range(5))


def test_a_file_where_the_folder_must_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    for folder in (tmp_path / "file", tmp_path / "file" / "clips"):
        with pytest.raises(OutputError, match=re.escape(f"cannot write event clips into {folder}")):
            EventClips(folder)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_times_that_cannot_be_meant(tmp_path: Path, seconds: float) -> None:
    with pytest.raises(UsageError, match="pre_roll_seconds of event clips must be 0 or more, got"):
        EventClips(tmp_path, pre_roll_seconds=seconds)


def test_clips_that_browsers_play(tmp_path: Path) -> None:
    clips = EventClips(tmp_path, format="mp4")
    add_frames(clips, range(20))
    clips.add_event(event(0.0, 0.5))
    clips.close(WAIT_SECONDS)

    (path,) = tmp_path.iterdir()
    assert path.suffix == ".mp4"
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
    times = frame_times(path)
    assert len(times) >= 4
    with_jpegs = tmp_path / "jpegs"
    others = EventClips(with_jpegs)
    add_frames(others, range(20))
    others.add_event(event(0.0, 0.5))
    others.close(WAIT_SECONDS)
    (other,) = with_jpegs.iterdir()
    assert times == pytest.approx(frame_times(other), abs=0.001)
