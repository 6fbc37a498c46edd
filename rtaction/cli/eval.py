"""The command that tells how good a model is: `rtaction eval`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from rtaction.errors import UsageError

if TYPE_CHECKING:
    from rtaction.realtime.judging.clips import ClipEvaluation
    from rtaction.realtime.judging.events import EventEvaluation
    from rtaction.realtime.model.action_model import ActionModel

    Load = Callable[[], ActionModel]


def evaluate(
    model: Annotated[
        Path,
        typer.Argument(
            help="An ONNX file made by rtaction export, a .keras file, or a run folder."
        ),
    ],
    videos: Annotated[
        str,
        typer.Argument(
            help="Folder of folders, or a pattern such as 'v/{classname}/*.mp4'; with --intervals "
            "the folder that its names are relative to."
        ),
    ],
    intervals: Annotated[
        Path | None,
        typer.Option(help="CSV of what happens when: video,label,start_seconds,end_seconds."),
    ] = None,
    tune_on: Annotated[
        str | None,
        typer.Option(
            help="Regular expression: paths of the videos to tune thresholds on; the others are "
            "reported. Or a column split in the CSV: tune, test."
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help="Regular expression: what in a path names its person, camera or take."),
    ] = None,
    stride_seconds: Annotated[
        float | None,
        typer.Option(min=0.001, help="Time between two windows. Default: as live."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write all figures as JSON.")
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml, directml[:N].")
    ] = "auto",
) -> None:
    """Tell how good a model is, on videos of one action each or with actions at known times."""
    from rtaction.realtime.judging.report import write_report

    if tune_on is not None and intervals is None:
        raise UsageError("--tune-on needs --intervals: thresholds are tuned on actions in time")
    if stride_seconds is not None and not stride_seconds < float("inf"):
        raise UsageError(f"--stride-seconds must be finite, got {stride_seconds}")
    found: ClipEvaluation | EventEvaluation
    with _loaded(model, device) as load:
        if intervals is None:
            loaded, found = _evaluate_clips(model, videos, group, stride_seconds, load)
        else:
            loaded, found = _evaluate_events(
                model, Path(videos), intervals, tune_on, group, stride_seconds, load
            )
    if output is not None:
        write_report(
            output,
            found,
            loaded.spec,
            model=model,
            videos=videos,
            group=group,
            stride_seconds=stride_seconds,
        )


@contextmanager
def _loaded(model: Path, device: str) -> Iterator[Load]:
    """What loads the model; a Keras one is exported first, as what is judged is what runs live."""
    from rtaction.realtime.model.action_model import ActionModel

    keras = model / "model.keras" if model.is_dir() else model
    if keras.suffix != ".keras":
        yield partial(ActionModel, model, device=device)
        return
    with TemporaryDirectory(prefix="rtaction-") as folder:

        def load() -> ActionModel:
            from rtaction.export.exporter import export_model

            exported = export_model(keras, Path(folder) / "model.onnx")
            difference = exported.agreement.max_difference
            typer.echo(f"exported {keras}: scores differ by at most {difference:.1e}", err=True)
            return ActionModel(exported.path, device=device)

        yield load


def _evaluate_clips(
    model: Path, videos: str, group: str | None, stride_seconds: float | None, load: Load
) -> tuple[ActionModel, ClipEvaluation]:
    from rtaction.realtime.judging.clips import evaluate_clips, require_known_label
    from rtaction.realtime.judging.text import clip_lines
    from rtaction.realtime.judging.watched import judge_videos
    from rtaction.video.labelled_videos import find_videos

    listed = find_videos(videos, group=group, min_labels=1)
    loaded = load()
    require_known_label(listed, loaded.spec)
    with progress("videos", len(listed)) as step:
        judged = judge_videos(
            loaded,
            [video.path for video in listed],
            stride_seconds=stride_seconds,
            on_video=step,
        )
    found = evaluate_clips(listed, judged, loaded.spec)
    _print_all([f"{model} on {videos}", *clip_lines(found, loaded.spec, grouped=group is not None)])
    return loaded, found


def _evaluate_events(
    model: Path,
    folder: Path,
    intervals: Path,
    tune_on: str | None,
    group: str | None,
    stride_seconds: float | None,
    load: Load,
) -> tuple[ActionModel, EventEvaluation]:
    from rtaction.evaluation.intervals import left_out_notes, read_intervals
    from rtaction.realtime.judging.event_text import event_lines
    from rtaction.realtime.judging.events import evaluate_events, is_tuned_on
    from rtaction.realtime.judging.watched import judge_videos
    from rtaction.video.labelled_videos import grouping

    if not folder.is_dir():
        raise UsageError(f"with --intervals, expected a folder of videos, got {str(folder)!r}")
    times = read_intervals(intervals, folder)
    group_of = grouping(group)
    groups = [group_of(one.path) for one in times]
    tuned_on = is_tuned_on(times, groups, tune_on)
    loaded = load()
    with progress("videos", len(times)) as step:
        judged = judge_videos(
            loaded, [one.path for one in times], stride_seconds=stride_seconds, on_video=step
        )
    if tuned_on is not None:
        typer.echo("tuning thresholds", err=True)
    found = evaluate_events(
        times,
        judged,
        groups,
        loaded.spec,
        tuned_on=tuned_on,
        grouped=group is not None,
        stride_seconds=stride_seconds,
        notes=left_out_notes(times, folder),
    )
    lines = event_lines(found, grouped=group is not None)
    _print_all([f"{model} on {folder}, {intervals}", *lines])
    return loaded, found


@contextmanager
def progress(what: str, number: int) -> Iterator[Callable[[], None]]:
    """A bar on stderr where a person watches it; gives what to call after each step."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    with typer.progressbar(length=number, label=what, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _print_all(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)
