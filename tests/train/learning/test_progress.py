"""Progress bars, as a terminal and a notebook get them."""

from __future__ import annotations

import threading

import pytest
from rich.console import Console

from rtaction.train.learning import progress


def test_in_a_notebook_nobody_else_redraws_the_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rich's thread would put a line that is printed meanwhile into the bar, and wipe it out."""
    bar = progress.progress_bar(Console(force_jupyter=True))
    redrawn = []
    monkeypatch.setattr(bar, "refresh", lambda: redrawn.append(threading.current_thread()))
    monkeypatch.setattr(bar.live, "refresh", lambda: None)
    num_threads = threading.active_count()
    with bar:
        task = bar.add_task("epoch 1/3", total=100, figures="")
        assert threading.active_count() == num_threads
        redrawn.clear()
        for _ in range(50):
            bar.advance(task)
            bar.update(task, figures="loss 0.5")
    assert 1 <= len(redrawn) < 50
    assert set(redrawn) == {threading.main_thread()}
