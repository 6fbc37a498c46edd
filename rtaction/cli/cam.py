"""The command that watches cameras: `rtaction cam`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rtaction.realtime.actions.detector import ActionEvent
    from rtaction.realtime.outputs.timeline import Segment
    from rtaction.realtime.watching.moment import StateChange

DeviceOption = Annotated[
    str, typer.Option(help="auto, cpu, cuda[:N], tensorrt[:N], openvino, coreml, directml[:N].")
]


def cam(
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="ONNX model. Default: the bundled one.")
    ] = None,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            "-s",
            help="Webcam number, video file, folder, rtsp://, http://, screen:. May be repeated. "
            "Default: 0.",
        ),
    ] = None,
    sources: Annotated[
        Path | None, typer.Option(help="Cameras and rules: a cameras.toml, see the README.")
    ] = None,
    show: Annotated[
        bool | None,
        typer.Option(
            "--show/--headless", help="Window or none. Default: where there is a display."
        ),
    ] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the annotated video: .avi, .mkv or .webm.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="Write JSON lines; - is stdout.")
    ] = None,
    clip_events: Annotated[
        Path | None, typer.Option(help="Folder for a short video of each action.")
    ] = None,
    top_k: Annotated[int, typer.Option(min=1, help="Labels to draw and to write.")] = 3,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Score from which an action begins.")
    ] = None,
    exit_threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Score below which it ends. Default: 0.7 x threshold."),
    ] = None,
    smoothing_seconds: Annotated[
        float | None, typer.Option(min=0, help="Average scores over so long.")
    ] = None,
    min_seconds: Annotated[
        float | None, typer.Option(min=0, help="Shortest action. Default: a quarter of a clip.")
    ] = None,
    cooldown_seconds: Annotated[
        float | None, typer.Option(min=0, help="Rest of a label after its end. Default: a clip.")
    ] = None,
    stride_seconds: Annotated[
        float | None, typer.Option(min=0.001, help="Time between two predictions.")
    ] = None,
    reconnect: Annotated[
        bool, typer.Option(help="Open lost cameras again, for ever, or end.")
    ] = True,
    device: DeviceOption = "auto",
) -> None:
    """Recognise actions live from cameras, files and streams. Quit with q or Esc."""
    from rtaction.models import STARTER_MODEL
    from rtaction.quiet import leaving_reader
    from rtaction.realtime.cam import CamConfig, CamSummary, run_cam, with_threshold
    from rtaction.realtime.model.action_model import ActionModel
    from rtaction.realtime.outputs.timeline import to_segments
    from rtaction.realtime.watching.stats import WatchStats

    rules = {
        "exit": exit_threshold,
        "smoothing_seconds": smoothing_seconds,
        "min_seconds": min_seconds,
        "cooldown_seconds": cooldown_seconds,
    }
    config = CamConfig(
        sources=tuple(source or ()),
        cameras_file=sources,
        show=show,
        save=save,
        output=output,
        clip_events=clip_events,
        stride_seconds=stride_seconds,
        top_k=top_k,
        threshold=threshold,
        rules={key: value for key, value in rules.items() if value is not None},
        reconnect=reconnect,
    )
    loaded = ActionModel(model or STARTER_MODEL, device=device)
    _say(f"running on {loaded.device_in_use}")
    summary = CamSummary(WatchStats())
    try:
        run_cam(loaded, config, on_event=print_event, on_state=_print_state, summary=summary)
        if summary.predictions and output != "-":
            spec = with_threshold(loaded.spec, threshold)
            with leaving_reader():
                print_timeline(to_segments(summary.predictions, spec))
    finally:
        if summary.stats.total("num_frames"):
            _say(summary.stats.to_text())
            if save:
                _say(f"saved {save}")


def print_timeline(segments: list[Segment]) -> None:
    """Print stretches of time, one a line."""
    for one in segments:
        score = f"  {one.peak_score:.2f}" if one.label else ""
        typer.echo(
            f"{one.start_seconds:7.2f} - {one.end_seconds:6.2f} s  {one.label or '-'}{score}"
        )


def print_event(event: ActionEvent) -> None:
    """Print that an action began or ended."""
    if event.end_seconds is None:
        what = f"{event.start_seconds:8.2f} s  {event.label} {event.peak_score:.2f}"
    else:
        lasted_seconds = event.end_seconds - event.start_seconds
        what = f"{event.end_seconds:8.2f} s  {event.label} ended after {lasted_seconds:.1f} s"
    _say(f"{what}  ({event.source})")


def _print_state(change: StateChange) -> None:
    # What a person at the screen can do nothing about is left to the log.
    if change.state in ("down", "refused", "black", "frozen", "late"):
        _say(f"{change.source}: {change.state}: {change.reason}")


def _say(text: str) -> None:
    typer.echo(text, err=True)
