"""The overlay shows label, scores and state, and leaves the camera's picture alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import get_args

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.model_spec import ModelSpec
from rtaction.realtime.outputs.drawn.overlay import (
    ACCENT,
    BAR_TRACK,
    MIN_HEIGHT,
    MUTED,
    Colour,
    Status,
    draw_overlay,
    shown_labels,
    title_of,
)
from rtaction.realtime.windows.state import STATE_TEXT, State
from tests.realtime.conftest import prediction_of

SPEC = ModelSpec(("wave", "clap", "nothing"), 5, 1.0, 8, 8, background_label="nothing")
STATUS = Status(frames_per_second=25.0, latency_seconds=0.012, device="CPU", state="ok")
IMAGE: UInt8Array = np.full((480, 640, 3), 90, np.uint8)
BAR_ROW = 64 + 20
"""A row of pixels through the middle of the first bar."""


def draw(
    scores: tuple[float, ...] | None = (0.7, 0.2, 0.1),
    *,
    image: UInt8Array = IMAGE,
    spec: ModelSpec = SPEC,
    status: Status = STATUS,
    top_k: int = 3,
    action: str | None = "best",
) -> UInt8Array:
    """An overlay; the action that goes on is the best label unless another, or none, is given."""
    prediction = prediction_of(spec, scores) if scores else None
    if action == "best":
        action = prediction.label if prediction else None
    return draw_overlay(image, prediction, status, actions=(action,) if action else (), top_k=top_k)


def count(image: UInt8Array, colour: Colour) -> int:
    return int((image == colour).all(axis=-1).sum())


def title(image: UInt8Array) -> UInt8Array:
    return image[:58, :300]


@pytest.mark.parametrize(
    ("size_hw", "expected_hw"),
    [
        ((480, 640), (480, 640)),
        ((720, 1280), (720, 1280)),
        ((240, 320), (480, 640)),
        ((48, 64), (480, 640)),
        ((120, 90), (480, 360)),
        ((2, 3), (480, 720)),
        ((1081, 1921), (1081, 1921)),
        ((700, 40), (700, 40)),
    ],
)
def test_size(size_hw: tuple[int, int], expected_hw: tuple[int, int]) -> None:
    drawn = draw(image=np.full((*size_hw, 3), 90, np.uint8))

    assert drawn.shape == (*expected_hw, 3)
    assert drawn.shape[0] >= MIN_HEIGHT
    assert drawn.dtype == np.uint8


@pytest.mark.parametrize("height", [240, 480])
def test_the_picture_given_is_left_as_it_is(height: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, 640, 3), np.uint8)
    before = image.copy()
    image.flags.writeable = False

    drawn = draw(image=image)

    assert np.array_equal(image, before)
    assert not np.shares_memory(drawn, image)


def test_the_middle_of_the_picture_stays_visible() -> None:
    drawn = draw()

    assert (drawn[160:440] == 90).all()
    assert (drawn[:440, 310:] == 90).all()


@pytest.mark.parametrize("score", [0.0, 0.25, 0.5, 0.75, 1.0])
def test_the_bar_is_as_long_as_the_score(score: float) -> None:
    drawn = draw((score, 0.0, 0.0))

    row = drawn[BAR_ROW]
    filled = np.flatnonzero((row == ACCENT).all(axis=-1))
    assert len(filled) == pytest.approx(268 * score, abs=2)
    assert filled.min() == 16
    assert int((row == BAR_TRACK).all(axis=-1).sum()) == pytest.approx(268 * (1 - score), abs=2)


def test_the_bar_scales_with_the_picture() -> None:
    drawn = draw((0.5, 0.0, 0.0), image=np.full((960, 1280, 3), 90, np.uint8))

    filled = (drawn[2 * BAR_ROW] == ACCENT).all(axis=-1)
    assert int(filled.sum()) == pytest.approx(268, abs=4)


@pytest.mark.parametrize(
    ("top_k", "expected_bars"), [(1, 1), (2, 2), (3, 3), (99, 3)], ids=lambda v: str(v)
)
def test_one_bar_for_each_of_the_best_labels(top_k: int, expected_bars: int) -> None:
    drawn = draw((0.5, 0.3, 0.2), top_k=top_k)

    starts = (drawn[:, 16] == ACCENT).all(axis=-1) | (drawn[:, 16] == MUTED).all(axis=-1)
    rows = np.flatnonzero(starts & (drawn[:, 40] != 90).any(axis=-1))
    bars = [row for row in rows if (drawn[row, 16:40] == drawn[row, 16]).all()]
    assert len({(row - 64) // 30 for row in bars}) == expected_bars


def test_another_label_gives_other_pixels() -> None:
    wave, clap = draw((0.7, 0.2, 0.1)), draw((0.2, 0.7, 0.1))

    assert count(title(wave), ACCENT) > 100
    assert count(title(clap), ACCENT) > 100
    assert not np.array_equal(title(wave), title(clap))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ((0.7, 0.2, 0.1), "wave"),
        ((0.2, 0.7, 0.1), "clap"),
        ((0.4, 0.3, 0.3), None),
        ((0.5, 0.3, 0.2), "wave"),
        ((0.1, 0.1, 0.8), None),
    ],
)
def test_only_a_sure_action_is_named(scores: tuple[float, ...], expected: str | None) -> None:
    assert shown_labels(prediction_of(SPEC, scores), SPEC) == ((expected,) if expected else ())


@pytest.mark.parametrize(("threshold", "expected"), [(0.8, None), (0.6, "wave")])
def test_a_label_may_have_a_threshold_of_its_own(threshold: float, expected: str | None) -> None:
    spec = replace(SPEC, threshold=0.9, label_thresholds={"wave": threshold})

    assert shown_labels(prediction_of(spec, (0.7, 0.2, 0.1)), spec) == (
        (expected,) if expected else ()
    )


def test_all_labels_that_are_sure_are_named() -> None:
    spec = ModelSpec(("wave", "clap", "sit"), 5, 1.0, 8, 8, multi_label=True)
    prediction = prediction_of(spec, (0.6, 0.2, 0.9))
    assert shown_labels(prediction, spec) == ("sit", "wave")
    assert shown_labels(prediction_of(spec, (0.4, 0.2, 0.3)), spec) == ()
    assert title_of(("sit", "wave"), prediction) == "sit  0.90   wave  0.60"
    both = draw_overlay(IMAGE, prediction, STATUS, actions=("sit", "wave"))
    one = draw_overlay(IMAGE, prediction, STATUS, actions=("sit",))
    assert count(both, ACCENT) > 1.3 * count(one, ACCENT)  # a longer title, and a second bar


@pytest.mark.parametrize("action", ["wave", "clap"])
def test_the_action_that_goes_on_is_named(action: str) -> None:
    """It may go on while the scores of the newest window say otherwise."""
    drawn = draw((0.4, 0.3, 0.3), action=action)

    assert count(title(drawn), ACCENT) > 100
    assert not np.array_equal(title(drawn), title(draw((0.4, 0.3, 0.3), action=None)))
    # The bars tell the scores, whatever goes on.
    assert np.array_equal(drawn[64:], draw((0.4, 0.3, 0.3), action=None)[64:])


def test_the_score_of_the_action_is_told() -> None:
    one, other = draw((0.3, 0.4, 0.3), action="wave"), draw((0.2, 0.4, 0.3), action="wave")

    assert not np.array_equal(title(one), title(other))
    assert np.array_equal(title(one), title(draw((0.3, 0.5, 0.2), action="wave")))


def test_no_action_goes_on() -> None:
    drawn = draw((0.9, 0.05, 0.05), action=None)

    assert count(title(drawn), ACCENT) == 0
    assert count(title(drawn), MUTED) > 10
    assert count(drawn, ACCENT) > 1000  # the bar of the best label stays


@pytest.mark.parametrize("state", sorted(set(get_args(State)) - {"ok"}))
def test_without_a_window_no_label_is_named(state: State) -> None:
    status = replace(STATUS, state=state)

    drawn = draw(status=status)

    assert count(title(drawn), ACCENT) == 0
    assert count(title(drawn), MUTED) > 100
    assert count(drawn, ACCENT) == 0  # no bar of an earlier window either
    assert not np.array_equal(title(drawn), title(draw()))


def test_the_states_look_different() -> None:
    titles = [title(draw(None, status=replace(STATUS, state=state))) for state in get_args(State)]

    assert len(titles) == len(STATE_TEXT)
    assert all(not np.array_equal(a, b) for a, b in combinations(titles, 2))


@pytest.mark.parametrize(
    ("labels", "others"),
    [
        (("aplaudir ñ", "b"), ("aplaudir n", "b")),
        (("öffnen", "b"), ("offnen", "b")),
        (("махать", "b"), ("??????", "b")),
    ],
)
def test_labels_beyond_ascii_are_drawn(labels: tuple[str, ...], others: tuple[str, ...]) -> None:
    spec, other_spec = (
        replace(SPEC, labels=labels, background_label=None),
        replace(SPEC, labels=others, background_label=None),
    )

    drawn, other = draw((0.7, 0.3), spec=spec), draw((0.7, 0.3), spec=other_spec)

    assert count(title(drawn), ACCENT) > 100
    assert not np.array_equal(title(drawn), title(other))


def test_letters_are_not_all_the_same_box() -> None:
    """A font without a letter draws one box for every letter that it lacks."""
    drawn = [
        title(draw((0.7, 0.3), spec=replace(SPEC, labels=(label, "b"), background_label=None)))
        for label in ("ñ", "ж", "ё")
    ]

    assert not np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[1], drawn[2])


def test_a_label_wider_than_the_picture_is_drawn() -> None:
    labels = ("a very long label " * 10, "b")
    spec = replace(SPEC, labels=labels, background_label=None)

    drawn = draw((0.9, 0.1), spec=spec, image=np.full((480, 200, 3), 90, np.uint8))

    assert drawn.shape == (480, 200, 3)
    assert count(title(drawn), ACCENT) > 100


@pytest.mark.parametrize(
    "other",
    [
        replace(STATUS, frames_per_second=26.0),
        replace(STATUS, latency_seconds=0.1),
        replace(STATUS, latency_seconds=None),
        replace(STATUS, device="CUDA"),
        replace(STATUS, source="front door"),
    ],
)
def test_the_bottom_line_tells_source_rate_latency_and_device(other: Status) -> None:
    drawn, changed = draw(), draw(status=other)

    assert not np.array_equal(drawn[-30:], changed[-30:])
    assert np.array_equal(drawn[:-30], changed[:-30])


def test_drawing_twice_gives_the_same() -> None:
    assert np.array_equal(draw(), draw())


def test_no_prediction_yet() -> None:
    drawn = draw(None)

    assert count(drawn, ACCENT) == 0
    assert (drawn[64:440] == 90).all()
