"""`rtaction export` with its options for smaller files and other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.errors import DatasetError, ParityError, UsageError
from rtaction.export.agreement.clips import make_clips
from rtaction.export.agreement.onnx_run import runner
from rtaction.export.options import SmallerOptions
from rtaction.export.smaller.encoder_swap import SMALLER_KEY
from rtaction.onnx_format.file import CAMERA_KEY, OnnxFile
from rtaction.opencv import cv2
from tests.export.smaller_models import SPEC, conv_model
from tests.project import ROOT
from tests.videos import write_video

LABELS = SPEC.labels


def export(*words: Any) -> str:
    """What the command prints; its errors are raised."""
    result = CliRunner().invoke(app, ["export", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six moving pictures, in folders called as the model calls them."""
    folder = tmp_path_factory.mktemp("videos")
    clips = make_clips(SPEC, num_clips=6, seed=3)
    for number, clip in enumerate(clips):
        label = LABELS[int(runner(conv_model())(clip[np.newaxis])[0].argmax())]
        images = np.concatenate([clip, clip])
        path = folder / label / f"{number}.mkv"
        write_video(path, images, np.arange(8) / 3, codec="ffv1", pixel_format="bgr0")
    write_video(folder / "other" / "a.mkv", images, np.arange(8) / 3)
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "float.onnx"
    path.write_bytes(conv_model())
    return path


def test_int8_is_compared_and_written(model: Path, videos: Path, tmp_path: Path) -> None:
    output = tmp_path / "new" / "int8.onnx"
    text = export(
        model, "-o", output, "--quantize", "int8", "--calibrate", videos, "--reduce-range",
        "--check", videos, "--max-drop", 50,
    )  # fmt: skip
    for part in ("encoder int8, weights of 7 bits", "accuracy", "same label", "2 threads", "wrote"):
        assert part in text
    assert OnnxFile.load(output).spec == SPEC
    assert SMALLER_KEY in OnnxFile.load(output).metadata


def test_half_is_compared_and_written(model: Path, videos: Path, tmp_path: Path) -> None:
    text = export(model, "-o", tmp_path / "half.onnx", "--half", "--check", videos)
    assert "100.0%" in text
    assert OnnxFile.load(tmp_path / "half.onnx").metadata[SMALLER_KEY] == "encoder float16"


def test_too_much_lost_is_refused_and_the_old_file_stays(
    model: Path, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = conv_model(seed=1)
    monkeypatch.setattr(
        "rtaction.export.smaller.make.halve", lambda content: other_with_note(other)
    )
    output = tmp_path / "half.onnx"
    output.write_text("the old one")
    with pytest.raises(ParityError, match=r"half loses .* points .* 1 allowed; nothing was"):
        export(model, "-o", output, "--half", "--check", videos, "--triton", tmp_path / "triton")
    assert output.read_text() == "the old one"
    assert not (tmp_path / "triton").exists()
    assert ParityError.exit_code == 14


def other_with_note(content: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    model.metadata_props.add(key=SMALLER_KEY, value="spoilt")
    return bytes(model.SerializeToString())


def test_camera_file_and_triton_are_written_beside(model: Path, tmp_path: Path) -> None:
    output, served = tmp_path / "out" / "m.onnx", tmp_path / "served"
    text = export(model, "-o", output, "--fuse-preprocessing", "48x64", "--triton", served)
    assert output.read_bytes() == conv_model()
    assert OnnxFile.load(tmp_path / "out" / "m-camera.onnx").metadata[CAMERA_KEY] == "48x64"
    assert (served / "rtaction_head" / "1" / "model.onnx").is_file()
    assert "m-camera.onnx" in text
    assert f"--model-repository={served}" in text


def test_videos_of_other_labels_are_refused(model: Path, videos: Path, tmp_path: Path) -> None:
    (tmp_path / "v" / "unknown").mkdir(parents=True)
    (tmp_path / "v" / "unknown" / "a.mkv").write_bytes((videos / "other" / "a.mkv").read_bytes())
    with pytest.raises(DatasetError, match=r"knows none of the folders \['unknown'\]"):
        export(model, "-o", tmp_path / "x.onnx", "--half", "--check", tmp_path / "v")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"quantize": "int8", "half": True}, "cannot be combined"),
        ({"quantize": "int8"}, "needs --calibrate"),
        ({"half": True}, "--half needs --check"),
        ({"check": "videos"}, "require --quantize int8 or --half"),
        ({"half": True, "check": "v", "max_drop": -1.0}, "from 0 to 100"),
        ({"fuse_preprocessing": "big"}, "HEIGHTxWIDTH"),
        ({"fuse_preprocessing": "0x10"}, "HEIGHTxWIDTH"),
    ],
)
def test_contradictions_are_told(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SmallerOptions(**asked)


def test_python_of_the_deployment_page_runs(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text()
    code = page.split("```python\n")[1].split("```")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    monkeypatch.chdir(tmp_path)
    model.rename("model.onnx")
    clip = make_clips(SPEC, num_clips=1)[0]
    writer = cv2.VideoWriter("video.avi", cv2.VideoWriter.fourcc(*"MJPG"), 6.0, (80, 64))
    for picture in np.repeat(clip, 2, axis=0):  # 6 a second, of which the model wants 3
        writer.write(cv2.resize(picture[..., ::-1], (80, 64)))
    writer.release()
    exec(compile(code.replace("video.mp4", "video.avi"), "deploy.md", "exec"), {})
    label, score = capsys.readouterr().out.split()
    truth = runner(conv_model())(clip[np.newaxis])[0][0]
    assert label == LABELS[int(truth.argmax())]
    assert float(score) == pytest.approx(truth.max(), abs=0.05)
