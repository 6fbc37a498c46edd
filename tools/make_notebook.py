"""Runs docs/notebook.ipynb anew, and keeps what it shows.

    python -m tools.make_notebook

The notebook is its own source: edit it in Jupyter or as JSON, then run this. It runs in an empty
folder, with a kernel of this Python.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient
from PIL import Image

NOTEBOOK = Path(__file__).parents[1] / "docs" / "notebook.ipynb"
MOST_BYTES = 500_000
_WIDGET = "application/vnd.jupyter.widget-view+json"
_CELL_SECONDS = 300
_COLORS = 96


def executed(path: Path, folder: Path) -> Any:
    """The notebook with the outputs of a new run.

    Args:
        path: the notebook.
        folder: where it runs, and leaves its files.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute()
    _clean(notebook)
    return notebook


def _clean(notebook: Any) -> None:
    """Leave out what differs from run to run: progress bars, times, versions of this machine."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    for number, cell in enumerate(notebook.cells):
        cell.metadata = {}
        cell.id = f"cell-{number}"
        if cell.cell_type != "code":
            continue
        cell.outputs = _joined([one for one in cell.outputs if _WIDGET not in one.get("data", {})])


def _joined(outputs: list[Any]) -> list[Any]:
    """Text that was shown line by line as one text, which every reader of notebooks shows alike."""
    joined: list[Any] = []
    for one in outputs:
        if "data" in one and "image/png" in one.data:
            one.data["image/png"] = _smaller(one.data["image/png"])
            joined.append(one)
            continue
        text = one.data.get("text/plain", "") if "data" in one else one.get("text", "")
        is_printed = one.output_type != "execute_result"
        if is_printed and joined and joined[-1].output_type == "stream":
            joined[-1].text += text
        elif is_printed:
            joined.append(nbformat.v4.new_output("stream", name="stdout", text=text))
        else:
            joined.append(one)
    return [one for one in joined if "data" in one or one.text.strip()]


def _smaller(png_base64: str) -> str:
    """The picture in as few colors as nobody misses."""
    picture = Image.open(BytesIO(b64decode(png_base64))).convert("RGB")
    written = BytesIO()
    picture.quantize(_COLORS, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
    return b64encode(written.getvalue()).decode()


def main() -> None:
    """Run it, and write it unless it has become too large."""
    with TemporaryDirectory(prefix="rtaction-") as folder:
        notebook = executed(NOTEBOOK, Path(folder))
    text = nbformat.writes(notebook)
    if len(text) > MOST_BYTES:
        sys.exit(f"{len(text)} bytes, more than {MOST_BYTES}: show smaller pictures")
    NOTEBOOK.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    print(f"wrote {NOTEBOOK}: {len(text) / 1000:.0f} kB")


if __name__ == "__main__":
    main()
