from __future__ import annotations

import inspect
import pydoc
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

import numpy as np
import pytest

import rtaction
from rtaction import errors
from rtaction.errors import UsageError
from rtaction.evaluation.estimate import Estimate
from rtaction.export.agreement.agreement import Agreement
from rtaction.frame import Clip, Frame
from rtaction.prediction import Prediction
from rtaction.realtime.watching.watch import Watch


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
    assert "train_model(videos: 'str | Path', output: 'str | Path' = 'run'" in shown
    with pytest.raises(AttributeError, match="no attribute 'wach'"):
        rtaction.wach  # type: ignore[attr-defined]  # noqa: B018


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    run = subprocess.run(
        [sys.executable, "-c", "import rtaction; rtaction.evaluate_modell"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Did you mean: 'evaluate_model'?" in run.stderr


@pytest.mark.parametrize(
    ("room", "instead"),
    [("train", "train_model"), ("teach", "teach_model"), ("export", "export_model")],
)
def test_calling_a_package_says_what_to_call(room: str, instead: str) -> None:
    with pytest.raises(UsageError, match=rf"rtaction.{room} is a package; call rtaction.{instead}"):
        getattr(rtaction, room)("videos/")
    assert instead in rtaction.__all__


def test_mistakes_in_settings_are_told_at_once() -> None:
    with pytest.raises(UsageError, match="no setting 'epoch'; did you mean epochs"):
        rtaction.train_model("videos/", epoch=3)
    with pytest.raises(UsageError, match="no setting 'quantise'; did you mean quantize"):
        rtaction.export_model("run/", quantise="int8")
    with pytest.raises(UsageError, match="--tune-on needs --intervals"):
        rtaction.evaluate_model("model.onnx", "videos/", tune_on="monday")
    with pytest.raises(errors.ModelMissing):
        rtaction.Recognizer("no-such.onnx")


def test_nothing_heavy_is_loaded_before_it_is_used() -> None:
    script = """
import sys
import rtaction
dir(rtaction)
assert not {"numpy", "cv2", "onnxruntime", "typer"} & set(sys.modules), "by import"
for name in rtaction.__all__:
    getattr(rtaction, name)
assert not {"tensorflow", "keras", "rich", "typer", "ray"} & set(sys.modules), "by looking"
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("call", "missing"),
    [("train_model('v')", "rich"), ("export_model('m.keras')", "keras")],
)
def test_a_missing_training_stack_is_told(call: str, missing: str) -> None:
    script = f"""
import sys
sys.modules[{missing!r}] = None
import rtaction
try:
    rtaction.{call}
except rtaction.RtactionError as error:
    print(type(error).__name__, error)
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert run.stdout.startswith("MissingLibrary training and export need"), run.stderr


if TYPE_CHECKING:  # mypy judges these

    def _types() -> None:
        assert_type(rtaction.watch(0), Watch)
        assert_type(next(rtaction.watch(0)), Prediction)
        assert_type(rtaction.Recognizer().push(np.zeros((2, 2, 3))), list[Prediction])
        assert_type(rtaction.train_model("videos").model, Path)
        assert_type(rtaction.teach_model("videos").accuracy, Estimate)
        assert_type(rtaction.export_model("run").agreement, Agreement | None)
        assert_type(rtaction.evaluate_model("m.onnx", "videos").accuracy.low, float)


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
