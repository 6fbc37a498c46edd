from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest

from rtaction.evaluation.classification import Classification
from rtaction.train.report.plots import (
    curve_svgs,
    draw_confusion,
    draw_curves,
    for_dark,
    steps_of_rate,
)
from rtaction.train.settings.run_folder import HistoryRow


def history(rates: Sequence[float]) -> list[HistoryRow]:
    return [
        {
            "epoch": float(epoch),
            "loss": 1 / epoch,
            "accuracy": 0.5,
            "val_loss": 2 / epoch,
            "val_accuracy": 0.4,
            "learning_rate": rate,
        }
        for epoch, rate in enumerate(rates, start=1)
    ]


@pytest.mark.parametrize(
    ("rates", "steps"),
    [
        ([1.0], []),
        ([1.0, 1.0, 1.0], []),
        ([1.0, 1.0, 0.25, 0.25, 0.0625], [3, 5]),
        ([1.0, 0.9, 0.6, 0.3, 0.1], []),
        ([0.5, 1.0, 1.0], []),
    ],
)
def test_steps_of_the_rate(rates: list[float], steps: list[int]) -> None:
    assert steps_of_rate(history(rates)) == steps


@pytest.mark.parametrize("rates", [[1e-3], [1e-3, 1e-3, 2.5e-4], [1e-3, 0.0]])
def test_curves_are_svg_and_always_the_same(rates: list[float]) -> None:
    found = curve_svgs(history(rates))
    assert list(found) == ["loss", "accuracy", "learning rate"]
    assert all(fromstring(svg).tag.endswith("}svg") for svg in found.values())
    assert curve_svgs(history(rates)) == found


def test_a_curve_for_dark_screens_has_other_colours() -> None:
    light = curve_svgs(history([1e-3]))["loss"]
    dark = for_dark(light)
    assert b"#3d4650" in light
    assert b"#3d4650" not in dark
    assert b"#b9c2cc" in dark


def test_pictures_are_drawn(tmp_path: Path) -> None:
    clips = Classification.from_names(("a", "b", "c"), "aabbb", "abbba", np.arange(5))
    draw_confusion(clips, tmp_path / "confusion.png")
    draw_curves(history([1e-3, 1e-4]), tmp_path / "curves.png")
    for name in ("confusion.png", "curves.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
