"""Training data: videos, split and decoded, as batches of clips."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from rtaction.errors import DatasetError, UsageError
from rtaction.evaluation.text import counted
from rtaction.labelled.corrections import corrections_text, find_corrections
from rtaction.labelled.videos import Video, find_videos, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.pose.people import PoseNetworks
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet, with_clip_length
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.pose_clips import read_pose_clips
from rtaction.train.data.split import Split, split_by_group, split_by_part
from rtaction.train.learning.progress import CleanConsole, progress_bar
from rtaction.train.settings.config import POSE, TrainConfig
from rtaction.train.settings.team import Team

_log = logging.getLogger(__name__)
_ALONE = Team()

OpenPoseNetworks = Callable[[], PoseNetworks]
"""Loads the networks that read joints; a training on pictures needs none."""


def find_all(config: TrainConfig) -> list[Video]:
    """Find the videos.

    Raises:
        UsageError, DatasetError: see `find_videos`.
    """
    return find_videos(
        config.videos, group=config.group, root=config.videos_root, several=config.multi_label
    )


def find_and_split(config: TrainConfig, console: Console | None = None) -> Split:
    """Find the videos, and split them for training, validation and test.

    The split of an annotation file is obeyed, unless settings say how to split.

    Args:
        config: the settings.
        console: to print to, such as of corrections. Default: stderr.

    Raises:
        DatasetError: there are no videos, or none are left for validation.
        UsageError: the folder of corrections is none.
    """
    videos = find_all(config)
    share = config.share_to_validate
    if any(video.part for video in videos) and not config.says_how_to_split:
        console = console or CleanConsole(stderr=True)
        console.print("split: as the annotation file says", highlight=False)
        split = split_by_part(videos, validation_fraction=share, seed=config.seed)
    else:
        split = split_by_group(
            videos,
            validation_fraction=share,
            test_fraction=config.test_fraction,
            validation_groups=config.validation_groups or None,
            seed=config.seed,
        )
    if not split.validation:
        groups = sorted({video.group for video in videos})
        raise DatasetError(
            f"no videos are left for validation: expected groups that make up about "
            f"{share:.0%} of {len(videos)} videos, found "
            f"{counted(len(groups), 'group')}; name one to validate on, such as "
            f"--validate-on {shlex.quote(groups[-1])}, raise --validation-fraction, or add videos"
        )
    return with_corrections(
        split, corrections_of(config, videos, console or CleanConsole(stderr=True))
    )


def with_corrections(split: Split, corrections: list[Video]) -> Split:
    """A split with corrections on the side of training: they are not like what comes by itself.

    A group that is validated or tested on may well be corrected; it stays where it is.
    """
    return replace(split, train=[*split.train, *corrections])


def corrections_of(config: TrainConfig, others: Sequence[Video], console: Console) -> list[Video]:
    """The corrections that the settings name; tells how many there are, and of which new labels.

    Raises:
        UsageError, DatasetError: see `find_corrections`.
    """
    if config.corrections is None:
        return []
    corrections = find_corrections(Path(config.corrections))
    console.print(corrections_text(corrections, others), highlight=False)
    return corrections


def decode(
    config: TrainConfig,
    split: Split,
    console: Console,
    open_networks: OpenPoseNetworks | None = None,
) -> tuple[ModelSpec, dict[str, ClipSet]]:
    """Decode the videos, and print the number of clips.

    Args:
        config: the settings.
        split: videos by their use.
        console: to print to.
        open_networks: loads the networks that read joints, which the modality "pose" needs.
            Default None.

    Returns:
        The contract, and the clips of each side that has videos, by the side's name.

    Raises:
        DatasetError: there are not enough usable videos.
        UsageError: the modality is "pose", and no networks were given.
    """
    sides = {name: videos for name, videos in split.sides().items() if videos}
    spec = config.spec(labels_of(split.train))
    read = clip_reader(config, open_networks)
    with progress_bar(console) as progress:
        total = sum(map(len, sides.values()))
        task = progress.add_task("reading videos", total=total, figures="")
        clips = {
            name: read(
                videos,
                spec,
                need_every_label=name == "train",
                on_video=lambda: progress.advance(task),
            )
            for name, videos in sides.items()
        }
    for name, one in clips.items():
        console.print(f"{name}: {len(one)} clips of {len(one.videos)} videos", highlight=False)
        absent = [label for i, label in enumerate(spec.labels) if not one.num_of(i)]
        if absent:
            _log.warning("%s has no clip of %s", name, ", ".join(absent))
    return with_clip_length(spec, clips["train"]), clips


def clip_reader(
    config: TrainConfig, open_networks: OpenPoseNetworks | None = None
) -> Callable[..., ClipSet]:
    """`read_clip_set`, or `read_pose_clips` for the modality "pose", with settings filled in.

    Raises:
        UsageError: the modality is "pose", and no networks were given.
    """
    common: dict[str, Any] = {
        "stride_seconds": config.stride_seconds,
        "cache": FrameCache(config.cache_dir, limit_gb=config.cache_gb),
    }
    if config.modality != POSE:
        return partial(read_clip_set, **common)
    if open_networks is None:
        raise UsageError(
            "the modality pose needs the networks that read joints; give open_networks="
            "rtaction.realtime.model.pose_networks.open_pose_networks"
        )
    return partial(read_pose_clips, networks=open_networks(), **common)


def datasets(
    config: TrainConfig,
    clips: Mapping[str, ClipSet],
    *,
    first_epoch: int,
    team: Team = _ALONE,
) -> tuple[ClipDataset, ClipDataset]:
    """Batches for training and validation, or one worker's part of them.

    `first_epoch` is the number of finished epochs.
    """
    augmentation = Augmentation.of(config.augment, keep_sides=config.keep_sides)
    if augmentation is None and config.sampling == "segments":
        augmentation = Augmentation.nothing()  # moments are drawn in any case
    # Even batches: a last batch of one clip is a poor step, and cannot be split among devices.
    return ClipDataset(
        clips["train"],
        batch_size=config.batch_size,
        even=True,
        balanced=config.balance == "sampling",
        seed=config.seed,
        first_epoch=first_epoch,
        augmentation=augmentation,
        part=(team.number, team.count),
    ), ClipDataset(
        clips["validation"],
        batch_size=config.batch_size,
        even=True,
        shuffle=False,
        part=(team.number, team.count),
    )
