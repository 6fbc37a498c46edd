"""`rtaction demo`: the bundled model on the bundled clip; needs neither camera nor display."""

from __future__ import annotations

import glob
import sys
from dataclasses import dataclass
from pathlib import Path

from rtaction.models import ACTIONS_MODEL, SAMPLE_CLIP
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.cam import CamSummary, run_cam
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.outputs.drawn.timeline import Segment, actions_to_segments
from rtaction.realtime.outputs.screen import display_available


@dataclass(frozen=True, eq=False, slots=True)
class Demo:
    """The outcome of the demo.

    Args:
        summary: of the run.
        segments: the detected actions and the stretches between them.
        video: the annotated video.
        device: the processor in use.
        display: whether a window can be opened on this machine.
        camera: whether there seems to be a webcam.
    """

    summary: CamSummary
    segments: list[Segment]
    video: Path
    device: str
    display: bool
    camera: bool


def run_demo(folder: Path, *, device: str = "auto") -> Demo:
    """Recognise the actions of the bundled clip and write an annotated copy into a folder.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    model = ActionModel(ACTIONS_MODEL, device=device)
    video = folder / "annotated.avi"
    config = CamConfig(sources=(str(SAMPLE_CLIP),), show=False, save=video)
    events: list[ActionEvent] = []
    summary = run_cam(model, config, on_event=events.append)
    end_seconds = max((one.end_seconds for one in summary.predictions), default=0.0)
    return Demo(
        summary=summary,
        segments=actions_to_segments(events, end_seconds),
        video=video,
        device=model.device_in_use,
        display=display_available(),
        camera=camera_present(),
    )


def camera_present() -> bool:
    """Whether there seems to be a webcam; only on Linux is that known without opening it."""
    return sys.platform != "linux" or bool(glob.glob("/dev/video*"))
