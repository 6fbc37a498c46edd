"""The follower encodes each picture once and says what the whole model would say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import DeferredFrame, Frame
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.model.action_model import ActionModel
from rtaction.sampling import sliding_selections
from rtaction.video.motion import clip_pictures
from rtaction.video.pixels import prepare_image
from tests.realtime.conftest import gray_frame
from tests.realtime.windows.following import Follower
from tests.tiny_model import write_tiny_model


class CountingModel(ActionModel):
    """Notes the brightness of every picture that is encoded."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, device="cpu")
        self.encoded: list[int] = []

    def encode(self, images: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        self.encoded += images[:, 0, 0, 0].tolist()
        return super().encode(images)


@pytest.fixture
def model(tiny_model: Path) -> CountingModel:
    return CountingModel(tiny_model)


def see_all(follower: Follower, frames: list[Frame]) -> list[Prediction]:
    predictions = [prediction for frame in frames for prediction in follower.see(frame)]
    return predictions + follower.finish()


def numbered_frames(times_seconds: npt.NDArray[np.float64]) -> list[Frame]:
    return [gray_frame(float(t), value=i, index=i) for i, t in enumerate(times_seconds)]


def test_each_picture_is_encoded_once(model: CountingModel) -> None:
    follower = Follower(model, stride_seconds=0.1)

    predictions = see_all(follower, numbered_frames(np.arange(80) / 20))

    assert len(predictions) == 31
    assert len(model.encoded) == len(set(model.encoded)) == follower.engine.num_encoded
    assert follower.engine.num_encoded < 80


def test_only_pictures_of_a_window_are_encoded(model: CountingModel) -> None:
    follower = Follower(model)

    see_all(follower, numbered_frames(np.arange(21) / 20))

    assert sorted(model.encoded) == [0, 5, 10, 15, 20]


def test_a_picture_that_stands_twice_in_a_window_is_encoded_once(model: CountingModel) -> None:
    follower = Follower(model)

    predictions = see_all(follower, numbered_frames(np.array([0.0, 0.4, 0.8, 1.0])))

    assert len(predictions) == 1
    assert sorted(model.encoded) == [0, 1, 2, 3]


@pytest.mark.parametrize("modality", ["gray", "diff", "rgb+abs_diff", "gray+flow"])
@pytest.mark.parametrize("seed", range(3))
def test_the_cache_changes_no_score(tmp_path: Path, seed: int, modality: str) -> None:
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, modality=modality, resize="letterbox")
    model = ActionModel(write_tiny_model(tmp_path / "tiny.onnx", spec), device="cpu")
    random = np.random.default_rng(seed)
    times = np.cumsum(random.uniform(0.02, 0.2, 100))
    frames = [
        Frame(random.integers(0, 256, (24, 32, 3), np.uint8), float(t), i)
        for i, t in enumerate(times)
    ]

    predictions = see_all(Follower(model, stride_seconds=0.15), frames)

    selections = sliding_selections(
        times,
        frames_per_clip=spec.frames_per_window,
        clip_seconds=spec.window_seconds,
        stride_seconds=0.15,
    )
    chosen = [s.indices for s in selections if s.problem is None]
    images = np.stack(
        [prepare_image(f.image, (8, 8), base=spec.base, resize="letterbox") for f in frames]
    )
    clips = [clip_pictures(images[indices], modality) for indices in chosen]
    expected = model.score_clips(np.stack(clips))
    assert len(predictions) == len(chosen) > 20
    assert np.abs(np.stack([p.scores for p in predictions]) - expected).max() < 1e-6
    assert [(p.start_seconds, p.end_seconds) for p in predictions] == [
        (times[indices[0]], times[indices[-1]]) for indices in chosen
    ]


def test_scores_tell_the_brightness(model: CountingModel) -> None:
    frames = [gray_frame(t, value=51) for t in np.arange(5) / 4]

    (prediction,) = see_all(Follower(model), frames)

    assert prediction.scores == pytest.approx([0.2, 0.8])
    assert (prediction.label, prediction.source) == ("dark", "test")
    assert prediction.scores.dtype == np.float32


def test_stride_defaults_to_the_distance_of_two_pictures(model: CountingModel) -> None:
    predictions = see_all(Follower(model), numbered_frames(np.arange(41) / 20))

    assert [p.end_seconds for p in predictions] == pytest.approx([1.0, 1.25, 1.5, 1.75, 2.0])


def test_windows_over_a_hole_are_refused(model: CountingModel) -> None:
    times = np.concatenate([np.arange(21) / 20, 1.8 + np.arange(30) / 20])
    follower = Follower(model)
    states = []
    ends = []
    for frame in numbered_frames(times):
        ends += [p.end_seconds for p in follower.see(frame)]
        states.append(follower.tracker.state)

    assert ends == pytest.approx([1.0, 2.75, 3.0, 3.25], abs=0.051)
    assert follower.tracker.drops == {"degraded": 6}
    assert states[19:22] == ["warming_up", "ok", "degraded"]
    assert states[-1] == "ok"


@pytest.mark.parametrize("jump_seconds", [1.5, 3600.0, -30.0])
def test_no_window_holds_pictures_of_two_runs(model: CountingModel, jump_seconds: float) -> None:
    first = np.arange(25) / 20
    times = np.concatenate([first, first[-1] + jump_seconds + first])
    follower = Follower(model)
    ends = []
    states = []
    for frame in numbered_frames(times):
        ends += [p.end_seconds for p in follower.see(frame)]
        states.append(follower.tracker.state)

    assert ends == pytest.approx([1.0, first[-1] + jump_seconds + 1.0])
    assert states[24:27] == ["ok", "warming_up", "warming_up"]


def test_a_live_source_skips_windows_that_are_late(model: CountingModel) -> None:
    # One frame that comes 0.6 s after the one before completes three windows at once. They lie
    # ahead, so that no delay of a busy machine makes them too old to be judged.
    times = time.monotonic() + 1000.0 + np.concatenate([np.arange(21) / 20, [1.6]])
    live, patient = Follower(model, live=True), Follower(model)
    for frame in numbered_frames(times):
        live.see(frame)
        patient.see(frame)

    assert live.tracker.drops == {"skipped": 1, "degraded": 1}
    assert patient.tracker.drops == {"degraded": 2}


def test_latency_counts_from_capture_where_the_source_is_live(model: CountingModel) -> None:
    start = time.monotonic() - 1.5
    frames = [gray_frame(start + t) for t in np.arange(5) / 4]

    live = see_all(Follower(model, live=True), frames)
    (file,) = see_all(Follower(model), frames)

    for prediction in live:
        assert 0.5 <= prediction.frame_age_seconds <= prediction.latency_seconds
        assert prediction.latency_seconds <= time.monotonic() - (start + 1.0)
    # On a machine that is very busy the picture may be too old by then.
    assert len(live) == 1 or time.monotonic() - start > 2.0
    assert file.frame_age_seconds == 0.0
    assert 0.0 <= file.latency_seconds <= 30.0


def test_a_live_source_names_no_pictures_of_the_past(model: CountingModel) -> None:
    start = time.monotonic() - 100.0
    follower = Follower(model, live=True)

    seen = [follower.see(gray_frame(start + t)) for t in np.arange(9) / 4]

    assert seen == [[]] * 9
    assert follower.tracker.state == "late"
    assert follower.engine.num_encoded == 0


def test_pictures_that_nobody_needs_are_never_made(model: CountingModel) -> None:
    made = []

    def frame(number: int) -> DeferredFrame:
        def make_image() -> npt.NDArray[np.uint8]:
            made.append(number)
            return np.full((8, 8, 3), number, np.uint8)

        return DeferredFrame(make_image, number / 20, number, "test")

    follower = Follower(model)
    predictions = [p for number in range(21) for p in follower.see(frame(number))]

    assert len(predictions) == 1
    assert made == [0, 5, 10, 15, 20]


@pytest.mark.parametrize(("num_frames", "expected_windows"), [(19, 0), (20, 1), (21, 1)])
def test_finish_gives_the_window_that_ends_with_the_last_picture_still_shown(
    model: CountingModel, num_frames: int, expected_windows: int
) -> None:
    follower = Follower(model)
    seen = [p for frame in numbered_frames(np.arange(num_frames) / 20) for p in follower.see(frame)]

    last = follower.finish()

    assert len(seen + last) == expected_windows
    assert follower.finish() == []
    if num_frames == 20:
        assert seen == []
        assert last[0].end_seconds == pytest.approx(0.95)
