"""`rtaction eval`, run on videos made on the spot."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner, Result

from rtaction.cli.eval import evaluate
from rtaction.errors import DatasetError, ModelMissing, RtactionError, SourceMissing, UsageError
from rtaction.model_spec import ModelSpec
from tests.tiny_model import write_tiny_model
from tests.videos import write_flat_video, write_video

DARK, BRIGHT = 20, 235


def run(*arguments: str | Path) -> Result:
    app = Typer()
    app.command()(evaluate)
    return CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])


def error_of(result: Result) -> RtactionError:
    assert isinstance(result.exception, RtactionError), result.output
    return result.exception


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two bright and two dark videos, one called dark and bright, and two that cannot be judged."""
    videos = tmp_path / "videos"
    for name, value, seconds in (
        ("bright/p1_a.mp4", BRIGHT, 2.0),
        ("bright/p2_a.mp4", BRIGHT, 2.0),
        ("bright/p1_short.mp4", BRIGHT, 0.5),
        ("dark/p1_b.mp4", DARK, 2.0),
        ("dark/p2_wrong.mp4", BRIGHT, 2.0),
        ("dim/p2_c.mp4", DARK, 2.0),
    ):
        write_flat_video(videos / name, value=value, seconds=seconds)
    (videos / "dark" / "p1_broken.mp4").write_bytes(b"no video")
    return videos


@pytest.fixture
def untrimmed(tmp_path: Path) -> Path:
    """Three videos of 12 s, bright from 3 to 6 s and half bright, which is nothing, from 8 to 11 s.

    Beside them events.csv.
    """
    folder = tmp_path / "untrimmed"
    lines = ["video,label,start_seconds,end_seconds"]
    for name in ("one.mp4", "two.mp4", "three.mp4"):
        times = np.arange(300) / 25.0
        values = [BRIGHT if 3 <= at < 6 else 150 if 8 <= at < 11 else DARK for at in times.tolist()]
        images = (np.full((48, 64, 3), value, np.uint8) for value in values)
        write_video(folder / name, images, times)
        lines.append(f"{name},bright,3,6")
    (folder / "events.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


@pytest.fixture
def event_model(tmp_path: Path) -> Path:
    """A model whose only action is bright."""
    spec = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, background_label="dark")
    return write_tiny_model(tmp_path / "events.onnx", spec)


def test_clips(tiny_model: Path, folder: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"

    result = run(tiny_model, folder, "--group", r"(p\d)_", "--output", report)

    assert result.exception is None
    lines = result.output.splitlines()
    assert lines[0] == f"{tiny_model} on {folder}"
    assert "5 of 7 videos judged" in lines[1]
    assert sum(line.startswith("not judged: ") for line in lines) == 2
    assert "the model does not know 'dim' (1 video): always wrong" in lines
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["group"] == r"(p\d)_"
    assert told["clips"]["accuracy"]["value"] == 0.75
    assert told["clips"]["confusion"] == [[2, 0], [1, 1], [0, 1]]
    assert (told["num_videos"], told["num_not_judged"], told["num_groups"]) == (7, 2, 2)
    # Windows of a second in 2 s, one each 0.25 s.
    assert told["windows"]["count"] == 5 * 5


def test_a_longer_stride_gives_fewer_windows(
    tiny_model: Path, folder: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    pattern = f"{folder}/{{classname}}/*_a.mp4"

    result = run(tiny_model, pattern, "--stride-seconds", "1", "-o", report)

    assert result.exception is None
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["windows"]["count"] == 2 * 2
    assert told["labels_without_videos"] == ["dark"]
    assert (told["dataset"], told["stride_seconds"]) == (pattern, 1.0)


def test_events(event_model: Path, untrimmed: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    write_flat_video(untrimmed / "unnamed.mp4", value=DARK, seconds=2.0)

    result = run(
        event_model, untrimmed, "--intervals", untrimmed / "events.csv", "--output", report
    )

    assert result.exception is None
    assert "3 videos watched, 0.6 minutes, 3 actions, 6 events detected" in result.output
    assert "left out, because no line names them: 1 of the folder's videos" in result.output
    told = json.loads(report.read_text(encoding="utf-8"))
    assert told["all"]["iou"]["0.5"]["recall"]["value"] == 1.0
    assert told["all"]["iou"]["0.5"]["precision"]["value"] == 0.5
    # What is half bright is called so, too: three times in 36 s.
    assert told["all"]["false_alarms_an_hour"]["value"] == pytest.approx(300, rel=0.01)
    # A window of a second is half full half a second after the start, and then must last.
    assert 0.3 < told["all"]["onset_delay_seconds"]["median"] < 1.5


@pytest.mark.parametrize("by_column", [False, True])
def test_tuned_events(event_model: Path, untrimmed: Path, by_column: bool) -> None:
    csv = untrimmed / "events.csv"
    options = ["--tune-on", "one|two"]
    if by_column:
        head, *lines = csv.read_text(encoding="utf-8").splitlines()
        parts = ["tune", "tune", "test"]
        rows = [f"{line},{part}" for line, part in zip(lines, parts, strict=True)]
        csv.write_text("\n".join([f"{head},split", *rows]), encoding="utf-8")
        options = []

    result = run(event_model, untrimmed, "--intervals", csv, *options)

    assert result.exception is None
    assert "1 video watched, 0.2 minutes, 1 action, 1 event detected" in result.output
    assert "thresholds tuned on 2 other videos with 2 actions" in result.output
    table = result.output[result.output.index("[actions]") :]
    enter = tomllib.loads(table)["actions"]["enter"]
    # Half bright scores 150 / 255, bright 235 / 255.
    assert 0.59 < enter < 0.93


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["MODEL", "nowhere"], UsageError, "neither a folder nor a pattern"),
        (["none.onnx", "VIDEOS"], ModelMissing, "there is no model file"),
        (["MODEL", "VIDEOS", "--tune-on", "x"], UsageError, "needs --intervals"),
        (["MODEL", "VIDEOS", "--stride-seconds", "inf"], UsageError, "must be finite"),
        (["MODEL", "VIDEOS", "--group", "("], UsageError, "is not a regular expression"),
        (["MODEL", "VIDEOS/..", "--group", "p"], DatasetError, "knows none of these folders"),
        (["MODEL", "VIDEOS", "--intervals", "none.csv"], UsageError, "none.csv cannot be read"),
        (["MODEL", "nowhere", "--intervals", "e.csv"], UsageError, "expected a folder of videos"),
        (["MODEL", "VIDEOS", "--intervals", "CSV"], SourceMissing, "line 2: there is no video"),
    ],
)
def test_mistakes(
    tiny_model: Path,
    tmp_path: Path,
    arguments: list[str],
    error: type[RtactionError],
    message: str,
) -> None:
    videos = tmp_path / "videos"
    (videos / "bright").mkdir(parents=True)
    (videos / "bright" / "p.mp4").touch()
    (videos / "p.mp4").touch()
    csv = tmp_path / "e.csv"
    csv.write_text("video,label,start_seconds,end_seconds\nno.mp4,bright,1,2", encoding="utf-8")
    places = {"MODEL": str(tiny_model), "VIDEOS": str(videos), "CSV": str(csv)}
    filled = [places.get(one, one.replace("VIDEOS", str(videos))) for one in arguments]

    found = error_of(run(*filled))

    assert type(found) is error
    assert message in str(found)


def _write_keras_model(folder: Path, spec: ModelSpec) -> Path:
    """A run folder whose network tells bright from dark by the mean of the pictures."""
    from rtaction.keras_tensorflow import keras

    layers = keras.layers
    frame = keras.Input(spec.frame_shape, dtype="uint8")
    share = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(frame))
    clip = keras.Input(spec.clip_shape, dtype="uint8")
    x = layers.TimeDistributed(keras.Model(frame, share))(clip)
    scores = layers.Dense(2, activation="softmax")
    network = keras.Model(clip, scores(layers.GlobalAveragePooling1D()(x)))
    scores.set_weights([np.array([[3.0, -3.0]] * 3), np.array([-4.5, 4.5])])
    folder.mkdir()
    network.save(folder / "model.keras")
    spec.save(folder / "model_spec.json")
    return folder


@pytest.mark.slow
def test_a_keras_model_and_its_folder_are_judged_as_their_export(
    folder: Path, tiny_spec: ModelSpec, tmp_path: Path
) -> None:
    trained = _write_keras_model(tmp_path / "run", tiny_spec)
    found = run(trained, folder, "--output", tmp_path / "folder.json")
    assert found.exit_code == 0, found.output
    assert "scores differ by at most" in found.stderr
    assert run(trained / "model.keras", folder, "-o", tmp_path / "file.json").exit_code == 0
    reports = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("folder", "file")]
    for report in reports:
        called = {Path(video["path"]).name: video["called"] for video in report["videos"]}
        assert called["p1_a.mp4"] == "bright"
        assert called["p1_b.mp4"] == "dark"
        assert called["p2_wrong.mp4"] == "bright"


@pytest.mark.slow
def test_a_folder_without_a_model_is_told(tmp_path: Path, folder: Path) -> None:
    found = error_of(run(tmp_path, folder))
    assert type(found) is ModelMissing
    assert f"there is no Keras model {tmp_path / 'model.keras'}" in str(found)


def test_keras_is_not_needed(tiny_model: Path, folder: Path) -> None:
    script = (
        "import sys\n"
        "for name in ('keras', 'tensorflow', 'tf2onnx', 'matplotlib', 'rich'):\n"
        "    sys.modules[name] = None\n"
        "from typer import Typer\n"
        "from rtaction.cli.eval import evaluate\n"
        "app = Typer()\n"
        "app.command()(evaluate)\n"
        f"app([{str(tiny_model)!r}, {str(folder)!r}])\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert "5 of 7 videos judged" in finished.stdout
