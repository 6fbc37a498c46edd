"""Runs docs/tutorial.ipynb anew, and keeps what it shows.

    python -m tools.make_notebook

The notebook is its own source: edit it in Jupyter or as JSON, then run this. It runs in an empty
folder, with a kernel of this Python.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "tutorial.ipynb"
MOST_BYTES = 500_000
_WIDGET = "application/vnd.jupyter.widget-view+json"
_CELL_SECONDS = 300


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
        kept = [one for one in cell.outputs if _WIDGET not in one.get("data", {})]
        cell.outputs = [one for one in kept if one.get("text", "").strip() or "data" in one]


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
