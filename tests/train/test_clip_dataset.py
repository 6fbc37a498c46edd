from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtaction.train.augment import Augmentation
from rtaction.train.clip_dataset import ClipDataset
from rtaction.train.clip_set import ClipSet


def _clips(*num_clips: int) -> ClipSet:
    """So many clips of each label; every picture of clip i is of gray i."""
    labels = np.repeat(np.arange(len(num_clips)), num_clips)
    total = len(labels)
    frames = np.empty((total, 32, 32, 3), np.uint8)
    frames[:] = np.arange(total)[:, None, None, None]
    return ClipSet(
        frames=frames,
        clip_frames=np.repeat(np.arange(total)[:, None], 2, axis=1),
        clip_times_seconds=np.tile([0.0, 0.1], (total, 1)),
        clip_labels=labels,
        clip_videos=np.zeros(total, np.intp),
        labels=tuple("abcdef"[: len(num_clips)]),
        videos=(),
    )


def _shown(dataset: ClipDataset) -> list[int]:
    """Which clips an epoch shows, in order."""
    return [int(clip[0, 0, 0, 0]) for index in range(len(dataset)) for clip in dataset[index][0]]


@pytest.mark.parametrize(
    ("num_clips", "even", "sizes"),
    [
        (9, False, [4, 4, 1]),
        (9, True, [3, 3, 3]),
        (10, True, [3, 3, 4]),
        (8, True, [4, 4]),
        (3, True, [3]),
    ],
)
def test_even_batches_leave_none_with_few(num_clips: int, even: bool, sizes: list[int]) -> None:
    dataset = ClipDataset(_clips(num_clips), batch_size=4, even=even)
    assert dataset.batch_sizes == sizes
    assert [len(dataset[index][0]) for index in range(len(dataset))] == sizes
    assert sorted(_shown(dataset)) == list(range(num_clips))


def test_balanced_epochs_show_every_label_equally_often() -> None:
    dataset = ClipDataset(_clips(10, 3, 1), batch_size=4, balanced=True)
    for _ in range(2):
        labels = np.concatenate([dataset[index][1] for index in range(len(dataset))])
        assert labels.sum(axis=0).tolist() == [5, 5, 5]
        dataset.on_epoch_end()


def test_the_next_balanced_epoch_draws_others_and_a_resumed_one_the_same() -> None:
    def make(**options: Any) -> ClipDataset:
        return ClipDataset(_clips(10, 3), batch_size=4, balanced=True, seed=7, **options)

    dataset = make()
    first = _shown(dataset)
    dataset.on_epoch_end()
    second = _shown(dataset)
    assert {clip for clip in first if clip < 10} != {clip for clip in second if clip < 10}
    assert _shown(make(first_epoch=1)) == second


def test_a_clip_that_is_drawn_twice_is_changed_in_two_ways() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (7, 32, 32, 3), dtype=np.uint8)
    dataset = ClipDataset(
        replace(_clips(6, 1), frames=noise),
        batch_size=8,
        balanced=True,
        augmentation=Augmentation.of("strong"),
    )
    images, one_hot = dataset[0]
    of_b = images[one_hot[:, 1] == 1]
    assert len(of_b) == 4
    assert len({clip.tobytes() for clip in of_b}) == 4
    again, _ = dataset[0]
    np.testing.assert_array_equal(again, images)
