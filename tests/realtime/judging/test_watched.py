"""Videos are judged exactly as `rtaction.watch` judges them, and what cannot be says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rtaction
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Box, Prediction
from rtaction.realtime.judging.watched import Judged, judge_videos, of_main_person, within
from rtaction.realtime.model.action_model import ActionModel
from rtaction.video.span import Span
from tests.person_model import PERSON_SPEC
from tests.realtime.conftest import BrightnessModel, prediction_of
from tests.videos import write_flat_video, write_indexed_video


def test_the_same_predictions_as_live_files(halves_video: Path, tiny_model: Path) -> None:
    watched = list(rtaction.watch(halves_video, tiny_model, device="cpu", stride_seconds=0.2))

    (judged,) = judge_videos(
        ActionModel(tiny_model, device="cpu"), [halves_video], stride_seconds=0.2
    )

    assert judged.problem == ""
    assert judged.duration_seconds == pytest.approx(4.0, abs=0.01)
    spans = [(one.start_seconds, one.end_seconds) for one in judged.predictions]
    assert spans == [(one.start_seconds, one.end_seconds) for one in watched]
    assert len(spans) == 16
    for mine, theirs in zip(judged.predictions, watched, strict=True):
        assert np.array_equal(mine.scores, theirs.scores)


def test_what_cannot_be_judged_says_why(
    tmp_path: Path, tiny_spec: ModelSpec, caplog: pytest.LogCaptureFixture
) -> None:
    good = write_flat_video(tmp_path / "good.mp4", value=200, seconds=2.0)
    short = write_flat_video(tmp_path / "short.mp4", value=200, seconds=0.6)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    slow = write_indexed_video(tmp_path / "slow.mkv", np.linspace(0.0, 3.6, 5))
    paths = [short, broken, good, slow, tmp_path / "none.mp4"]
    calls: list[int] = []

    judged = judge_videos(BrightnessModel(tiny_spec), paths, on_video=lambda: calls.append(1))

    assert [one.path for one in judged] == paths
    assert len(calls) == 5
    assert judged[0].problem == "too short: 0.60 s, a window needs 1.00 s"
    assert judged[0].duration_seconds == pytest.approx(0.6, abs=0.01)
    assert judged[1].problem.startswith("cannot be read as a video")
    assert judged[1].duration_seconds == 0.0
    assert judged[2].problem == ""
    assert judged[3].problem.startswith("its frames are too far apart in time")
    assert "too far apart" not in caplog.text  # it is told once, by whoever reads the problem
    assert judged[3].duration_seconds == pytest.approx(4.5, abs=0.01)
    assert "there is no video file" in judged[4].problem
    assert [bool(one.predictions) for one in judged] == [False, False, True, False, False]


def test_a_name_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_spec: ModelSpec
) -> None:
    monkeypatch.chdir(tmp_path)
    video = write_flat_video(Path("video.mp4"), value=200, seconds=1.2)
    paths = [Path(name) for name in ("clip[1].mp4", "shot%05d.mp4", "0")]
    for path in paths:
        path.write_bytes(video.read_bytes())

    judged = judge_videos(BrightnessModel(tiny_spec), paths)

    assert [one.problem for one in judged] == ["", "", ""]


def _seen(person: int, end_seconds: float, box: Box) -> Prediction:
    prediction = prediction_of(PERSON_SPEC, (0.9, 0.1), end_seconds=end_seconds)
    return replace(prediction, person=person, box=box)


def test_the_main_person_is_who_is_largest_for_longest() -> None:
    tall, small = (0.0, 0.0, 1.0, 0.4), (0.0, 0.6, 0.5, 0.8)
    predictions = [_seen(2, 1.0 + n / 4, small) for n in range(3)]
    predictions += [_seen(1, 1.0, tall)]
    judged = Judged(Path("a.mp4"), tuple(predictions), 3.0)
    assert {one.person for one in of_main_person(judged).predictions} == {1}
    # For ten times as long, the small one has more.
    more = tuple(_seen(2, 2.0 + n / 4, small) for n in range(3))
    judged = replace(judged, predictions=(*predictions, *more))
    main = of_main_person(judged)
    assert [one.person for one in main.predictions] == [2] * 6
    assert (main.path, main.duration_seconds) == (judged.path, 3.0)


def test_of_whole_pictures_all_predictions_count(halves_video: Path, tiny_model: Path) -> None:
    (judged,) = judge_videos(ActionModel(tiny_model, device="cpu"), [halves_video])
    assert of_main_person(judged) is judged


SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8)


def test_a_part_has_the_windows_inside_it() -> None:
    predictions = tuple(
        prediction_of(SPEC, (0.5, 0.5), start_seconds=start / 2, end_seconds=start / 2 + 1)
        for start in range(7)
    )
    whole = Judged(Path("a.mp4"), predictions, 4.0)

    part = within(whole, Span(0.5, 2.5))

    assert [one.start_seconds for one in part.predictions] == [0.5, 1.0, 1.5]
    assert part.duration_seconds == 2.0
    assert part.problem == ""
    assert within(whole, Span(3.0, 9.0)).duration_seconds == 1.0
    assert within(whole, Span(1.1, 2.0)).problem == "no window fits into 1.1 to 2 s"
    assert within(whole, Span(5.0, 6.0, 3)).problem.startswith("line 3: it is to be used from 5")
    assert within(whole, None) is whole
