"""A browser's pictures are looked at; takes are kept, refused and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import NoSuchThing, OutputError, UsageError
from rtaction.models import SAMPLE_CLIP
from rtaction.opencv import cv2
from rtaction.realtime.model.action_model import ActionModel
from rtaction.serve.school.eye import NOT_WRITTEN
from rtaction.serve.school.lessons import Lessons
from rtaction.teach.takes import Take, TakesFolder
from rtaction.video.file import read_video

Pictures = list[tuple[float, bytes]]


def jpeg_of(image_rgb: np.ndarray) -> bytes:
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR))
    return jpeg.tobytes()


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    """The drawn person of the demo, some 12 pictures a second, who waves from second 3 on."""
    found: Pictures = []
    for frame in read_video(SAMPLE_CLIP):
        if frame.captured_at_seconds > 6.5:
            break
        if not found or frame.captured_at_seconds >= found[-1][0] + 0.06:
            found.append((frame.captured_at_seconds, jpeg_of(frame.image)))
    return found


@pytest.fixture(scope="module")
def model() -> list[ActionModel]:
    return []


@pytest.fixture
def school(tmp_path: Path, model: list[ActionModel]) -> Iterator[Lessons]:
    def opened(path: Path) -> ActionModel:
        if not model:  # the bundled one, loaded once
            model.append(ActionModel(path, device="cpu"))
        return model[0]

    lessons = Lessons(tmp_path / "lessons", opened)
    yield lessons
    lessons.close()


def test_who_waves_is_named(school: Lessons, pictures: Pictures) -> None:
    eye = school.eye(None)
    seen = [eye.see(jpeg, at_seconds) for at_seconds, jpeg in pictures]
    last = seen[-1]
    assert last["state"] == "ok"
    assert last["events"] == ["wave"]
    (person,) = last["people"]
    assert person["label"] == "wave"
    assert len(person["joints"]) == 17
    assert last["scores"][0]["label"] == "wave"
    assert seen[0]["people"] == []
    with pytest.raises(UsageError, match="no lesson to record"):
        eye.record("wave", 2.0)
    eye.close()


def test_takes_are_kept_where_somebody_is_seen(school: Lessons, pictures: Pictures) -> None:
    lesson = school.begin().id
    eye = school.eye(lesson)
    before = [eye.see(jpeg, at_seconds - 10.0) for at_seconds, jpeg in pictures[:3]]
    assert len(before[-1]["people"]) == 1  # seen at once, though nothing was learned
    assert before[-1]["scores"] == []
    eye.record("my wave", 1.0)
    answers = [eye.see(jpeg, at_seconds) for at_seconds, jpeg in pictures[:18]]
    assert answers[0]["recording"] == {"label": "my wave", "seconds_left": 1.0}
    assert [one["take"] for one in answers if one["take"]] == [
        {"label": "my wave", "kept": True, "reason": ""}
    ]
    assert school.lesson(lesson).takes == {"my wave": 1}

    eye.record("my wave", 1.0)
    gray = jpeg_of(np.full((240, 320, 3), 127, np.uint8))
    answers = [eye.see(gray, 10 + number / 10) for number in range(12)]
    (refused,) = [one["take"] for one in answers if one["take"]]
    assert refused["kept"] is False
    assert "nobody" in refused["reason"]
    assert school.lesson(lesson).takes == {"my wave": 1}

    eye.record("my wave", 3.0)
    eye.see(gray, 20.0)
    eye.close()
    eye.close()
    assert school.lesson(lesson).takes == {"my wave": 1}
    with pytest.raises(UsageError, match="two labels"):
        school.learn(lesson)
    with pytest.raises(NoSuchThing, match="nothing has been learned"):
        school.model(lesson)
    assert school.remove_take(lesson, "my wave").takes == {}
    with pytest.raises(NoSuchThing, match="no take"):
        school.remove_take(lesson, "my wave")
    eye = school.eye(lesson)
    school.remove(lesson)
    with pytest.raises(UsageError, match="was removed"):
        eye.record("my wave", 1.0)
    eye.close()
    assert school.lessons() == []


def test_a_take_that_cannot_be_written_is_told(
    school: Lessons, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OutputError("the disk is full")

    eye = school.eye(school.begin().id)
    for broken, num_pictures in ((TakesFolder, 1), (Take, 2)):
        with monkeypatch.context() as patched:
            patched.setattr(broken, "begin" if broken is TakesFolder else "finish", full)
            eye.record("my wave", 1.0)
            times = [number * 1.5 for number in range(1, num_pictures + 1)]
            (*_, last) = [eye.see(pictures[0][1], 10 * num_pictures + seconds) for seconds in times]
        assert last["take"] == {"label": "my wave", "kept": False, "reason": NOT_WRITTEN}
        assert eye.see(pictures[0][1], 10 * num_pictures + 5.0)["recording"] is None
    eye.close()


def test_a_lesson_does_not_fill_the_disk(school: Lessons, monkeypatch: pytest.MonkeyPatch) -> None:
    eye = school.eye(school.begin().id)
    with pytest.raises(UsageError, match="60 characters"):
        eye.record("x" * 61, 1.0)
    monkeypatch.setattr(TakesFolder, "labels", ["wave", "clap"])
    monkeypatch.setattr(TakesFolder, "takes_of", lambda *_: [Path("take.mkv")] * 150)
    with pytest.raises(UsageError, match="300 takes"):
        eye.record("wave", 1.0)
    eye.close()


@pytest.mark.parametrize("lesson", ["../x", "", "a/b", "gone"])
def test_there_is_no_such_lesson(school: Lessons, lesson: str) -> None:
    with pytest.raises(NoSuchThing):
        school.lesson(lesson)
    with pytest.raises(NoSuchThing):
        school.eye(lesson)


def test_what_is_no_picture_is_refused(school: Lessons) -> None:
    eye = school.eye(None)
    for data in (b"", b"GIF89a", b"\xff\xd8\xff\xe0" + bytes(100)):
        with pytest.raises(UsageError, match="expected a JPEG picture"):
            eye.see(data, 1.0)
    large = jpeg_of(np.zeros((8, 2000, 3), np.uint8))
    with pytest.raises(UsageError, match="2000x8"):
        eye.see(large, 1.0)
    at = large.index(b"\xff\xc0") + 5
    huge = large[:at] + b"\x75\x30\x75\x30" + large[at + 4 :]
    with pytest.raises(UsageError, match="30000x30000"):  # before it fills the memory
        eye.see(huge, 1.0)
    small = jpeg_of(np.zeros((8, 8, 3), np.uint8))
    eye.see(small, 1.0)
    with pytest.raises(UsageError, match=r"must be above 1\.000"):
        eye.see(small, 1.0)
    for label, seconds in (("a/b", 2.0), ("wave", 0.1), ("wave", 60.0)):
        with pytest.raises(UsageError):
            school.eye(school.begin().id).record(label, seconds)


def test_not_everybody_looks_at_once(school: Lessons) -> None:
    eyes = [school.eye(None) for _ in range(4)]
    with pytest.raises(UsageError, match="close one"):
        school.eye(None)
    eyes.pop().close()
    eyes.append(school.eye(None))
    for eye in eyes:
        eye.close()
