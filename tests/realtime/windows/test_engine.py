"""One network for all sources: one batch, each picture once, and the scores of the whole model."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import Frame
from rtaction.model_spec import ModelSpec
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.windows.engine import MAX_IMAGES_AT_ONCE, Engine
from rtaction.realtime.windows.tracker import FrameWindow, Tracker
from tests.realtime.conftest import BrightnessModel, gray_frame
from tests.realtime.servers.network import SPEC as NETWORK_SPEC
from tests.realtime.servers.network import write_network

Taken = list[tuple[Tracker, FrameWindow]]


@pytest.fixture
def model(tiny_spec: ModelSpec) -> BrightnessModel:
    return BrightnessModel(tiny_spec)


def taken_of(spec: ModelSpec, name: str, values: list[int], *, start_seconds: float = 0.0) -> Taken:
    """All windows of a source of four pictures a second, each of one gray value."""
    tracker = Tracker(spec)
    taken: Taken = []
    for number, value in enumerate(values):
        tracker.push(gray_frame(start_seconds + number / 4, value, number, name))
        while (window := tracker.take()) is not None:
            taken.append((tracker, window))
    return taken


def test_windows_of_many_sources_make_one_batch(model: BrightnessModel) -> None:
    engine = Engine(model)
    taken = [
        one
        for number in range(6)
        for one in taken_of(model.spec, f"camera {number}", [40 * number] * 5)
    ]

    predictions = engine.predict(taken, is_live=False)

    assert model.batches == [30]
    assert model.num_clips == [6]
    assert engine.num_encoded == 30
    assert [one.source for one in predictions] == [f"camera {number}" for number in range(6)]
    assert [one.score_of("bright") for one in predictions] == pytest.approx(
        [40 * number / 255 for number in range(6)]
    )
    assert {one.labels for one in predictions} == {model.spec.labels}


@pytest.mark.parametrize("num_sources", [6, 7, 13])
def test_a_batch_has_a_bound(model: BrightnessModel, num_sources: int) -> None:
    engine = Engine(model)
    taken = [
        one for number in range(num_sources) for one in taken_of(model.spec, str(number), [9] * 5)
    ]

    assert len(engine.predict(taken, is_live=False)) == num_sources

    assert sum(model.batches) == 5 * num_sources
    assert max(model.batches) <= MAX_IMAGES_AT_ONCE
    assert len(model.batches) == -(-5 * num_sources // MAX_IMAGES_AT_ONCE)
    assert model.num_clips == [num_sources]


def test_a_picture_is_encoded_once_however_much_windows_overlap(model: BrightnessModel) -> None:
    engine = Engine(model)
    taken = taken_of(model.spec, "test", list(range(9)))

    together = engine.predict(taken[:3], is_live=False)
    alone = [engine.predict([one], is_live=False)[0] for one in taken[3:]]

    assert model.batches == [7, 1, 1]
    assert model.brightnesses == list(range(9))
    assert [one.score for one in together + alone] == pytest.approx(
        [1 - middle / 255 for middle in range(2, 7)], abs=1e-6
    )


def test_a_picture_that_stands_twice_in_a_window_is_encoded_once(model: BrightnessModel) -> None:
    tracker = Tracker(model.spec)
    for number, at_seconds in enumerate([0.0, 0.4, 0.8, 1.0]):
        tracker.push(gray_frame(at_seconds, number, number))
    window = tracker.take()
    assert window is not None

    Engine(model).predict([(tracker, window)], is_live=False)

    assert model.brightnesses == [0, 1, 2, 3]


def test_nothing_taken_costs_nothing(model: BrightnessModel) -> None:
    engine = Engine(model)

    assert engine.predict([], is_live=True) == []
    assert (model.batches, model.num_clips, engine.model_seconds) == ([], [], 0.0)


def test_times_and_ages_of_a_live_source(model: BrightnessModel) -> None:
    start = time.monotonic() - 3.0
    ((tracker, window),) = taken_of(model.spec, "test", [9] * 5, start_seconds=start)
    engine = Engine(model)

    before_seconds = time.monotonic()
    (prediction,) = engine.predict([(tracker, window)], is_live=True)
    after_seconds = time.monotonic()

    assert (prediction.start_seconds, prediction.end_seconds) == (start, start + 1.0)
    least, most = before_seconds - (start + 1.0), after_seconds - (start + 1.0)
    assert least <= prediction.frame_age_seconds <= prediction.latency_seconds <= most


def test_a_file_has_no_age(model: BrightnessModel) -> None:
    taken = taken_of(model.spec, "test", [9] * 6, start_seconds=7.0)

    before_seconds = time.monotonic()
    predictions = Engine(model).predict(taken, is_live=False)
    elapsed_seconds = time.monotonic() - before_seconds

    assert [one.start_seconds for one in predictions] == [7.0, 7.25]
    assert [one.frame_age_seconds for one in predictions] == [0.0, 0.0]
    assert all(0.0 <= one.latency_seconds <= elapsed_seconds for one in predictions)


def test_a_picture_ahead_of_the_clock_has_no_negative_age(model: BrightnessModel) -> None:
    taken = taken_of(model.spec, "test", [9] * 5, start_seconds=time.monotonic() + 1000.0)

    (prediction,) = Engine(model).predict(taken, is_live=True)

    assert (prediction.frame_age_seconds, prediction.latency_seconds) == (0.0, 0.0)


def test_the_time_in_the_network_adds_up(model: BrightnessModel) -> None:
    class Slow(BrightnessModel):
        def score(self, clip_features: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
            time.sleep(0.02)
            return super().score(clip_features)

    engine = Engine(Slow(model.spec))
    sums = [0.0]
    for one in taken_of(model.spec, "test", [9] * 7):
        engine.predict([one], is_live=False)
        sums.append(engine.model_seconds)

    assert len(sums) == 4
    assert min(after - before for before, after in pairwise(sums)) >= 0.02


def test_a_batch_of_sources_scores_as_each_alone(tmp_path: Path) -> None:
    """On a real network, cut in two, with windows of several cameras at once."""
    model = ActionModel(write_network(tmp_path / "network.onnx"), device="cpu")
    random = np.random.default_rng(0)
    brightest = np.array([40, 100, 160, 256]).reshape(4, 1, 1, 1, 1)
    clips = random.integers(0, brightest, (4, 5, *NETWORK_SPEC.frame_shape)).astype(np.uint8)
    taken: Taken = []
    for name, clip in enumerate(clips):
        tracker = Tracker(NETWORK_SPEC)
        for number, image in enumerate(clip):
            tracker.push(Frame(image, number / 4, number, str(name)))
        window = tracker.take()
        assert window is not None
        taken.append((tracker, window))

    predictions = Engine(model).predict(taken, is_live=False)

    expected = model.score_clips(clips)
    assert np.abs(np.stack([one.scores for one in predictions]) - expected).max() < 1e-5
    assert np.ptp(expected, axis=0).max() > 0.01
