"""Clips of videos whose labels a model knows."""

from __future__ import annotations

from rtaction.errors import DatasetError
from rtaction.labelled.videos import find_videos, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet


def read_known_clips(place: str, spec: ModelSpec) -> ClipSet:
    """The clips of a folder of labelled videos whose labels a model knows.

    Args:
        place: folder, pattern or annotation file, see `find_videos`.
        spec: the model's contract.

    Raises:
        DatasetError: it knows none of them, or there are no clips.
    """
    videos = find_videos(place, min_labels=1, several=spec.multi_label)
    known = [video for video in videos if set(video.labels) <= set(spec.labels)]
    if not known:
        raise DatasetError(
            f"the model knows none of the folders {list(labels_of(videos))} in {place}; expected "
            f"folders named like its labels: {', '.join(spec.labels)}"
        )
    return read_clip_set(known, spec, need_every_label=False)
