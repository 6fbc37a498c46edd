"""Held-out accuracy and error follow what the features tell, and the choice follows the error."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.features.modality_choice import (
    CANDIDATES,
    Trial,
    Windows,
    best_modality,
    try_modalities,
)

NUM_VIDEOS, CLIPS_EACH, FRAMES, PARTS, FEATURES = 40, 2, 4, 5, 30
LABELS = np.arange(NUM_VIDEOS) % 2


def _noise(seed: int = 0) -> npt.NDArray[np.float32]:
    shape = (NUM_VIDEOS, CLIPS_EACH, FRAMES, PARTS, FEATURES)
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def _shifted(features: npt.NDArray[np.float32], by: float, *parts: int) -> npt.NDArray[np.float32]:
    """One feature of some parts (default: all) is raised in every other frame of one label."""
    shifted = features.copy()
    for part in parts or range(PARTS):
        shifted[LABELS == 1, :, ::2, part, 3] += by
    return shifted


def _groups(num_groups: int = 20) -> list[str]:
    return [f"group {i // 2 % num_groups}" for i in range(NUM_VIDEOS)]


def _trials(features: npt.NDArray[np.float32], num_groups: int = 20) -> dict[str, Trial]:
    labels = ["ab"[label] for label in LABELS]
    return try_modalities(Windows.of(features, labels, _groups(num_groups)))


def test_noise_tells_nothing_and_a_shift_tells_all() -> None:
    noise = _noise()
    trials = [_trials(one) for one in (noise, _shifted(noise, 4.0), _shifted(noise, 8.0))]
    for modality in CANDIDATES:
        assert 0.25 < trials[0][modality].accuracy < 0.75
        assert trials[1][modality].accuracy > 0.95
        errors = [trial[modality].error for trial in trials]
        assert errors == sorted(errors, reverse=True)
    # A part of noise beside one that tells does little harm.
    assert _trials(_shifted(noise, 4.0, 0))["rgb+rgb_diff"].accuracy > 0.9


def test_what_only_a_group_has_is_of_no_use() -> None:
    # Each group has a look of its own, the same for both labels: a video is known by its group.
    looks = np.random.default_rng(1).normal(size=(20, FEATURES)) * 10
    group = np.array([int(name.split()[1]) for name in _groups()])
    features = _noise() + looks[group][:, np.newaxis, np.newaxis, np.newaxis].astype(np.float32)
    assert all(trial.accuracy < 0.75 for trial in _trials(features).values())


def test_the_modality_whose_parts_tell_is_chosen() -> None:
    noise = _noise()
    for part, chosen in (
        (0, "rgb+rgb_diff"),
        (3, "rgb_diff+abs_diff+flow"),
        (2, "flow_closeup"),
    ):
        trials = _trials(_shifted(noise, 4.0, part))
        assert best_modality({name: trial.error for name, trial in trials.items()}) == chosen


def test_a_costlier_modality_must_be_clearly_better() -> None:
    assert best_modality({"cheap": 0.100, "costly": 0.0981}) == "cheap"
    assert best_modality({"cheap": 0.100, "costly": 0.0979}) == "costly"


def test_a_trial_that_went_wrong_is_not_taken() -> None:
    nan = float("nan")
    assert best_modality({"cheap": nan, "costly": 0.2, "costliest": 0.1}) == "costliest"
    assert best_modality({"cheap": 0.2, "costly": nan}) == "cheap"
    assert best_modality({"cheap": float("inf"), "costly": 0.3}) == "costly"
    assert best_modality({"cheap": nan, "costly": nan}) == "cheap"


def test_labels_and_videos_count_alike() -> None:
    random = np.random.default_rng(0)
    counts = [1, 4, 2, 3]
    features = [random.normal(size=(n, FRAMES, PARTS, FEATURES)) for n in counts]
    windows = Windows.of(features, ["b", "a", "a", "a"], ["x", "y", "z", "z"])
    assert windows.label_names == ("a", "b")
    assert windows.labels.tolist() == [1, *[0] * 9]
    of_video = np.bincount(windows.videos, windows.weights)
    assert of_video == pytest.approx(np.array([3, 1, 1, 1]) * 10 / 6)


def test_videos_are_judged_where_another_group_has_their_label() -> None:
    one_group = _trials(_noise(), num_groups=1)
    assert not any(trial.is_judged.any() for trial in one_group.values())
    assert np.isnan(one_group["rgb+rgb_diff"].accuracy)
    windows = Windows.of(_noise()[:4], list("aabb"), ["x", "y", "z", "z"])
    assert try_modalities(windows)["rgb+rgb_diff"].is_judged.tolist() == [True, True, False, False]
