"""`rtaction eval`: labelled videos watched, compared with what they show, and put into words."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rtaction.errors import UsageError
from rtaction.evaluation.estimate import Estimate
from rtaction.evaluation.intervals import left_out_notes, read_intervals
from rtaction.labelled.videos import find_videos, grouping, is_grouped
from rtaction.model_spec import ModelSpec
from rtaction.realtime.judging.events import EventEvaluation, evaluate_events, is_tuned_on
from rtaction.realtime.judging.options import EvalOptions
from rtaction.realtime.judging.several_labels import (
    SeveralEvaluation,
    evaluate_several,
    require_one_label,
    several_lines_of,
)
from rtaction.realtime.judging.text import event_lines, video_lines
from rtaction.realtime.judging.videos import VideoEvaluation, evaluate_videos, require_known_label
from rtaction.realtime.judging.watched import judge_videos, of_main_person, within
from rtaction.realtime.windows.engine import Scorer

Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Shows how many of a number of videos are done: gives what to call after each."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an evaluation came to; printed, it is the figures for a person.

    Args:
        spec: the model's contract.
        figures: what was measured.
        lines: the figures for a person.
    """

    spec: ModelSpec
    figures: VideoEvaluation | SeveralEvaluation | EventEvaluation = field(repr=False)
    lines: list[str] = field(repr=False)

    @property
    def accuracy(self) -> Estimate:
        """Share of the videos that are named rightly; by a model that scores each label by itself,
        share of those whose labels are all right.

        Raises:
            UsageError: events were evaluated, which have no accuracy.
        """
        if isinstance(self.figures, VideoEvaluation):
            return self.figures.videos.accuracy
        if isinstance(self.figures, SeveralEvaluation):
            return self.figures.videos.exact
        raise UsageError(
            "events have no accuracy; see the precision, recall and false alarms in figures.figures"
        )

    def to_dict(self) -> dict[str, Any]:
        """All figures, for JSON; see `rtaction.realtime.judging.report`."""
        return self.figures.to_dict()

    def __str__(self) -> str:
        return "\n".join(self.lines)


def run_evaluation(
    load: Callable[[], Scorer],
    options: EvalOptions,
    *,
    progress: Progress,
    say: Callable[[str], object],
) -> Judgement:
    """Evaluate a model on videos.

    Args:
        load: loads the model, once the videos are found.
        options: which videos, and how.
        progress: shows how far it is.
        say: told what takes long, for a person.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    evaluate = _evaluate_videos if options.intervals is None else _evaluate_events
    return evaluate(load, options, progress, say)


def _evaluate_videos(
    load: Callable[[], Scorer],
    options: EvalOptions,
    progress: Progress,
    say: Callable[[str], object],
) -> Judgement:
    listed = find_videos(
        options.videos, group=options.group, min_labels=1, root=options.videos_root, several=True
    )
    # Parts of a video are judged by the windows inside them.
    windows = options.windows or any(video.span for video in listed)
    paths = list(dict.fromkeys(video.path for video in listed))
    model = load()
    require_known_label(listed, model.spec)
    if not model.spec.multi_label:
        require_one_label(listed)
    with progress(len(paths)) as step:
        whole = judge_videos(
            model, paths, stride_seconds=options.stride_seconds, windows=windows, on_video=step
        )
    by_path = dict(zip(paths, whole, strict=True))
    judged = [of_main_person(within(by_path[video.path], video.span)) for video in listed]
    grouped = is_grouped(listed)
    if model.spec.multi_label:
        several = evaluate_several(listed, judged, model.spec)
        return Judgement(model.spec, several, several_lines_of(several, grouped=grouped))
    found = evaluate_videos(listed, judged, model.spec)
    lines = video_lines(found, model.spec, grouped=grouped, windows=windows)
    return Judgement(model.spec, found, lines)


def _evaluate_events(
    load: Callable[[], Scorer],
    options: EvalOptions,
    progress: Progress,
    say: Callable[[str], object],
) -> Judgement:
    assert options.intervals is not None
    folder = Path(options.videos)
    if not folder.is_dir():
        raise UsageError(f"with --intervals, expected a folder of videos, got {str(folder)!r}")
    times = read_intervals(options.intervals, folder)
    group_of = grouping(options.group)
    groups = [group_of(one.path) for one in times]
    tuned_on = is_tuned_on(times, groups, options.tune_on)
    model = load()
    with progress(len(times)) as step:
        judged = judge_videos(
            model,
            [one.path for one in times],
            stride_seconds=options.stride_seconds,
            windows=True,
            on_video=step,
        )
    if tuned_on is not None:
        say("tuning thresholds")
    grouped = options.group is not None
    found = evaluate_events(
        times,
        judged,
        groups,
        model.spec,
        tuned_on=tuned_on,
        grouped=grouped,
        stride_seconds=options.stride_seconds,
        notes=left_out_notes(times, folder),
    )
    return Judgement(model.spec, found, event_lines(found, grouped=grouped))
