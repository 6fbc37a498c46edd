"""`rtaction show`: the input of a network, as an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.labelled.videos import find_videos, labels_of
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.report.filmstrip import Strip, draw_filmstrip, strips_of
from rtaction.train.settings.config import TrainConfig


def show_clips(config: TrainConfig, path: Path, *, num_clips: int = 6) -> int:
    """Draw some clips as a training with these settings would see them, one below the other.

    With augmentation, each clip is drawn twice: unchanged and changed.

    Args:
        config: the videos, the clips, their augmentation, and the seed of the choice.
        path: image to write.
        num_clips: number of clips to draw. Default 6.

    Returns:
        Total number of clips.

    Raises:
        UsageError, DatasetError: see `find_videos` and `read_clip_set`.
        OutputError: the image cannot be written.
    """
    videos = find_videos(
        config.videos, group=config.group, root=config.videos_root, several=config.multi_label
    )
    spec = config.spec(labels_of(videos))
    clips = read_clip_set(
        videos,
        spec,
        stride_seconds=config.stride_seconds,
        need_every_label=False,
        cache=FrameCache(config.cache_dir, limit_gb=config.cache_gb),
    )
    random = np.random.default_rng(config.seed)
    chosen = _some_of_each_label(clips, num_clips, random)
    augmentation = Augmentation.of(config.augment, keep_sides=config.keep_sides)
    strips: list[Strip] = []
    for number in chosen:
        label = " + ".join(clips.videos[clips.clip_videos[number]].labels) or "no label"
        start_seconds = clips.clip_times_seconds[number, 0]
        name = clips.videos[clips.clip_videos[number]].name
        clip = clips.drawn(number)
        strips += strips_of(clip, spec.modality, f"{label}   {name}, from {start_seconds:.2f} s")
        if augmentation is not None:
            after = clips.changed_drawn(number, augmentation, random)
            title = f"{label}   changed ({config.augment})"
            strips += strips_of(after, spec.modality, title)
    draw_filmstrip(path, strips)
    return len(clips)


def _some_of_each_label(clips: ClipSet, num_clips: int, random: np.random.Generator) -> list[int]:
    """Random clips, the labels taking turns."""
    by_label = [
        random.permutation(np.flatnonzero(clips.clip_labels == label)).tolist()
        for label in range(len(clips.labels))
    ]
    chosen: list[int] = []
    while len(chosen) < min(num_clips, len(clips)):
        for numbers in by_label:
            if numbers and len(chosen) < num_clips:
                chosen.append(numbers.pop())
    return chosen
