from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.opencv import cv2
from rtaction.train.report.filmstrip import Strip, draw_filmstrip


def test_a_long_title_moves_no_picture(tmp_path: Path) -> None:
    dark = np.full((4, 48, 60, 3), 40, np.uint8)
    draw_filmstrip(tmp_path / "a.png", [Strip(dark, "a title that is longer than a picture")])
    image = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_GRAYSCALE)
    assert image is not None
    is_dark = image[image.shape[0] // 2] < 128
    begins = np.flatnonzero(np.diff(is_dark.astype(int)) == 1)
    assert len(begins) == 4
    assert np.ptp(np.diff(begins)) <= 1
