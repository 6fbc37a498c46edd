from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_set import ClipSet

JITTER = replace(Augmentation.nothing(), jitter=0.4)


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


def _counted_clips(**changes: Any) -> ClipSet:
    """Three clips of 20 frames each, 5 frames apart, of two videos whose frame i is of gray i."""
    values = np.concatenate([np.arange(100), np.arange(100)]).astype(np.uint8)
    frames = np.broadcast_to(values[:, None, None, None], (200, 8, 8, 3))
    starts = np.array([20, 120, 150])
    clip_frames = starts[:, None] + np.arange(5) * 5
    clips = ClipSet(
        frames=frames,
        clip_frames=clip_frames,
        clip_times_seconds=(clip_frames % 100) / 25,
        clip_labels=np.array([0, 1, 1]),
        clip_videos=np.array([0, 1, 1]),
        labels=("a", "b"),
        videos=(),
        video_times_seconds=(np.arange(100) / 25, np.arange(100) / 25),
    )
    return replace(clips, **changes)


def _epochs(augmentation: Augmentation, **changes: Any) -> npt.NDArray[np.int_]:
    """Which frames 40 epochs show: shape (40, 3, 5)."""
    clips = _counted_clips(**changes)
    dataset = ClipDataset(clips, batch_size=3, shuffle=False, augmentation=augmentation)
    shown = []
    for _ in range(40):
        images, _ = dataset[0]
        shown.append(images[..., 0, 0, 0].astype(int))
        dataset.on_epoch_end()
    return np.array(shown)


OWN = np.array([20, 20, 50])[:, None] + np.arange(5) * 5


def test_jitter_takes_frames_beside_the_own_ones() -> None:
    moves = _epochs(JITTER) - OWN
    # 0.4 of five frames.
    assert sorted(np.unique(moves)) == [-2, -1, 0, 1, 2]
    assert (moves.std(axis=0) > 0.8).all()


def test_speed_takes_frames_from_a_longer_or_shorter_window() -> None:
    shown = _epochs(replace(JITTER, jitter=0.0, speed=0.2))
    lengths = shown[..., -1] - shown[..., 0]
    assert lengths.min() == 16
    assert lengths.max() == 24
    assert (shown[..., 2] == OWN[:, 2]).all()


def test_a_clip_over_a_whole_video_is_never_cut_short() -> None:
    shown = _epochs(replace(JITTER, jitter=0.0, speed=0.5), sampling="spread")
    assert (shown == OWN).all()
    assert (_epochs(JITTER, sampling="spread") == _epochs(JITTER)).all()


def test_where_times_are_unknown_a_clip_keeps_its_frames() -> None:
    assert (_epochs(replace(JITTER, speed=0.5), video_times_seconds=()) == OWN).all()


def test_a_resumed_epoch_takes_the_same_frames() -> None:
    options: dict[str, Any] = {"batch_size": 2, "augmentation": replace(JITTER, speed=0.2)}
    whole = ClipDataset(_counted_clips(), **options)
    first = [whole[index][0] for index in range(len(whole))]
    whole.on_epoch_end()
    resumed = ClipDataset(_counted_clips(), first_epoch=1, **options)
    for index in range(len(whole)):
        np.testing.assert_array_equal(resumed[index][0], whole[index][0])
    assert any(not np.array_equal(first[index], whole[index][0]) for index in range(len(whole)))
