from __future__ import annotations

import inspect
import pydoc

import numpy as np
import pytest

import rtaction
from rtaction import errors
from rtaction.frame import Clip, Frame
from rtaction.prediction import Prediction


def test_frame_knows_its_size() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 1.5, 0)
    assert frame.size_hw == (4, 6)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 6, 3), np.float32),
        np.zeros((4, 6), np.uint8),
        np.zeros((4, 6, 4), np.uint8),
        np.zeros((0, 6, 3), np.uint8),
    ],
)
def test_frame_refuses_what_is_no_picture(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        Frame(image, 0.0, 0)


def test_frame_refuses_a_time_that_is_none() -> None:
    with pytest.raises(ValueError, match="finite"):
        Frame(np.zeros((4, 6, 3), np.uint8), float("nan"), 0)


def test_clip_knows_its_length() -> None:
    clip = Clip(np.zeros((3, 4, 4, 1), np.uint8), np.array([1.0, 1.5, 2.5]))
    assert len(clip) == 3
    assert clip.duration_seconds == 1.5


@pytest.mark.parametrize(
    ("images", "times", "message"),
    [
        (np.zeros((3, 4, 4, 2), np.uint8), np.zeros(3), "uint8 of shape"),
        (np.zeros((3, 4, 4, 3), np.uint8), np.zeros(2), "to match the images"),
        (np.zeros((2, 4, 4, 3), np.uint8), np.array([1.0, 0.5]), "in order"),
    ],
)
def test_clip_refuses_what_does_not_fit(
    images: np.ndarray, times: np.ndarray, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Clip(images, times)


def test_prediction_names_the_best() -> None:
    prediction = Prediction(np.array([0.2, 0.5, 0.3], np.float32), ("a", "b", "c"), 0.0, 1.0)
    assert prediction.label == "b"
    assert prediction.score == 0.5
    assert [label for label, _ in prediction.top(2)] == ["b", "c"]
    assert [label for label, _ in prediction.top(9)] == ["b", "c", "a"]


def test_prediction_gives_the_score_of_a_label() -> None:
    prediction = Prediction(np.array([0.25, 0.5, 0.125], np.float32), ("a", "b", "c"), 0.0, 1.0)
    assert [prediction.score_of(label) for label in "abc"] == [0.25, 0.5, 0.125]
    with pytest.raises(ValueError, match="not in tuple"):
        prediction.score_of("d")


@pytest.mark.parametrize(
    ("scores", "end_seconds"), [(np.zeros(2, np.float32), 1.0), (np.zeros(3, np.float32), -1.0)]
)
def test_prediction_refuses_what_does_not_fit(scores: np.ndarray, end_seconds: float) -> None:
    with pytest.raises(ValueError, match="Prediction"):
        Prediction(scores, ("a", "b", "c"), 0.0, end_seconds)


def _tree(kind: type[errors.RtactionError], depth: int = 0) -> list[str]:
    line = f"{kind.__name__} {kind.exit_code}"
    return [line] + [text for child in kind.__subclasses__() for text in _tree(child, depth + 1)]


def test_errors_are_documented_with_their_exit_codes() -> None:
    documented = [
        " ".join(line.strip(" │├└─").split()[:2])
        for line in inspect.getdoc(errors).splitlines()  # type: ignore[union-attr]
        if line.startswith("    ")
    ]
    assert documented == _tree(errors.RtactionError)


def test_public_names_can_be_had() -> None:
    assert all(getattr(rtaction, name) is not None for name in rtaction.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = rtaction.nothing  # type: ignore[attr-defined]


def test_what_there_is_can_be_seen() -> None:
    assert dir(rtaction) == sorted(rtaction.__all__)
    shown = pydoc.plain(pydoc.render_doc(rtaction))
    assert "watch(source" in shown
    assert "class Recognizer(" in shown
    assert "push(self, image_rgb" in shown
    with pytest.raises(AttributeError, match="no attribute 'wach'"):
        rtaction.wach  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("darwin", "x86_64", "no longer comes for Intel Macs"),
        ("darwin", "arm64", "install them with: "),
        ("linux", "x86_64", "install them with: "),
    ],
)
def test_training_is_not_advised_where_it_cannot_be_installed(
    system: str, machine: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    assert expected in str(errors.training_stack_missing(ImportError("No module named 'keras'")))
