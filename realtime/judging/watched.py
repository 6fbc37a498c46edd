"""The predictions of a model for video files, watched as `rtaction cam` watches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from rtaction.errors import SourceError
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.watching.follower import is_too_short, why_nothing
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.people import judges_whole
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.watching.watch import watch_cameras
from rtaction.realtime.windows.engine import Scorer
from rtaction.sampling import TIME_TOLERANCE_SECONDS, last_period_seconds
from rtaction.video.span import Span


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The predictions of a model for one video.

    Args:
        path: the file.
        predictions: of all its windows, in order, timed from its first frame; none if there is a
            `problem`.
        duration_seconds: length of what could be decoded; 0.0 if nothing could.
        problem: why there are no predictions, for a person; "" if there are some.
        is_short: whether that is because the video is shorter than a window. Default False.
    """

    path: PurePath
    predictions: tuple[Prediction, ...]
    duration_seconds: float
    problem: str = ""
    is_short: bool = False


def judge_videos(
    model: Scorer,
    paths: Sequence[Path],
    *,
    stride_seconds: float | None = None,
    windows: bool = False,
    on_video: Callable[[], None] | None = None,
) -> list[Judged]:
    """Watch videos one after the other. One that cannot be judged does not stop the rest.

    Args:
        model: the model.
        paths: the files.
        stride_seconds: time from one window to the next. Default: the frame interval of a clip.
        windows: see `WatchOptions`. Default False.
        on_video: called after each video. Default None.

    Returns:
        One per path, in order.

    Raises:
        DeviceUnavailable: the accelerator failed.
    """
    # Why a video has no prediction is told once, by `why_nothing`.
    options = WatchOptions(stride_seconds=stride_seconds, tell_slow=False, windows=windows)
    judged = []
    for path in paths:
        judged.append(judge_video(model, path, options))
        if on_video is not None:
            on_video()
    return judged


def judge_video(model: Scorer, path: Path, options: WatchOptions) -> Judged:
    """Watch one video; see `judge_videos`."""
    predictions: list[Prediction] = []
    times_seconds: list[float] = []
    num_frames = 0
    try:
        for moment_predictions, moment_times in _moments(model, path, options):
            predictions += moment_predictions
            times_seconds = (times_seconds + moment_times)[-2:]
            num_frames += len(moment_times)
    except SourceError as error:
        return unreadable(path, error)
    return judged_of(model.spec, path, predictions, num_frames, times_seconds, options)


def unreadable(path: PurePath, error: SourceError) -> Judged:
    """What there is to say of a video that cannot be read."""
    return Judged(path, (), 0.0, str(error).removeprefix(str(path)).lstrip(": "))


def judged_of(
    spec: ModelSpec,
    path: PurePath,
    predictions: Sequence[Prediction],
    num_frames: int,
    last_seconds: Sequence[float],
    options: WatchOptions,
) -> Judged:
    """The predictions for a video that has been read to its end, or why there are none.

    Args:
        spec: of the model.
        path: the file.
        predictions: of all its windows, in order.
        num_frames: of the video, at least 1.
        last_seconds: times of its last two frames; of its only one, if it has no more.
        options: how it was watched.
    """
    duration_seconds = last_seconds[-1] + last_period_seconds(last_seconds)
    if predictions:
        return Judged(path, tuple(predictions), duration_seconds)
    is_whole = judges_whole(spec, options, is_file=True)
    reason = why_nothing(spec, num_frames, duration_seconds, is_whole=is_whole)
    is_short = is_too_short(spec, num_frames, duration_seconds, is_whole=is_whole)
    return Judged(path, (), duration_seconds, reason, is_short)


def within(judged: Judged, span: Span | None) -> Judged:
    """The same, with the predictions of windows that lie in a part of the video alone.

    Args:
        judged: of the whole video.
        span: the part. None: all of it.
    """
    if span is None or judged.problem:
        return judged
    until_seconds = min(span.end_seconds, judged.duration_seconds)
    kept = tuple(
        one
        for one in judged.predictions
        if one.start_seconds >= span.start_seconds - TIME_TOLERANCE_SECONDS
        and one.end_seconds <= span.end_seconds + TIME_TOLERANCE_SECONDS
    )
    problem = span.why_beyond(judged.duration_seconds)
    if not kept and not problem:
        problem = f"no window fits into {span}"
    return Judged(judged.path, kept, max(until_seconds - span.start_seconds, 0.0), problem)


def of_main_person(judged: Judged) -> Judged:
    """The same, with the predictions of one person: who is largest for longest.

    That is the highest sum of the areas of their boxes, over their windows. Without people, it is
    unchanged.
    """
    areas: dict[int, float] = {}
    for one in judged.predictions:
        if one.person is not None and one.box is not None:
            top, left, bottom, right = one.box
            areas[one.person] = areas.get(one.person, 0.0) + (bottom - top) * (right - left)
    if not areas:
        return judged
    main = max(areas, key=lambda person: areas[person])
    kept = tuple(one for one in judged.predictions if one.person == main)
    return replace(judged, predictions=kept)


def _moments(
    model: Scorer, path: Path, options: WatchOptions
) -> Iterator[tuple[list[Prediction], list[float]]]:
    """The predictions and the frame times of each moment."""
    # The path is not parsed as a source: it may look like another kind ("0", "screen:", a pattern).
    camera = Camera(Address("file", str(path), str(path)), str(path))
    moments = watch_cameras(model, [camera], WatchStats(), options)
    with closing(moments):
        for moment in moments:
            yield moment.predictions, [frame.captured_at_seconds for frame in moment.frames]
