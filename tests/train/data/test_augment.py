"""Changed clips stay clips: one change for all pictures, none too large, and all repeatable."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rtaction.arrays import Float64Array, UInt8Array
from rtaction.errors import UsageError
from rtaction.train.choices import Strength
from rtaction.train.data.augment import Augmentation

STILL = Augmentation.nothing()


def gradient_clip(num_frames: int = 4, channels: int = 3) -> UInt8Array:
    """Pictures of 32x40 that grow lighter to the right, and by one from picture to picture."""
    row = np.linspace(40, 200, 40).astype(np.uint8)
    image = np.broadcast_to(row[np.newaxis, :, np.newaxis], (32, 40, channels))
    return np.stack([image + number for number in range(num_frames)]).astype(np.uint8)


def test_nothing_changes_where_nothing_may() -> None:
    clip = gradient_clip()

    assert np.array_equal(STILL.apply(clip, "wave", np.random.default_rng(0)), clip)


@pytest.mark.parametrize("strength", ["light", "strong"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_changed_clip_is_a_clip_and_the_one_given_stays(
    strength: Strength, channels: int
) -> None:
    clip = gradient_clip(channels=channels)
    before = clip.copy()
    augmentation = Augmentation.of(strength)
    assert augmentation is not None

    for seed in range(20):
        changed = augmentation.apply(clip, "wave", np.random.default_rng(seed))
        assert changed.shape == clip.shape
        assert changed.dtype == np.uint8
    assert np.array_equal(clip, before)


def test_the_same_state_gives_the_same_clip() -> None:
    augmentation = Augmentation()
    first, again, other = (
        augmentation.apply(gradient_clip(), "wave", np.random.default_rng(seed))
        for seed in (3, 3, 4)
    )

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_flip_is_exact_and_spares_labels_with_sides() -> None:
    clip = gradient_clip()
    flipping = replace(STILL, flip=1.0, keep_sides=("left_arm",))

    assert np.array_equal(flipping.apply(clip, "wave", np.random.default_rng(0)), clip[:, :, ::-1])
    assert np.array_equal(flipping.apply(clip, "left_arm", np.random.default_rng(0)), clip)


@pytest.mark.parametrize(
    "change",
    [
        {"shift": 0.3},
        {"scale": 0.4},
        {"rotation_degrees": 30.0},
        {"brightness": 0.3},
        {"contrast": 0.5},
    ],
)
def test_all_pictures_of_a_clip_change_alike(change: dict[str, Any]) -> None:
    """What does not move must not seem to."""
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 40, 3), dtype=np.uint8)
    clip = np.repeat(image, 5, axis=0)
    augmentation = replace(STILL, **change)

    for seed in range(10):
        changed = augmentation.apply(clip, "wave", np.random.default_rng(seed))
        assert (changed == changed[0]).all()
    assert not np.array_equal(changed[0], image[0])


def test_brightness_and_contrast_stay_within_their_amounts() -> None:
    clip = np.full((2, 8, 8, 3), 128, np.uint8)
    means = [
        replace(STILL, brightness=0.1).apply(clip, "wave", np.random.default_rng(seed)).mean()
        for seed in range(50)
    ]

    assert 128 - 26.5 <= min(means) < 115
    assert 141 < max(means) <= 128 + 26.5


def test_a_shift_stays_within_its_amount() -> None:
    clip = np.zeros((1, 50, 50, 3), np.uint8)
    clip[:, 20:30, 20:30] = 255
    lefts = []
    for seed in range(50):
        changed = replace(STILL, shift=0.1).apply(clip, "wave", np.random.default_rng(seed))
        columns = changed[0, :, :, 0].astype(float).sum(axis=0)
        lefts.append(float((columns * np.arange(50)).sum() / columns.sum()) - 24.5)

    assert max(map(abs, lefts)) <= 5.01
    assert min(lefts) < -2.5
    assert max(lefts) > 2.5


def test_a_dropped_frame_repeats_the_one_before() -> None:
    clip = gradient_clip(6)
    seen = set()
    for seed in range(40):
        changed = replace(STILL, dropped_frame=1.0).apply(clip, "wave", np.random.default_rng(seed))
        repeated = [n for n in range(1, 6) if np.array_equal(changed[n], changed[n - 1])]
        assert len(repeated) <= 1
        seen.update(repeated)
    assert seen == {1, 2, 3, 4, 5}


MOMENTS = np.array([2.0, 2.25, 2.5, 2.75, 3.0])


def moments_of(augmentation: Augmentation, *, keep_ends: bool = False) -> list[Float64Array]:
    """What 200 draws make of `MOMENTS`."""
    return [
        augmentation.moments(MOMENTS, np.random.default_rng(seed), keep_ends=keep_ends)
        for seed in range(200)
    ]


def test_moments_stay_where_nothing_may_move() -> None:
    uneven = np.array([0.0, 0.1, 0.3, 0.3, 0.4])
    for times in (MOMENTS, uneven, MOMENTS[:1]):
        np.testing.assert_allclose(
            STILL.moments(times, np.random.default_rng(0)), times, rtol=1e-12
        )


def test_speed_stretches_a_clip_about_its_middle() -> None:
    found = moments_of(replace(STILL, speed=0.2))
    lengths = [float(moments[-1] - moments[0]) for moments in found]
    assert 0.8 <= min(lengths) < 0.83
    assert 1.17 < max(lengths) <= 1.2
    for moments, length in zip(found, lengths, strict=True):
        np.testing.assert_allclose(moments, np.linspace(2.5 - length / 2, 2.5 + length / 2, 5))


def test_jitter_moves_each_moment_by_a_share_of_the_interval() -> None:
    moves = np.array(moments_of(replace(STILL, jitter=0.4))) - MOMENTS
    assert np.abs(moves).max(axis=0) == pytest.approx(np.full(5, 0.4 * 0.25), rel=0.05)
    assert np.abs(moves).max() <= 0.4 * 0.25
    assert np.abs(moves.mean(axis=0)).max() < 0.02
    assert np.abs(np.corrcoef(moves.T) - np.eye(5)).max() < 0.3


def test_moments_never_change_places() -> None:
    uneven = np.array([0.0, 0.02, 0.5, 0.5, 1.0])
    augmentation = replace(STILL, jitter=0.5, speed=0.5)
    for seed in range(50):
        moments = augmentation.moments(uneven, np.random.default_rng(seed))
        assert (np.diff(moments) >= 0).all()


def test_a_clip_of_a_whole_video_keeps_its_length() -> None:
    for moments in moments_of(replace(STILL, speed=0.5), keep_ends=True):
        np.testing.assert_allclose(moments, MOMENTS)
    jittered = replace(STILL, speed=0.5, jitter=0.2)
    # One amount changed leaves the others as they were.
    np.testing.assert_array_equal(
        moments_of(jittered, keep_ends=True), moments_of(replace(STILL, jitter=0.2))
    )


def test_noise_differs_from_picture_to_picture() -> None:
    clip = np.full((3, 32, 40, 3), 128, np.uint8)

    changed = replace(STILL, noise=1.0).apply(clip, "wave", np.random.default_rng(1))

    assert not np.array_equal(changed[0], changed[1])
    assert abs(changed.mean() - 128) < 0.5


@pytest.mark.parametrize(
    "values",
    [
        {"flip": 1.5},
        {"noise": -0.1},
        {"shift": 0.6},
        {"brightness": 2.0},
        {"scale": -1.0},
        {"speed": 0.6},
        {"jitter": 0.6},
    ],
)
def test_amounts_out_of_range(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(values))):
        replace(STILL, **values)


def test_none_is_none() -> None:
    assert Augmentation.of("none") is None


def test_a_dropped_frame_of_a_stack_is_replaced_by_one_of_its_own() -> None:
    clip = gradient_clip(6)
    augmentation = replace(STILL, dropped_frame=1.0)
    for seed in range(30):
        random = np.random.default_rng(seed)
        changed = augmentation.apply(clip, "wave", random, together=3)
        (lost,) = np.flatnonzero(
            [not np.array_equal(*pair) for pair in zip(clip, changed, strict=True)]
        )
        assert lost in (1, 2, 4, 5)
        assert np.array_equal(changed[lost], clip[lost - 1])
