"""A training in a notebook: one bar that is redrawn, a line for each epoch, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.project import ROOT

nbclient = pytest.importorskip("nbclient", reason="runs notebooks")
nbformat = pytest.importorskip("nbformat", reason="runs notebooks")
pytest.importorskip("ipykernel", reason="runs notebooks")

DRAW = """
from pathlib import Path
from rtaction.train.render.files import RenderOptions, render_clips
small = RenderOptions(seconds=1.5, frames_per_second=10, size_hw=(32, 40))
render_clips(Path("videos"), {"wave": 3, "clap": 3}, small)
"""
TRAIN = """
import warnings

import rtaction.train
from rtaction.keras_tensorflow import keras, tensorflow

layers = keras.layers
tensorflow.config.run_functions_eagerly(True)
warnings.simplefilter("ignore")  # TensorFlow warns of the line above

def build(spec):
    clip = keras.Input(spec.clip_shape)
    x = layers.GlobalAveragePooling3D()(layers.Rescaling(1 / 255)(clip))
    return keras.Model(clip, layers.Dense(len(spec.labels))(x))

result = rtaction.train.fit(
    build, "videos", "run", epochs=3, frames_per_clip=3, height=16, width=16, cache_dir="cache",
    validation_fraction=0.34,
)
"""
EXPORT = """
from rtaction.export.exporter import export_model
print(export_model(Path("run"), Path("model.onnx"), clips_path=None).to_text())
"""


def _texts(cell: object) -> list[str]:
    """What a cell shows, one text for each output."""
    return [
        str(one["text"] if one["output_type"] == "stream" else one["data"].get("text/plain", ""))
        for one in cell["outputs"]  # type: ignore[index]
    ]


@pytest.mark.slow
def test_a_training_looks_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in (DRAW, TRAIN, EXPORT)]
    )
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    _, train, export = notebook.cells
    texts = _texts(train)
    whole = "\n".join(texts)
    for epoch in (1, 2, 3):
        assert whole.count(f"epoch {epoch}/3  loss") == 1
    for once in (
        "train: ",
        "\nvalidation: ",
        "training on CPU",
        "accuracy on 2 videos",
        "report: ",
    ):
        assert whole.count(once) == 1, once
    bars = [line for line in texts if line.startswith("Output()")]  # widgets, drawn by the browser
    assert len(bars) == 2  # videos that are read, and epochs
    lines = [line for line in whole.splitlines() if line and line not in bars]
    assert len(lines) == len(set(lines)) < 20
    assert "\x1b" not in whole
    assert "ipywidgets" not in whole  # Rich complains if they are missing
    assert not [line for line in lines if line.startswith(("WARNING:", "I0000", "W0000"))]
    assert "matches Keras" in "".join(_texts(export))
