"""Keras datasets of clips: one clip per video, or clips that slide through each video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from rtaction.choices import Resize, Sampling
from rtaction.evaluation.text import counted
from rtaction.labelled.videos import Group, find_videos, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import with_clip_length
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.split import Split, split_by_group, split_by_part


class _FoundClipDataset(ClipDataset):
    """Finds, splits and decodes videos, and serves one side of the split."""

    _sampling: Sampling = "sliding"

    def _setup(
        self,
        pattern: str | Path,
        *,
        labels: Sequence[str] | None,
        group: Group,
        validation_fraction: float,
        test_fraction: float,
        spec_values: dict[str, Any],
        stride_seconds: float | None,
        videos_root: str | Path | None,
        cache: FrameCache | None,
        options: dict[str, Any],
    ) -> None:
        videos = find_videos(pattern, labels=labels, group=group, root=videos_root)
        says_how = group is not None or validation_fraction > 0 or test_fraction > 0
        self._split: Split = (
            split_by_part(videos, validation_fraction=0.0)
            if any(video.part for video in videos) and not says_how
            else split_by_group(
                videos,
                validation_fraction=validation_fraction,
                test_fraction=test_fraction,
                seed=options["seed"],
            )
        )
        self.spec = ModelSpec(
            labels=tuple(labels or labels_of(videos)), sampling=self._sampling, **spec_values
        )
        self._stride_seconds = stride_seconds
        self._cache = cache or FrameCache()
        self._options = options
        clips = read_clip_set(
            self._split.train, self.spec, stride_seconds=stride_seconds, cache=self._cache
        )
        self.spec = with_clip_length(self.spec, clips)
        super().__init__(clips, **options)
        self.side = "train"

    def __repr__(self) -> str:
        others = [
            f"{counted(len(videos), 'video')} for {side}()"
            for side, videos in (
                ("validation", self._split.validation),
                ("test", self._split.test),
            )
            if videos
        ]
        more = f"\nset aside: {', '.join(others)}" if others else ""
        return f"{super().__repr__()}{more}"

    def validation(self) -> ClipDataset | None:
        """The validation clips, in a fixed order; None if there are none."""
        return self._side("validation", self._split.validation)

    def test(self) -> ClipDataset | None:
        """The test clips, in a fixed order; None if there are none."""
        return self._side("test", self._split.test)

    def _side(self, side: str, videos: list[Any]) -> ClipDataset | None:
        if not videos:
            return None
        clips = read_clip_set(
            videos,
            self.spec,
            stride_seconds=self._stride_seconds,
            need_every_label=False,
            cache=self._cache,
        )
        found = ClipDataset(clips, **self._options | {"shuffle": False, "augmentation": None})
        found.side = side
        return found


class VideoFrameGenerator(_FoundClipDataset):
    """One clip per video, its frames spread over the whole video.

    Args:
        pattern: a folder of folders, a glob pattern with "{classname}", or an annotation file, see
            `rtaction.labelled.annotations`; its column split is obeyed unless a group or a fraction
            is given.
        frames_per_clip: frames in a clip. Default 5.
        size_hw: height and width of a frame. Default (112, 112).
        modality: what a frame shows, see `rtaction.modality`. Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        labels: use only these, in this order. Default: all that are found, sorted.
        group: how to group videos, see `rtaction.labelled.videos.Group`. Default None.
        validation_fraction: share of videos for `validation()`. Default 0.0.
        test_fraction: share of videos for `test()`. Default 0.0.
        batch_size: clips in a batch. Default 8.
        shuffle: use another order in each epoch. Default True.
        seed: of the split and of the order. Default 0.
        videos_root: the folder that names in an annotation file are relative to. Default: that of
            the file.
        cache: keeps decoded videos from run to run. Default: `FrameCache()`, in the user's cache
            folder.
        augmentation: changes of training clips. Default None, no changes.
        sampling: "spread", or "segments": a frame from the middle of each of the video's equal
            parts, in training clips from anywhere in it. Default "spread".
        keras_options: `workers`, `use_multiprocessing`, `max_queue_size` of `PyDataset`.

    Raises:
        UsageError, DatasetError: see `find_videos`, `split_by_group` and `read_clip_set`.

    Example:
        >>> train = VideoFrameGenerator("videos/{classname}/*.avi", validation_fraction=0.2)
        >>> model.fit(train, validation_data=train.validation())
    """

    def __init__(
        self,
        pattern: str | Path,
        *,
        frames_per_clip: int = 5,
        size_hw: tuple[int, int] = (112, 112),
        modality: str = "rgb",
        resize: Resize = "squash",
        labels: Sequence[str] | None = None,
        group: Group = None,
        validation_fraction: float = 0.0,
        test_fraction: float = 0.0,
        batch_size: int = 8,
        shuffle: bool = True,
        seed: int = 0,
        videos_root: str | Path | None = None,
        cache: FrameCache | None = None,
        augmentation: Augmentation | None = None,
        sampling: Literal["spread", "segments"] = "spread",
        **keras_options: Any,
    ) -> None:
        self._sampling = sampling
        if sampling == "segments" and augmentation is None:
            augmentation = Augmentation.nothing()
        self._setup(
            pattern,
            labels=labels,
            group=group,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            # Each clip is as long as its video, which is known only after decoding.
            spec_values=_spec_values(frames_per_clip, 1.0, size_hw, modality, resize),
            stride_seconds=None,
            videos_root=videos_root,
            cache=cache,
            options={
                "batch_size": batch_size,
                "shuffle": shuffle,
                "seed": seed,
                "augmentation": augmentation,
            }
            | keras_options,
        )


class SlidingFrameGenerator(_FoundClipDataset):
    """Clips of a fixed length that slide through each video.

    Args:
        pattern: a folder of folders, a glob pattern with "{classname}", or an annotation file, see
            `rtaction.labelled.annotations`; its column split is obeyed unless a group or a fraction
            is given.
        clip_seconds: time from a clip's first frame to its last. Default 1.0.
        stride_seconds: time between the starts of two clips. Default: half a clip.
        frames_per_clip: frames in a clip. Default 5.
        size_hw: height and width of a frame. Default (112, 112).
        modality: what a frame shows, see `rtaction.modality`. Default "rgb".
        resize: "squash", "crop" or "letterbox". Default "squash".
        labels: use only these, in this order. Default: all that are found, sorted.
        group: how to group videos, see `rtaction.labelled.videos.Group`. Default None.
        validation_fraction: share of videos for `validation()`. Default 0.0.
        test_fraction: share of videos for `test()`. Default 0.0.
        batch_size: clips in a batch. Default 8.
        shuffle: use another order in each epoch. Default True.
        seed: of the split and of the order. Default 0.
        videos_root: the folder that names in an annotation file are relative to. Default: that of
            the file.
        cache: keeps decoded videos from run to run. Default: `FrameCache()`, in the user's cache
            folder.
        augmentation: changes of training clips. Default None, no changes.
        keras_options: `workers`, `use_multiprocessing`, `max_queue_size` of `PyDataset`.

    Raises:
        UsageError, DatasetError: see `find_videos`, `split_by_group` and `read_clip_set`.
    """

    _sampling = "sliding"

    def __init__(
        self,
        pattern: str | Path,
        *,
        clip_seconds: float = 1.0,
        stride_seconds: float | None = None,
        frames_per_clip: int = 5,
        size_hw: tuple[int, int] = (112, 112),
        modality: str = "rgb",
        resize: Resize = "squash",
        labels: Sequence[str] | None = None,
        group: Group = None,
        validation_fraction: float = 0.0,
        test_fraction: float = 0.0,
        batch_size: int = 8,
        shuffle: bool = True,
        seed: int = 0,
        videos_root: str | Path | None = None,
        cache: FrameCache | None = None,
        augmentation: Augmentation | None = None,
        **keras_options: Any,
    ) -> None:
        self._setup(
            pattern,
            labels=labels,
            group=group,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            spec_values=_spec_values(frames_per_clip, clip_seconds, size_hw, modality, resize),
            stride_seconds=stride_seconds,
            videos_root=videos_root,
            cache=cache,
            options={
                "batch_size": batch_size,
                "shuffle": shuffle,
                "seed": seed,
                "augmentation": augmentation,
            }
            | keras_options,
        )


def _spec_values(
    frames_per_clip: int,
    clip_seconds: float,
    size_hw: tuple[int, int],
    modality: str,
    resize: Resize,
) -> dict[str, Any]:
    return {
        "frames_per_clip": frames_per_clip,
        "clip_seconds": clip_seconds,
        "height": size_hw[0],
        "width": size_hw[1],
        "modality": modality,
        "resize": resize,
    }
