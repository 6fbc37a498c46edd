"""`rtaction cam`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rtaction.choices import DEVICE_HELP
from rtaction.cli.derived import Chosen, derived
from rtaction.cli.terminal import leaving_reader, say, say_news
from rtaction.errors import OutputError, ReaderLeft
from rtaction.realtime.cam_config import CamConfig

if TYPE_CHECKING:
    from rtaction.model_spec import ModelSpec
    from rtaction.prediction import Prediction
    from rtaction.realtime.actions.detector import ActionEvent
    from rtaction.realtime.outputs.drawn.timeline import Segment
    from rtaction.realtime.watching.moment import StateChange

DeviceOption = Annotated[str, typer.Option(help=DEVICE_HELP)]


@derived()
def cam(
    chosen: Chosen[CamConfig],
    source: Annotated[
        list[str] | None, typer.Argument(help="Sources, as by --source.", metavar="[SOURCE]...")
    ] = None,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", help="ONNX model. Default: the bundled one.")
    ] = None,
    device: DeviceOption = "auto",
) -> None:
    """Recognise actions live in cameras, files and streams. Quit with q or Esc."""
    from rtaction.models import ACTIONS_MODEL
    from rtaction.realtime.cam import CamSummary, run_cam, with_threshold
    from rtaction.realtime.model.action_model import ActionModel
    from rtaction.realtime.watching.stats import WatchStats

    config = chosen.make()
    config = replace(config, sources=(*(source or ()), *config.sources))
    loaded = ActionModel(model or ACTIONS_MODEL, device=device)
    _say(f"running on {loaded.device_in_use}")
    summary = CamSummary(WatchStats())
    is_saved = config.save is not None
    try:
        run_cam(loaded, config, on_event=print_event, on_state=_print_state, summary=summary)
        if summary.predictions and config.output != "-":
            spec = with_threshold(loaded.spec, config.threshold)
            with leaving_reader():
                _print_timelines(summary.predictions, spec)
    except ReaderLeft:
        raise  # the video is complete
    except OutputError:
        is_saved = False
        raise
    finally:
        if summary.stats.total("num_frames"):
            _say(summary.stats.to_text())
            if is_saved:
                _say(f"saved {config.save}")


def _print_timelines(predictions: list[Prediction], spec: ModelSpec) -> None:
    """Print the timeline of a file, or of each person in it."""
    from rtaction.realtime.outputs.drawn.timeline import to_segments

    by_person: dict[int | None, list[Prediction]] = {}
    for prediction in predictions:
        by_person.setdefault(prediction.person, []).append(prediction)
    for person, of_person in by_person.items():
        if person is not None:
            say(f"person {person}")
        print_timeline(to_segments(of_person, spec))


def print_timeline(segments: list[Segment]) -> None:
    """Print the timeline, one time span per line."""
    for one in segments:
        what = f"{one.label}  {one.peak_score:.2f}" if one.label else "(no action)"
        say(f"{one.start_seconds:7.2f} - {one.end_seconds:6.2f} s  {what}")


def print_event(event: ActionEvent) -> None:
    """Print the start or end of an action."""
    if event.end_seconds is None:
        what = f"{event.start_seconds:8.2f} s  {event.label} {event.peak_score:.2f}"
    else:
        lasted_seconds = event.end_seconds - event.start_seconds
        what = f"{event.end_seconds:8.2f} s  {event.label} ended after {lasted_seconds:.1f} s"
    who = "" if event.person is None else f", person {event.person}"
    zones = f", {', '.join(event.zones)}" if event.zones else ""
    say_news(f"{what}  ({event.source}{who}{zones})")


def _print_state(change: StateChange) -> None:
    # States that the user cannot do anything about are only logged.
    if change.state in ("down", "refused", "black", "frozen", "late"):
        say_news(f"{change.source}: {change.state}: {change.reason}")


def _say(text: str) -> None:
    say(text, err=True)
