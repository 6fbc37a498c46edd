"""Rendered people as files: folders of clips to train on, or long videos with their intervals.

Existing files are kept, so an interrupted run can continue. This module knows nothing about bodies,
networks or the command line.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from rtaction.errors import OutputError, UsageError
from rtaction.frame import Clip
from rtaction.opencv import cv2
from rtaction.output_file import whole_file
from rtaction.train.render.clip import RENDERED_LABELS, Interval, render_clip, render_sequence
from rtaction.train.render.motion import NOTHING, OTHER
from rtaction.video.writer import VideoWriter

INTERVALS_FILE = "intervals.csv"
# Seeds within one run are below this, so runs with different seeds share no person.
SEEDS_PER_RUN = 1_000_000
# In a long video: durations of actions and of the pauses between them.
ACTION_SECONDS, BETWEEN_SECONDS = (2.5, 4.5), (2.0, 6.0)
OTHER_SHARE = 0.6

_Job = TypeVar("_Job")


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """Options of rendered videos.

    Args:
        seed: another seed gives other people, 0 to 999. Default 0.
        seconds: length of a video. Default 2.5.
        frames_per_second: default 15.
        size_hw: height and width in pixels. Default (96, 128).

    Raises:
        UsageError: a value is out of range.
    """

    seed: int = 0
    seconds: float = 2.5
    frames_per_second: float = 15.0
    size_hw: tuple[int, int] = (96, 128)

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 1000:
            raise UsageError(f"seed must be from 0 to 999, got {self.seed}")
        if not 0.5 <= self.seconds <= 3600:
            raise UsageError(f"seconds must be from 0.5 to 3600, got {self.seconds}")
        if not 1 <= self.frames_per_second <= 240:
            raise UsageError(f"frames per second must be 1 to 240, got {self.frames_per_second}")
        if not all(16 <= extent <= 4096 for extent in self.size_hw):
            height, width = self.size_hw
            raise UsageError(f"frames must be 16 to 4096 pixels each way, got {width}x{height}")


def folder_of(label: str) -> str:
    """The folder for clips of a label: "other" is no action, so it goes to "nothing"."""
    return NOTHING if label == OTHER else label


def render_clips(
    folder: Path,
    clips_by_label: dict[str, int],
    options: RenderOptions,
    *,
    on_file: Callable[[], None] | None = None,
) -> int:
    """Write `folder/<label>/<label>-<number>.avi`, on all cores; each clip shows another person.

    Args:
        folder: created if missing.
        clips_by_label: number of clips of each label, see `RENDERED_LABELS`. Those of "other" go
            into "nothing".
        options: rendering options.
        on_file: called after each file.

    Returns:
        Number of files written; the others already existed.

    Raises:
        UsageError: a label is unknown, or a number is below 1.
        OutputError: a file cannot be written.
    """
    _check_labels(clips_by_label)
    if any(count < 1 for count in clips_by_label.values()):
        raise UsageError(f"clips must be 1 or more per label, got {clips_by_label}")
    # One of each in turn: after an interruption, the existing clips can be trained on.
    jobs = [
        (label, options.seed * SEEDS_PER_RUN + number * len(RENDERED_LABELS) + place)
        for number in range(max(clips_by_label.values()))
        for place, label in enumerate(RENDERED_LABELS)
        if number < clips_by_label.get(label, 0)
    ]
    for label in clips_by_label:
        _make_folder(folder / folder_of(label))
    return _on_all_cores(partial(_render_one_clip, folder, options), jobs, on_file)


def render_sequences(
    folder: Path,
    count: int,
    labels: Sequence[str],
    options: RenderOptions,
    *,
    on_file: Callable[[], None] | None = None,
) -> int:
    """Write `folder/sequence-<number>.avi`, and `folder/intervals.csv` with the true intervals.

    Each shows one person who acts now and then, and otherwise stands or, if "other" is among the
    labels, makes movements without a label.

    Args:
        folder: created if missing.
        count: number of videos.
        labels: labels of the actions, see `RENDERED_LABELS`; "nothing" is always in between.
        options: rendering options; `seconds` is the minimum length of a video.
        on_file: called after each file.

    Returns, Raises:
        As `render_clips`.
    """
    _check_labels(labels)
    if count < 1:
        raise UsageError(f"sequences must be 1 or more, got {count}")
    _make_folder(folder)
    jobs = [options.seed * SEEDS_PER_RUN + number for number in range(count)]
    written = _on_all_cores(
        partial(_render_one_sequence, folder, options, tuple(labels)), jobs, on_file
    )
    path = folder / INTERVALS_FILE
    with whole_file(path) as place, place.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(("video", "label", "start_seconds", "end_seconds"))
        for seed in jobs:
            rows.writerows(_rows(seed, plan(seed, labels, options.seconds)))
    return written


def plan(seed: int, labels: Sequence[str], seconds: float) -> list[tuple[str, float]]:
    """The parts of one sequence: labels and durations in seconds; ends with "nothing"."""
    rng = np.random.default_rng([seed, len(RENDERED_LABELS)])
    actions = [label for label in labels if label not in (NOTHING, OTHER)]
    parts: list[tuple[str, float]] = []
    while sum(part for _, part in parts) < seconds or not parts:
        moves = OTHER in labels and rng.random() < OTHER_SHARE
        parts.append((OTHER if moves else NOTHING, float(rng.uniform(*BETWEEN_SECONDS))))
        if actions:
            action = actions[int(rng.integers(len(actions)))]
            parts.append((action, float(rng.uniform(*ACTION_SECONDS))))
    return [*parts, (NOTHING, 2.0)]


def _check_labels(labels: Sequence[str] | dict[str, int]) -> None:
    if not labels:
        raise UsageError("expected at least one label, got none")
    for label in labels:
        if label not in RENDERED_LABELS:
            known = ", ".join(RENDERED_LABELS)
            raise UsageError(f"cannot render {label!r}; expected one of {known}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create the folder {folder}: {error.strerror}") from None


def _on_all_cores(
    work: Callable[[_Job], bool], jobs: Sequence[_Job], on_file: Callable[[], None] | None
) -> int:
    num_workers = max(1, min(os.cpu_count() or 1, len(jobs)))
    written = 0
    # Spawned: a forked process inherits the locks of OpenCV's threads, but not the threads.
    with ProcessPoolExecutor(
        num_workers, get_context("spawn"), initializer=partial(cv2.setNumThreads, 1)
    ) as pool:
        chunk = max(1, min(8, len(jobs) // (4 * num_workers)))
        try:
            for is_new in pool.map(work, jobs, chunksize=chunk):
                written += is_new
                if on_file:
                    on_file()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return written


def _render_one_clip(folder: Path, options: RenderOptions, job: tuple[str, int]) -> bool:
    label, seed = job
    path = folder / folder_of(label) / f"{label}-{seed:07d}.avi"
    return _write(
        path,
        options,
        lambda: render_clip(
            label,
            seed=seed,
            seconds=options.seconds,
            frames_per_second=options.frames_per_second,
            size_hw=options.size_hw,
        ),
    )


def _render_one_sequence(
    folder: Path, options: RenderOptions, labels: tuple[str, ...], seed: int
) -> bool:
    def render() -> Clip:
        return render_sequence(
            plan(seed, labels, options.seconds),
            seed=seed,
            frames_per_second=options.frames_per_second,
            size_hw=options.size_hw,
        )[0]

    return _write(folder / _sequence_name(seed), options, render)


def _sequence_name(seed: int) -> str:
    return f"sequence-{seed:07d}.avi"


def _rows(seed: int, parts: Sequence[tuple[str, float]]) -> list[tuple[str, ...]]:
    intervals: list[Interval] = []
    start = 0.0
    for label, seconds in parts:
        intervals.append((label, start, start + seconds))
        start += seconds
    acting = [one for one in intervals if one[0] not in (NOTHING, OTHER)]
    name = _sequence_name(seed)
    return [(name, label, f"{s:.3f}", f"{e:.3f}") for label, s, e in acting] or [(name, "", "", "")]


def _write(path: Path, options: RenderOptions, render: Callable[[], Clip]) -> bool:
    """Render and write a file, completely or not at all, unless it exists."""
    if path.exists():
        return False
    clip = render()
    with whole_file(path) as partial_path:
        writer = VideoWriter(partial_path, frames_per_second=options.frames_per_second)
        for image, seconds in zip(clip.images, clip.times_seconds, strict=True):
            writer.write(image, float(seconds))
        writer.close()
    return True
