"""The training, export, evaluation and teaching of docs/python.md, on squares that move."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from rtaction.onnx_format.file import OnnxFile
from tests.project import ROOT
from tests.train.small_training import undrawn, write_squares

NO_CHANGES: Mapping[str, str] = MappingProxyType({})
SMALL = (
    'network="small", head="average", frames_per_clip=2, clip_seconds=0.6, height=32, width=32, '
    'stride_seconds=0.3, batch_size=8, validation_fraction=0.34, cache_dir="cache", epochs=6'
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what the page names, in which its blocks run one after another."""
    place = tmp_path_factory.mktemp("page")
    write_squares(place / "videos")
    shutil.copytree(place / "videos", place / "held_out")
    write_squares(place / "clips", {"right": 3, "down": 3})
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        yield place


def run(heading: str, changes: Mapping[str, str] = NO_CHANGES) -> dict[str, object]:
    """Run the block below a heading, with parts of it exchanged."""
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    (section,) = (one for one in page.split("\n## ") if one.startswith(f"{heading}\n"))
    (code,) = re.findall(r"(?s)```python\n(.*?)```", section)
    for before, after in changes.items():
        assert before in code
        code = code.replace(before, after)
    names: dict[str, object] = {}
    exec(compile(code, "docs/python.md", "exec"), names)
    return names


def test_train_export_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with undrawn():
        result = run("Train on folders", {'network="light", epochs=40': SMALL})["run"]
    table, last = capsys.readouterr().out.rstrip().rsplit("\n", 1)
    assert table.splitlines()[0] == "run/model.keras: 6 epochs"
    assert re.search(r"(?m)^right +\d+ +\d+ %", table)
    path, accuracy = last.split()
    assert Path(path) == Path("run") / "model.keras"
    assert accuracy == str(result.accuracy.value)  # type: ignore[attr-defined]
    assert repr(result).startswith("TrainResult(model=")
    assert len(repr(result)) < 100

    exported = run("Export")["exported"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("wrote model.onnx: ")
    assert lines[-1].startswith("model.onnx ('down', 'right') ")
    assert exported.agreement.max_difference < 1e-4  # type: ignore[attr-defined]
    assert OnnxFile.load(folder / "model.onnx").spec == exported.spec  # type: ignore[attr-defined]

    judged = run("Evaluate")["judged"]
    *table_lines, last = capsys.readouterr().out.splitlines()
    assert any("12 videos" in line for line in table_lines)
    value, low, high = (float(one) for one in last.split())
    assert low <= value <= high
    assert (
        value
        == sum(
            one.predicted == one.video.label
            for one in judged.figures.results  # type: ignore[attr-defined]
        )
        / 12
    )
    assert len(repr(judged)) < 1000


def test_a_run_is_evaluated_as_its_export(folder: Path) -> None:
    import rtaction

    of_run = rtaction.evaluate_model("run/", "held_out/")
    of_file = rtaction.evaluate_model(Path("model.onnx"), "held_out/")
    assert of_run.accuracy == of_file.accuracy
    assert of_run.to_dict()["windows"] == of_file.to_dict()["windows"]


def test_teach(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changes = {"watch(0": 'watch("clips/right/0.mp4"', '"taught/"': '"taught/", people=False'}
    taught = run("Teach from clips", changes)["taught"]
    out = capsys.readouterr().out.splitlines()
    assert "trained on 6 takes: down 3, right 3" in out
    end = out.index("the model: taught/model.onnx")
    assert {line.split()[0] for line in out[end + 1 :]} <= {"down", "right"}
    assert len(out) > end + 1
    assert taught.accuracy.count == 6  # type: ignore[attr-defined]
    assert len(repr(taught)) < 100
