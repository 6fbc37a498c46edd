"""Take clips from videos: each is decoded once, on all cores, and cut into windows."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.errors import DatasetError, SourceError
from rtaction.labelled.videos import Video, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.sampling import (
    Selection,
    last_period_seconds,
    select_frames,
    sliding_selections,
)
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.decoded_video import DecodedVideo, TemporaryFrames, VideoFrames
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.kept_closeups import Details, KeptCloseups
from rtaction.train.data.kept_flow import KeptFlow
from rtaction.video.span import Span
from rtaction.whole_video import whole_targets, why_no_spread_clip

_log = logging.getLogger(__name__)


_SLACK_SECONDS = 0.5  # annotations are rounded


class _Skipped(Exception):
    """The reason why a video is skipped."""


@dataclass(frozen=True, eq=False)
class _Clips:
    """The clips of one video; `clip_frames` are indices into its own frames."""

    video: DecodedVideo
    clip_frames: npt.NDArray[np.intp]

    @property
    def clip_times_seconds(self) -> npt.NDArray[np.float64]:
        return self.video.times_seconds[self.clip_frames]


def read_clip_set(
    videos: Sequence[Video],
    spec: ModelSpec,
    *,
    stride_seconds: float | None = None,
    need_every_label: bool = True,
    on_video: Callable[[], None] | None = None,
    cache: FrameCache | None = None,
) -> ClipSet:
    """Take clips from videos. A video without clips is skipped, with a warning that says why.

    Files that are not in the cache are decoded, on all cores, each once: several videos may be
    parts of one file.

    Args:
        videos: the videos.
        spec: labels, timing and size of the clips.
        stride_seconds: time from one window of a video to the next. Default: half a clip. Ignored
            if `spec` is for clips of whole videos.
        need_every_label: reject a set in which none of the videos of a label can be used. Default
            True.
        on_video: called after each video. Default None.
        cache: keeps decoded videos from run to run; those it has no room for go into a temporary
            file. Default: `FrameCache()`.

    Raises:
        DatasetError: no clips at all, a label without clips although each is needed, or the disk
            is full.
    """
    kept: list[Video] = []
    parts: list[_Clips] = []
    cache = cache or FrameCache()
    closeups = KeptCloseups(cache.room)
    with closing(_read_all(videos, spec, stride_seconds, cache, closeups)) as results:
        for video, result in results:
            if on_video:
                on_video()
            if isinstance(result, str):
                _log.warning("skipped %s: %s", video.where, result)
                continue
            kept.append(video)
            parts.append(result)
    num_skipped = len(videos) - len(kept)
    if num_skipped:
        _log.warning("skipped %d of %d videos", num_skipped, len(videos))
    check_labels(videos, kept, need_every_label)
    frames = VideoFrames([part.video for part in parts], [video.path for video in kept], spec)
    counts = [len(part.clip_frames) for part in parts]
    firsts, truths = labels_of_clips(kept, counts, spec)
    shifted = [p.clip_frames + start for p, start in zip(parts, frames.starts, strict=False)]
    return ClipSet(
        frames=frames,
        clip_frames=np.concatenate(shifted),
        clip_times_seconds=np.concatenate([part.clip_times_seconds for part in parts]),
        clip_labels=firsts,
        truths=truths,
        clip_videos=np.repeat(np.arange(len(kept)), counts).astype(np.intp),
        labels=spec.labels,
        videos=tuple(kept),
        modality=spec.modality,
        num_skipped=num_skipped,
        sampling=spec.sampling,
        video_times_seconds=tuple(part.video.times_seconds for part in parts),
        flow=KeptFlow(cache.room),
        closeups=closeups,
    )


def labels_of_clips(
    videos: Sequence[Video], counts: Sequence[int], spec: ModelSpec
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_] | None]:
    """The labels of the clips of videos, as `ClipSet.clip_labels` and `ClipSet.truths`.

    Args:
        videos: the videos, each with labels of the contract.
        counts: number of clips of each.
        spec: the contract.
    """
    firsts = [spec.labels.index(video.label) if video.label else -1 for video in videos]
    clip_labels = np.repeat(firsts, counts).astype(np.intp)
    if not spec.multi_label:
        return clip_labels, None
    truths = [[label in video.labels for label in spec.labels] for video in videos]
    return clip_labels, np.repeat(np.array(truths, np.bool_), counts, axis=0)


def check_labels(videos: Sequence[Video], kept: Sequence[Video], need_every_label: bool) -> None:
    """Check that there are clips.

    Args:
        videos: all videos.
        kept: those that have clips.
        need_every_label: whether each label must have some.

    Raises:
        DatasetError: none has, or a label has none although each must.
    """
    lost = sorted(set(labels_of(videos)) - set(labels_of(kept)))
    if lost and (need_every_label or not kept):
        raise DatasetError(
            f"none of these {len(videos)} videos of {lost} can be used; the warnings above say why"
        )


def _read_all(
    videos: Sequence[Video],
    spec: ModelSpec,
    stride_seconds: float | None,
    cache: FrameCache,
    closeups: KeptCloseups,
) -> Generator[tuple[Video, _Clips | str]]:
    """The clips of each video, or the reason why it has none; file by file, in order."""
    stop = threading.Event()
    read_one = partial(
        _read_or_reason,
        spec=spec,
        stride_seconds=stride_seconds,
        cache=cache,
        leftover=TemporaryFrames(),
        closeups=closeups,
        stop=stop,
    )
    of_file: dict[Path, list[Video]] = {}
    for video in videos:
        of_file.setdefault(video.path, []).append(video)
    # Threads: OpenCV decodes without holding the GIL, and processes were no faster.
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        for results in pool.map(read_one, of_file.values()):
            yield from results
    finally:
        # After Ctrl-C nobody waits for the rest of a long video, let alone of all videos.
        stop.set()
        pool.shutdown(cancel_futures=True)


def _read_or_reason(
    videos: Sequence[Video],
    *,
    spec: ModelSpec,
    stride_seconds: float | None,
    cache: FrameCache,
    leftover: TemporaryFrames,
    closeups: KeptCloseups,
    stop: threading.Event,
) -> list[tuple[Video, _Clips | str]]:
    """The clips of each of the videos that one file has."""
    path = videos[0].path
    details = Details() if spec.shows_closeup else None
    try:
        with cache.read(path, spec, stop, details.add if details else None) as decoded:
            if decoded.problem:
                return [(video, decoded.problem) for video in videos]
            cut = partial(_cut, decoded, spec, stride_seconds, leftover)
            results = [(video, cut(video)) for video in videos]
        if details and details.is_whole:
            for _, clips in results:
                if not isinstance(clips, str):
                    before, after = clips.clip_frames[:, :-1], clips.clip_frames[:, 1:]
                    closeups.make(path, clips.video, before, after, details)
        return results
    except SourceError as error:
        reason = str(error).removeprefix(str(path)).lstrip(": ")
        return [(video, reason) for video in videos]
    finally:
        if details:
            details.close()


def _cut(
    whole: DecodedVideo,
    spec: ModelSpec,
    stride_seconds: float | None,
    leftover: TemporaryFrames,
    video: Video,
) -> _Clips | str:
    try:
        decoded = whole if video.span is None else _part(video.path, whole, video.span)
        selections = _usable_selections(decoded.times_seconds, spec, stride_seconds)
    except _Skipped as reason:
        return str(reason)
    indices = np.stack([selection.indices for selection in selections])
    if decoded.is_kept:
        return _Clips(decoded, indices)
    # Without room for all frames, only those that some clip uses are kept.
    used, positions = np.unique(indices, return_inverse=True)
    return _Clips(leftover.add(decoded, used), positions.reshape(indices.shape))


def _part(path: Path, whole: DecodedVideo, span: Span) -> DecodedVideo:
    times = whole.times_seconds
    video_seconds = float(times[-1] + last_period_seconds(times))
    if reason := span.why_beyond(video_seconds):
        raise _Skipped(reason)
    if span.end_seconds > video_seconds + _SLACK_SECONDS:
        _log.warning(
            "%s: %sused from %g s until its end at %.2f s, as it has nothing until %g s",
            *(path, f"line {span.line}: " * (span.line > 0)),
            *(span.start_seconds, video_seconds, span.end_seconds),
        )
    places = span.places(times)
    if places.start == places.stop:
        raise _Skipped("no frame is shown in it")
    return whole.part(places)


def _usable_selections(
    times_seconds: npt.NDArray[np.float64], spec: ModelSpec, stride_seconds: float | None
) -> list[Selection]:
    needed = spec.frames_per_window
    if spec.shows_whole_videos:
        if len(times_seconds) < spec.least_frames:
            raise _Skipped(why_no_spread_clip(len(times_seconds), spec.least_frames))
        targets = whole_targets(times_seconds, needed, sampling=spec.sampling, stack=spec.stack)
        selections = [select_frames(times_seconds, targets)]
    else:
        selections = sliding_selections(
            times_seconds,
            frames_per_clip=needed,
            clip_seconds=spec.window_seconds,
            stride_seconds=stride_seconds or spec.clip_seconds / 2,
            stack=spec.stack,
        )
        if not selections:
            duration_seconds = times_seconds[-1] - times_seconds[0]
            raise _Skipped(
                f"too short: {duration_seconds:.2f} s, a clip needs {spec.window_seconds:.2f} s"
            )
    usable = [selection for selection in selections if selection.problem is None]
    if not usable:
        raise _Skipped(why_no_spread_clip(len(times_seconds), needed))
    return usable
