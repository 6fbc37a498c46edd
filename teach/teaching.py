"""`rtaction teach` and `rtaction record`: record takes, train a model, recognise live."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rtaction.errors import DatasetError, UsageError
from rtaction.installation import program
from rtaction.labelled.corrections import corrections_text, find_corrections
from rtaction.labelled.videos import Video, find_videos
from rtaction.output_file import write_file
from rtaction.realtime.cam import CamSummary, run_cam
from rtaction.realtime.cam_config import CamConfig
from rtaction.realtime.cameras.camera import Camera, cameras_of
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.model.pose_networks import open_pose_networks
from rtaction.realtime.outputs.screen import Screen
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.watching.actions import EventCallback
from rtaction.teach.beep import Beeper
from rtaction.teach.combined import check_combined
from rtaction.teach.guide import draw_message, draw_result
from rtaction.teach.learning import BACKGROUND, Progress, TaughtModel, learn
from rtaction.teach.onlooker import Onlooker
from rtaction.teach.recorder import Quota, Recorder
from rtaction.teach.recording import OpenSource, RecordingSession, open_guide
from rtaction.teach.report import report_lines, result_shown
from rtaction.teach.takes import TakesFolder, check_label

Say = Callable[[str], None]

RESULT_SECONDS = 10.0
"""How long the window shows how good the model is, unless a key is pressed."""

_KEY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TeachConfig:
    """What to record.

    Args:
        labels: in the order of recording.
        source: the camera, see `cameras_of`. Default "0".
        folder: of takes and model. Default "taught".
        num_takes: takes wanted of each label, at least 1. Default 10.
        take_seconds: mean length of a take, above 0. Default 3.0.
        seed: of the varied timing. Default None: a random one.
        people: refuse takes in which nobody is seen, and try people's joints; False for actions
            that are not of people. Default True.
        beep: tell by a tone when takes begin and end. Default True.
        modality: joints together with pictures, such as "pose+rgb_diff". Default None: joints or
            pictures, whichever are better.
        corrections: folder of labelled corrections, which are takes like others. Default None.
    """

    labels: tuple[str, ...]
    source: str = "0"
    folder: Path = Path("taught")
    num_takes: int = 10
    take_seconds: float = 3.0
    seed: int | None = None
    people: bool = True
    beep: bool = True
    modality: str | None = None
    corrections: Path | None = None

    def __post_init__(self) -> None:
        _check_modality(self.modality, people=self.people)
        for label in self.labels:
            check_label(label)
        if len(set(self.labels)) < len(self.labels):
            raise UsageError(f"labels must differ, got {' '.join(self.labels)}")


def record(config: TeachConfig, say: Say, *, open_with: OpenSource = open_source) -> None:
    """Record `num_takes` more takes of each label.

    Args:
        config: what to record.
        say: called with each line of the summary.
        open_with: opens the camera. Default `open_source`.

    Raises:
        RtactionError: see `rtaction.errors`. Finished takes are kept.
    """
    takes = TakesFolder(config.folder)
    quotas = []
    for label in config.labels:
        done = len(takes.takes_of(label))
        quotas.append(Quota(label, done, done + config.num_takes))
    camera = _camera_of(config)
    with open_guide() as screen, closing(Beeper(is_on=config.beep)) as beeper:
        session = RecordingSession(
            *(camera, takes, screen),
            open_with=open_with,
            onlooker=_onlooker(config),
            beeper=beeper,
        )
        _record(config, quotas, session)
    for label in config.labels:
        say(f"{label}: {len(takes.takes_of(label))} takes in {takes.folder / label}")


def teach(
    config: TeachConfig,
    say: Say,
    *,
    on_event: EventCallback | None = None,
    open_with: OpenSource = open_source,
) -> CamSummary | None:
    """Record the missing takes, train on all of them, and recognise live in the same window.

    Args:
        config: what to record; "nothing" is added to its labels, and labels with enough takes
            are skipped.
        say: called with each line of the report.
        on_event: called with each recognised event. Default None.
        open_with: opens the camera for the recording. Default `open_source`.

    Returns:
        Summary of the live recognition; None if the user quit before it.

    Raises:
        RtactionError: see `rtaction.errors`. Finished takes are kept.
    """
    takes = TakesFolder(config.folder)
    labels = [*config.labels]
    if not labels and not takes.labels:
        raise UsageError(f"no actions given; for example: {program()} teach wave clap")
    if BACKGROUND not in labels:
        labels.append(BACKGROUND)
    quotas = [Quota(label, len(takes.takes_of(label)), config.num_takes) for label in labels]
    camera = _camera_of(config)
    _corrections(config.corrections, [], None)  # rather fail before the recording than after it
    with open_guide() as screen, closing(Beeper(is_on=config.beep)) as beeper:
        session = RecordingSession(
            *(camera, takes, screen),
            open_with=open_with,
            onlooker=_onlooker(config),
            beeper=beeper,
        )
        if not _record(config, quotas, session):
            say(f"stopped; the takes are in {takes.folder}; run the same command to continue")
            return None
        shown = _Shown(screen, session)
        taught = _learn(takes, config, say, shown.progress)
        for line in report_lines(taught):
            say(line)
        if not shown.result(taught):
            say(f"the model: {takes.model}")
            return None
        say(f"the model: {takes.model}; press q to quit")
        live = CamConfig(sources=(config.source,), mirror=True)
        return run_cam(ActionModel(takes.model), live, screen=screen, on_event=on_event)


def teach_from(
    videos: str | Path,
    folder: Path,
    *,
    labels: Sequence[str] | None = None,
    group: str | None = None,
    people: bool = True,
    modality: str | None = None,
    root: str | None = None,
    corrections: Path | None = None,
    say: Say | None = None,
    on_progress: Progress | None = None,
) -> TaughtModel:
    """Train on existing videos; needs neither camera nor screen.

    Args:
        videos: a folder with a folder of videos for each label, a pattern, or an annotation file,
            see `find_videos`.
        folder: where the model goes.
        labels: only these. Default None: all that are found.
        group: which videos are one group, see `find_videos`. Default None: each its own.
        people: try people's joints. Default True.
        modality: see `TeachConfig`. Default None.
        root: see `find_videos`. Default None.
        corrections: see `TeachConfig`; only those of `labels`. Default None.
        say: told how many corrections there are. Default None.
        on_progress: see `learn`.

    Raises:
        RtactionError: see `rtaction.errors`.
    """
    _check_modality(modality, people=people)
    takes = TakesFolder(folder)
    if takes.labels and Path(videos).resolve() != folder.resolve():
        raise UsageError(
            f"{folder} already contains takes that its model is trained on; "
            "choose another folder with --output"
        )
    found = find_videos(videos, labels=labels or None, group=group, root=root)
    found += _corrections(corrections, found, say, labels=labels or None)
    taught = learn(found, takes.features, people=people, modality=modality, on_progress=on_progress)
    write_file(takes.model, taught.model)
    return taught


def _check_modality(modality: str | None, *, people: bool) -> None:
    if modality is None:
        return
    check_combined(modality)
    if not people:
        raise UsageError(
            f"--modality {modality} learns from people's joints too, and --no-people says that "
            "there are no people; leave one of them out"
        )


def _camera_of(config: TeachConfig) -> Camera:
    cameras = cameras_of([config.source])
    if len(cameras) != 1:
        raise UsageError(
            f"expected one camera to record from, but {config.source} names {len(cameras)}"
        )
    return cameras[0]


def _record(config: TeachConfig, quotas: Sequence[Quota], session: RecordingSession) -> bool:
    recorder = Recorder(quotas, take_seconds=config.take_seconds, seed=config.seed)
    return recorder.is_over or session.record(recorder)


def _onlooker(config: TeachConfig) -> Onlooker | None:
    return Onlooker(open_pose_networks()) if config.people else None


def _corrections(
    folder: Path | None,
    others: Sequence[Video],
    say: Say | None,
    labels: Sequence[str] | None = None,
) -> list[Video]:
    if folder is None:
        return []
    corrections = find_corrections(folder, labels=labels)
    if say is not None:
        say(corrections_text(corrections, others))
    return corrections


def _learn(takes: TakesFolder, config: TeachConfig, say: Say, on_progress: Progress) -> TaughtModel:
    videos = find_videos(takes.folder)
    videos += _corrections(config.corrections, videos, say)
    try:
        taught = learn(
            videos,
            takes.features,
            people=config.people,
            modality=config.modality,
            on_progress=on_progress,
        )
    except DatasetError as error:
        raise DatasetError(f"{error}. The takes are kept in {takes.folder}") from None
    write_file(takes.model, taught.model)
    return taught


class _Shown:
    """Draws what the training does and finds, and keeps the window responsive."""

    def __init__(self, screen: Screen, session: RecordingSession) -> None:
        self._screen = screen
        image = session.last_image
        self._image = np.zeros((480, 640, 3), np.uint8) if image is None else image
        self.progress(0, 1)

    def progress(self, num_done: int, num_all: int) -> None:
        """Show how much of the takes has been looked at."""
        self._screen.show(draw_message(self._image, "learning", num_done / num_all))
        self._screen.key()

    def result(self, taught: TaughtModel) -> bool:
        """Show how good the model is, for some seconds or until a key; False to quit."""
        title, lines = result_shown(taught)
        until_seconds = time.monotonic() + RESULT_SECONDS
        while (left_seconds := until_seconds - time.monotonic()) > 0:
            keys = f"live in {left_seconds:.0f} s; space now, q quit"
            self._screen.show(draw_result(self._image, title, lines, keys))
            key = self._screen.key()
            if self._screen.wants_to_quit(key):
                return False
            if key == " ":
                break
            time.sleep(_KEY_SECONDS)
        return True
