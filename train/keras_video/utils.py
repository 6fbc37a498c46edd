"""`keras_video.utils`: the frames of a batch in a window of matplotlib."""

from __future__ import annotations

import random as random_numbers
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from rtaction.train.keras_video.base import VideoFrameGenerator


def show_sample(
    g: VideoFrameGenerator,
    index: int = 0,
    random: bool = False,
    row_width: float = 22,
    row_height: float = 5,
) -> None:
    """Show the clips of a batch, one in each row, under the name of its class.

    Args:
        g: a generator of this package.
        index: number of the batch. Default 0.
        random: show any batch instead. Default False.
        row_width: width of the figure in inches. Default 22.
        row_height: height of a row in inches. Default 5.

    Raises:
        IndexError: there is no such batch.
    """
    import matplotlib.pyplot as plt

    clips, labels = g[random_numbers.randrange(len(g)) if random else index]
    figure, rows = plt.subplots(
        len(clips),
        clips.shape[1],
        squeeze=False,
        figsize=(row_width, row_height * len(clips)),
    )
    for axes, clip, label in zip(rows, clips, labels, strict=True):
        for place, picture in zip(axes, clip, strict=True):
            levels = np.clip(np.rint(picture / g.rescale), 0, 255).astype(np.uint8)
            place.imshow(levels, cmap="gray")
            place.set_title(g.classes[int(label.argmax())])
            place.set_axis_off()
    figure.show() if plt.isinteractive() else plt.show()
