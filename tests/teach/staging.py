"""A drawn person who does what the guide asks for, when it asks, as a video to play as a camera."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rtaction.teach.recorder import Quota, Recorder
from rtaction.train.render.clip import render_sequence
from tests.videos import write_video

FRAMES_PER_SECOND = 15.0
SIZE_HW = (120, 160)


def write_takes(
    folder: Path, labels: Sequence[str], num_takes: int, *, seconds: float, seed: int = 0
) -> Path:
    """Write a folder of videos for each label, `00.mp4` and so on, all of one drawn person."""
    parts = [(label, seconds) for _ in range(num_takes) for label in labels]
    clip, intervals = render_sequence(
        parts, seed=seed, frames_per_second=FRAMES_PER_SECOND, size_hw=SIZE_HW
    )
    for number, (label, start_seconds, end_seconds) in enumerate(intervals):
        own = (clip.times_seconds >= start_seconds) & (clip.times_seconds < end_seconds)
        times = clip.times_seconds[own]
        path = folder / label / f"{number // len(labels):02d}.mp4"
        write_video(path, clip.images[own], times - times[0])
    return folder


def write_session(
    path: Path,
    labels: Sequence[str],
    num_takes: int,
    *,
    take_seconds: float,
    seed: int,
    after_seconds: float = 3.0,
) -> Path:
    """Write what the camera sees in a session whose timing has this seed, and a while after it."""
    quotas = [Quota(label, 0, num_takes) for label in labels]
    recorder = Recorder(quotas, take_seconds=take_seconds, seed=seed)
    shown, index = [], 0
    while not recorder.is_over:
        recorder.see(index / FRAMES_PER_SECOND)
        # Whoever stands there begins with the countdown's end and is still in between.
        shown.append(recorder.quota.label if recorder.phase == "recording" else "nothing")
        index += 1
    shown += [labels[0]] * round(after_seconds * FRAMES_PER_SECOND)
    parts = [(label, len(list(frames)) / FRAMES_PER_SECOND) for label, frames in groupby(shown)]
    parts = [(label, max(seconds, 0.5)) for label, seconds in parts]
    clip, _ = render_sequence(
        parts, seed=seed, frames_per_second=FRAMES_PER_SECOND, size_hw=SIZE_HW
    )
    return write_video(path, clip.images, clip.times_seconds)
