"""One clip per video, as in the package keras-video-generators; see `keras_video`."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import DatasetError, UsageError
from rtaction.evaluation.text import counted
from rtaction.keras_tensorflow import keras
from rtaction.labelled.videos import Group, Video, find_videos, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.train.data.clip_dataset import counts_table
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.split import split_by_group
from rtaction.train.data.tf_view import tf_view
from rtaction.train.keras_video.reading import ReadsVideos
from rtaction.train.keras_video.transformed import require

_log = logging.getLogger(__name__)


class VideoFrameGenerator(ReadsVideos, keras.utils.PyDataset):  # type: ignore[misc]
    """One clip per video, its frames spread over the whole video.

    A subclass may read videos in its own way, see `ReadsVideos._get_frames`. If `tf_keras` has been
    imported, a generator is also one of its Sequences.

    Args:
        rescale: factor for pixels, which are 0 to 255. Default 1 / 255.
        nb_frames: frames in a clip. Default 5.
        classes: folder names to use as classes, at least two. Default None: all that are found.
        batch_size: clips in a batch; the last one may have fewer. Default 16.
        use_frame_cache: keep the frames in memory. Videos are decoded only once in any case, see
            `FrameCache`. Default False.
        target_shape: height and width of a frame. Default (224, 224).
        shuffle: use another order in each epoch. Default True.
        transformation: changes training clips, all frames of a clip alike, before motion is
            computed: an object with `get_random_transform` and `apply_transform`, such as
            `tensorflow.keras.preprocessing.image.ImageDataGenerator`, drawn once per epoch and
            clip; a Keras layer, which gets the frames of a clip as channels of one image
            (RandomFlip, RandomRotation, RandomZoom, RandomTranslation); or a function of a clip,
            float32 (nb_frames, height, width, channels), 0 to 255. Default None.
        split_test: share of the videos for `get_test_generator`. Default None.
        split_val: share of the videos for `get_validation_generator`. Default None.
        nb_channel: 3 for RGB, 1 for gray. Default 3.
        glob_pattern: where the videos are, with "{classname}". Default
            "./videos/{classname}/*.avi".
        use_headers: passed on to a `_get_frames` of your own, as `force_no_headers`; ignored
            otherwise, as frames are chosen by their times. Default True.
        split: the old name of `split_val`.
        group: how to group videos, see `rtaction.labelled.videos.Group`. Default None.
        seed: of split and order. Default None: drawn from numpy's global generator, so that
            `numpy.random.seed` decides, as in the old package.
        keras_options: `workers`, `use_multiprocessing`, `max_queue_size` of `PyDataset`.

    Attributes:
        files: paths of the videos; some may be removed before the first batch, or later.
        files_count: their number at first.
        classes: sorted.
        classes_count: their number.

    Raises:
        UsageError, DatasetError: see `find_videos`, `split_by_group` and `read_clip_set`.
    """

    def __new__(cls, *_: Any, **__: Any) -> VideoFrameGenerator:
        """A generator; of both Kerases if the old one is in use, which looks at the class."""
        legacy = sys.modules.get("tf_keras")
        if legacy is not None and not issubclass(cls, legacy.utils.Sequence):
            cls = type(cls.__name__, (cls, legacy.utils.Sequence), {"__module__": cls.__module__})
        made: VideoFrameGenerator = super().__new__(cls)
        return made

    def __init__(
        self,
        rescale: float = 1 / 255.0,
        nb_frames: int = 5,
        classes: Sequence[str] | None = None,
        batch_size: int = 16,
        use_frame_cache: bool = False,
        target_shape: tuple[int, int] = (224, 224),
        shuffle: bool = True,
        transformation: Any = None,
        split_test: float | None = None,
        split_val: float | None = None,
        nb_channel: int = 3,
        glob_pattern: str = "./videos/{classname}/*.avi",
        use_headers: bool = True,
        *,
        split: float | None = None,
        group: Group = None,
        seed: int | None = None,
        _like: VideoFrameGenerator | None = None,
        _files: Sequence[str] = (),
        **keras_options: Any,
    ) -> None:
        super().__init__(**keras_options)
        require(nb_channel in (1, 3), f"nb_channel must be 1 or 3, got {nb_channel}")
        require(
            not classes or len(set(classes)) > 1,
            f"classes must name two or more, got {classes}; leave it out to use all that there are",
        )
        require(len(target_shape) == 2, f"target_shape must be two numbers, got {target_shape}")
        if split is not None:
            _log.warning("split is now called split_val")
            split_val = split
        for name, share in (("split_val", split_val), ("split_test", split_test)):
            require(
                share is None or 0 < share < 1, f"{name} must be above 0 and below 1, got {share}"
            )
        self.rescale = rescale
        self.nbframe = nb_frames
        self.batch_size = batch_size
        self.use_frame_cache = use_frame_cache
        self.target_shape = target_shape
        self.shuffle = shuffle
        self.transformation = transformation
        self.nb_channel = nb_channel
        self.glob_pattern = glob_pattern
        self.use_video_header = use_headers
        self.seed = int(np.random.randint(2**31)) if seed is None else seed
        self._options = keras_options
        self.files: list[str] = list(_files)
        self.classes: list[str] = []
        self._label_of_file: dict[str, str] = {}
        self.validation: list[str] = []
        self.test: list[str] = []
        if _like is None:
            self._find(classes, group, split_val or 0.0, split_test or 0.0)
        else:
            self._label_of_file, self.classes = _like._label_of_file, _like.classes
        self.classes_count = len(self.classes)
        self.files_count = len(self.files)
        self._read_files: tuple[str, ...] | None = None
        self._sets: list[ClipSet] = []
        self._clips: list[tuple[int, int]] = []  # index of the set, index of its clip
        self._kept: dict[int, Any] = {}
        self._current = self._epoch = 0
        self._order = np.arange(0)
        self._transforms: dict[int, Any] = {}

    def _find(
        self, classes: Sequence[str] | None, group: Group, split_val: float, split_test: float
    ) -> None:
        videos = find_videos(self.glob_pattern, labels=sorted(classes or ()) or None, group=group)
        require(
            not any(video.span for video in videos),
            f"{self.glob_pattern} names parts of videos, and these generators read whole files; "
            "use those of rtaction.train.generators",
        )
        self.classes = list(labels_of(videos))
        self._label_of_file = {str(video.path): video.label for video in videos}
        sides = split_by_group(
            videos, validation_fraction=split_val, test_fraction=split_test, seed=self.seed
        )
        self.files = [str(video.path) for video in sides.train]
        self.validation = [str(video.path) for video in sides.validation]
        self.test = [str(video.path) for video in sides.test]

    @property
    def spec(self) -> ModelSpec:
        """Timing and size of the clips."""
        return ModelSpec(
            labels=tuple(self.classes),
            frames_per_clip=self.nbframe,
            clip_seconds=1.0,
            height=self.target_shape[0],
            width=self.target_shape[1],
            modality=self._modality,
            sampling="spread",
        )

    @property
    def _modality(self) -> str:
        return "rgb" if self.nb_channel == 3 else "gray"

    def get_validation_generator(self) -> VideoFrameGenerator:
        """The validation clips, in a fixed order and unchanged.

        Raises:
            UsageError: no `split_val` was given.
        """
        return self._side(self.validation, "split_val")

    def get_test_generator(self) -> VideoFrameGenerator:
        """The test clips, in a fixed order and unchanged.

        Raises:
            UsageError: no `split_test` was given.
        """
        return self._side(self.test, "split_test")

    def _side(self, files: Sequence[str], option: str) -> VideoFrameGenerator:
        if not files:
            raise UsageError(f"no videos were set aside; use {option}, such as {option}=0.2")
        return self.__class__(
            rescale=self.rescale,
            nb_frames=self.nbframe,
            batch_size=self.batch_size,
            use_frame_cache=self.use_frame_cache,
            target_shape=self.target_shape,
            shuffle=False,
            nb_channel=self.nb_channel,
            glob_pattern=self.glob_pattern,
            use_headers=self.use_video_header,
            seed=self.seed,
            _like=self,
            _files=files,
            **self._own_options(),
            **self._options,
        )

    def _own_options(self) -> dict[str, Any]:
        """Arguments that only a subclass has."""
        return {}

    def next(self) -> tuple[Float32Array, Float32Array]:
        """The next batch; after the last one of an epoch, the next epoch begins."""
        batch = self[self._current]
        self._current += 1
        if self._current == len(self):
            self._current = 0
            self.on_epoch_end()
        return batch

    __next__ = next

    def __repr__(self) -> str:
        """What it holds; clips are counted once the videos have been read."""
        places = [self.classes.index(self._label_of_file[file]) for file in self.files]
        counts = {"videos": np.bincount(places, minlength=self.classes_count).tolist()}
        is_read = self._read_files == tuple(self.files)
        if is_read:
            of_clips = [
                self.classes.index(self._label_of_file[self._file(n)])
                for n in range(len(self._clips))
            ]
            counts["clips"] = np.bincount(of_clips, minlength=self.classes_count).tolist()
        clips = f"{counted(len(self._clips), 'clip')} of " if is_read else ""
        shape = (self.nbframe, *self.target_shape, self.nb_channel)
        aside = {"validation": self.validation, "test": self.test}
        others = [f"{counted(len(one), 'video')} for {side}" for side, one in aside.items() if one]
        return "\n".join(
            [
                f"{type(self).__name__}: {clips}{counted(len(self.files), 'video')}",
                f"clips of shape {shape} float32, in batches of up to {self.batch_size}",
                *counts_table(self.classes, **counts),
                *([f"set aside: {', '.join(others)}"] if others else []),
            ]
        )

    def tf_dataset(self) -> Any:
        """The batches as a finite `tf.data.Dataset`, see `tf_view`."""
        return tf_view(self)

    def on_epoch_end(self) -> None:
        """Change the order and the transformations for the next epoch."""
        self._epoch += 1
        self._begin_epoch()

    def _begin_epoch(self) -> None:
        self._order = np.arange(len(self._clips))
        if self.shuffle:
            np.random.default_rng([self.seed, self._epoch]).shuffle(self._order)
        if hasattr(self.transformation, "get_random_transform"):
            self._transforms = {
                number: self.transformation.get_random_transform(self.target_shape)
                for number in range(len(self._clips))
            }

    def __len__(self) -> int:
        self._read()
        return -(-len(self._clips) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[Float32Array, Float32Array]:
        """Batch `index` of this epoch.

        Returns:
            float32 clips of shape (n, nb_frames, height, width, nb_channel), and float32 one-hot
            labels of shape (n, classes_count).
        """
        if not 0 <= index < len(self):
            raise IndexError(f"batch must be from 0 to {len(self) - 1}, got {index}")
        chosen = self._order[index * self.batch_size : (index + 1) * self.batch_size].tolist()
        one = self._own_clip if self._reads_itself else self._clip
        clips = {number: clip for number in chosen if (clip := one(number)) is not None}
        if not clips:
            raise DatasetError(f"_get_frames gave nothing for all of the videos of batch {index}")
        columns = [self.classes.index(self._label_of_file[self._file(one)]) for one in clips]
        one_hot = np.eye(self.classes_count, dtype=np.float32)[columns]
        return np.stack([*clips.values()]), one_hot

    def _read(self) -> None:
        """Read the clips of `files`, unless already done."""
        if self._read_files == tuple(self.files):
            return
        videos = [Video(Path(file), self._label_of_file[file], file) for file in self.files]
        self._find_clips(videos)
        if not self._clips:
            raise DatasetError(
                f"none of {len(videos)} videos can be used; the warnings above say why"
            )
        self._read_files = tuple(self.files)
        self._kept.clear()
        self._begin_epoch()

    def _find_clips(self, videos: list[Video]) -> None:
        """Fill `_sets` and `_clips`."""
        if self._reads_itself:  # in its own way, so files may be of any kind
            self._clips = [(number, 0) for number in range(len(videos))]
            return
        self._sets = self._clip_sets(videos)
        self._clips = [(which, c) for which, one in enumerate(self._sets) for c in range(len(one))]

    def _clip_sets(self, videos: list[Video]) -> list[ClipSet]:
        return [read_clip_set(videos, self.spec, need_every_label=False)]
