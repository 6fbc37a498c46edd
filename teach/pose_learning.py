"""From takes to a model of people's joints: windows, a fit in closed form, one layer."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rtaction.arrays import Float32Array
from rtaction.errors import DatasetError, SourceError
from rtaction.features.pose_choice import (
    LEAST_SHARE_WITH_PEOPLE,
    POSE,
    PoseTrial,
    try_pose,
)
from rtaction.labelled.videos import Video, labels_of
from rtaction.model_spec import ModelSpec
from rtaction.pose.network import CLOSE_SIZE
from rtaction.pose.video_poses import VideoPoses
from rtaction.teach.graph import taught_pose_model
from rtaction.teach.pace import Pace, pose_pace
from rtaction.teach.take_poses import PoseStore

MAX_POSES = 6000
"""Most pictures to look at over all takes: about 40 seconds on two cores."""

_MAX_WINDOWS = 1500  # the fit's matrices grow with their square
_STRIDE = 1 / 4  # of a window
NOBODY = "nobody is seen in it"


@dataclass(frozen=True, slots=True, eq=False)
class PoseLearned:
    """What joints tell of the takes.

    Args:
        videos: the takes in which somebody is seen.
        skipped: why others were left out, a sentence for each.
        pace: of the windows.
        trial: the fit.
    """

    videos: tuple[Video, ...]
    skipped: tuple[str, ...]
    pace: Pace
    trial: PoseTrial

    def spec(self, background: str) -> ModelSpec:
        """The contract; `background` is the label that means no action, if there is one."""
        labels = labels_of(self.videos)
        return ModelSpec(
            labels=labels,
            frames_per_clip=self.pace.frames_per_clip,
            clip_seconds=self.pace.clip_seconds,
            height=CLOSE_SIZE,
            width=CLOSE_SIZE,
            modality=POSE,
            resize="letterbox",
            background_label=background if background in labels else None,
        )

    def model(self, spec: ModelSpec) -> bytes:
        """The ONNX file."""
        rows, trial = self.trial.rows, self.trial.trial
        weights = rows.values.T @ trial.fit.duals / rows.values.shape[1]
        weights /= rows.spread[:, np.newaxis]
        bias = trial.fit.offset - rows.mean @ weights
        layer = [(trial.sharpness * part).astype(np.float32) for part in (weights, bias)]
        return taught_pose_model(spec, *layer)


def learn_pose(
    durations: Mapping[Video, float],
    store: PoseStore,
    background: str,
    *,
    on_take: Callable[[], None],
) -> PoseLearned | str:
    """Fit a model of joints, if people are seen in the takes.

    Args:
        durations: the takes with their lengths in seconds, at least one.
        store: gives the joints.
        background: the label whose takes need not show anybody.
        on_take: called after each take.

    Returns:
        The fit, or why joints cannot be used.
    """
    try:
        pace = pose_pace(list(durations.values()))
    except DatasetError as reason:
        return str(reason)
    most_moments = max(MAX_POSES // len(durations), pace.frames_per_clip)
    most_windows = max(_MAX_WINDOWS // len(durations), 1)

    def read(video: Video) -> VideoPoses | str:
        try:
            return store.of(
                *(video.path, pace.interval_seconds), most_moments=most_moments, span=video.span
            )
        except SourceError as reason:
            return str(reason)

    videos, skipped = list[Video](), list[str]()
    points = list[Float32Array]()
    num_unseen = num_wanted = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for video, poses in zip(durations, pool.map(read, durations), strict=True):
            on_take()
            if isinstance(poses, str):
                skipped.append(poses)
                continue
            windows = _windows_of(poses, pace, most_windows)
            num_wanted += video.label != background
            if len(windows):
                videos.append(video)
                points.append(windows)
            else:
                num_unseen += video.label != background
                skipped.append(f"{video.where}: {_why_none(poses, pace)}")
    lost = set(labels_of(list(durations))) - set(labels_of(videos))
    if num_unseen > (1 - LEAST_SHARE_WITH_PEOPLE) * num_wanted or lost:
        return (
            f"somebody is seen in {num_wanted - num_unseen} of {num_wanted} takes"
            + f", and in none of {', '.join(sorted(lost))}" * bool(lost)
        )
    if len(labels_of(videos)) < 2:
        return "there are takes of one action only"
    trial = try_pose(
        points,
        [video.label for video in videos],
        [video.group for video in videos],
        interval_seconds=pace.interval_seconds,
        share_unseen=num_unseen / max(num_wanted, 1),
    )
    return PoseLearned(tuple(videos), tuple(skipped), pace, trial)


def _windows_of(poses: VideoPoses, pace: Pace, most: int) -> Float32Array:
    """Joints of a take's windows: float32, shape (num_windows, frames_per_clip, 17, 3)."""
    step = max(round(_STRIDE * pace.frames_per_clip), 1)
    starts = poses.window_starts(pace.frames_per_clip, step)
    if len(starts) > most:
        starts = starts[((np.arange(most) + 0.5) / most * len(starts)).astype(np.intp)]
    within = starts[:, np.newaxis] + np.arange(pace.frames_per_clip)
    return np.asarray(poses.points[within], np.float32)


def _why_none(poses: VideoPoses, pace: Pace) -> str:
    if not poses.is_seen.any():
        return NOBODY
    return f"expected somebody in view for {pace.clip_seconds:.2f} s without missing frames"
