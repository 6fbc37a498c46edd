"""Clips of judged events go where training finds them, and away when that is taken back."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import av
import pytest

from rtaction.errors import UsageError
from rtaction.labelled.corrections import find_corrections
from rtaction.realtime.outputs.clips.clip_file import ClipFile
from rtaction.serve.clips.corrections import Corrections, check_verdict
from rtaction.serve.clips.event_file import comment_for, stem_of
from rtaction.serve.house.record import EventRecord
from rtaction.teach.waiting_clips import WaitingClips, told_of
from tests.serve.made_events import made_event
from tests.serve.small_disks import fill, small_disk
from tests.videos import index_image


@pytest.fixture
def corrections(tmp_path: Path) -> Iterator[Corrections]:
    (tmp_path / "clips").mkdir()
    with closing(Corrections(tmp_path / "corrections", tmp_path / "clips")) as opened:
        yield opened


def with_clip(clips: Path, record: EventRecord, size_hw: tuple[int, int] = (48, 64)) -> EventRecord:
    """Ten seconds of clip, at ten frames a second, for an event that starts at its third."""
    from rtaction.opencv import cv2
    from rtaction.realtime.outputs.clips.clip_file import JpegPicture

    file = ClipFile(clips, stem_of(record), "mp4", comment=comment_for(3.0))
    for number in range(100):
        jpeg = cv2.imencode(".jpg", index_image(number, size_hw))[1].tobytes()
        file.write(JpegPicture(number / 10, jpeg, size_hw))
    file.close()
    assert file.path is not None
    return replace(record, clip=file.path.name)


def judged(corrections: Corrections, record: EventRecord, verdict: str | None) -> None:
    corrections.put(replace(record, verdict=verdict))
    corrections.flush(10)


def found(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def length_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    return times[-1] - times[0]


def test_each_verdict_has_its_place(corrections: Corrections, tmp_path: Path) -> None:
    folder, clips = tmp_path / "corrections", tmp_path / "clips"
    event = made_event(person=3, box=(0.1, 0.2, 0.3, 0.4))
    event = with_clip(clips, replace(event, ended_at=event.started_at.replace(second=2)))
    stem = stem_of(event)
    for verdict, place in (
        ("right", "wave"),
        ("wrong", "unlabelled"),
        ("jumping jack", "jumping jack"),
        ("wrong", "unlabelled"),
    ):
        for _ in range(2):
            judged(corrections, event, verdict)
            assert found(folder) == [f"{place}/{stem}.json", f"{place}/{stem}.mp4"]
    # It goes where `rtaction label` moves it, and is still found.
    waiting = WaitingClips(folder)
    (clip,) = waiting.waiting
    told = told_of(clip)
    assert (told.why, told.source, told.person) == ("wrong", "Door", 3)
    assert told.guesses == (("wave", 0.75),)
    waiting.label(clip, "fall")
    assert [video.label for video in find_corrections(folder)] == ["fall"]

    judged(corrections, event, None)
    assert found(folder) == []
    assert list(folder.glob("[!u]*")) == []
    assert [path.name for path in clips.iterdir()] == [event.clip]


def test_the_event_with_a_second_around_it(corrections: Corrections, tmp_path: Path) -> None:
    event = made_event(0)
    ended_at = event.started_at.replace(second=2)
    event = with_clip(tmp_path / "clips", replace(event, ended_at=ended_at), (560, 64))
    judged(corrections, event, "right")
    (path,) = (tmp_path / "corrections" / "wave").glob("*.mp4")
    assert length_seconds(path) == pytest.approx(4.0, abs=0.2)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.height, video.width) == (480, 54)
    told = json.loads(path.with_suffix(".json").read_text())
    assert (told["event_start_seconds"], told["event_end_seconds"]) == (1.0, 3.0)
    assert told["event"] == event.id


def test_a_clip_that_comes_later(corrections: Corrections, tmp_path: Path) -> None:
    folder = tmp_path / "corrections"
    judged(corrections, made_event(), "right")
    assert found(folder) == []
    event = with_clip(tmp_path / "clips", made_event())
    judged(corrections, event, "right")
    assert len(found(folder)) == 2
    # The clip is gone by now, its correction stays: until it is taken back.
    assert event.clip is not None
    (tmp_path / "clips" / event.clip).unlink()
    judged(corrections, event, "right")
    assert len(found(folder)) == 2
    judged(corrections, replace(event, clip=None), None)
    assert found(folder) == []


def test_a_damaged_clip_and_a_full_disk(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    event = with_clip(clips, made_event(), (240, 320))
    damaged = replace(made_event(1), clip="damaged.mp4")
    (clips / "damaged.mp4").write_bytes(b"no video")
    with (
        small_disk(tmp_path / "disk", num_bytes=200_000) as disk,
        closing(Corrections(disk / "corrections", clips)) as corrections,
        caplog.at_level(logging.WARNING),
    ):
        filling = fill(disk)
        judged(corrections, damaged, "right")
        judged(corrections, event, "right")
        assert caplog.text.count("is not kept as a correction") == 2
        filling.unlink()
        judged(corrections, event, "right")
        assert len(found(disk / "corrections")) == 2


@pytest.mark.parametrize("verdict", ["right", "wrong", "jumping jack", "left_hook-2", "Tür"])
def test_verdicts(verdict: str) -> None:
    assert check_verdict(verdict) == verdict


@pytest.mark.parametrize("verdict", ["", "../up", "a/b", "unlabelled", " x", "x" * 65, "a\nb", "."])
def test_no_verdicts(verdict: str) -> None:
    with pytest.raises(UsageError):
        check_verdict(verdict)
