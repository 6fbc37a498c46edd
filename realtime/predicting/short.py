"""Videos that are shorter than a window: judged all the same, by what there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from rtaction.arrays import Float32Array, UInt8Array
from rtaction.model_spec import ModelSpec
from rtaction.pose.video_poses import read_poses
from rtaction.prediction import Prediction
from rtaction.realtime.judging.watched import Judged
from rtaction.realtime.model.action_model import ActionModel
from rtaction.sampling import last_period_seconds, nearest_indices, window_targets
from rtaction.video.file import read_video
from rtaction.video.prepared import prepare_frame, prepared_pictures
from rtaction.whole_video import whole_targets


def judge_short(model: ActionModel, path: Path) -> Judged:
    """The prediction for one window that a video does not fill.

    Its last frame is repeated; of a window over a whole video, each frame as often as needed. For a
    model of people, nobody is seen before its first frame, as before somebody comes in.

    Args:
        model: the model.
        path: a video that can be decoded and is shorter than a window.

    Returns:
        One prediction; none, and a `problem`, if nobody is seen by a model of people.

    Raises:
        SourceMissing, SourceUnreadable: see `rtaction.video.file.read_video`.
    """
    judge = _judge_people if model.spec.follows_people else _judge_pictures
    return judge(model, path)


def _judge_pictures(model: ActionModel, path: Path) -> Judged:
    pictures, duration_seconds = short_pictures(model.spec, path)
    features = model.encode(pictures)
    return Judged(path, (_prediction(model, path, features, duration_seconds),), duration_seconds)


def short_pictures(spec: ModelSpec, path: Path) -> tuple[UInt8Array, float]:
    """The clip of a video that is shorter than a window, for a model that sees whole pictures.

    Args:
        spec: of the model.
        path: see `judge_short`.

    Returns:
        uint8, shape `ModelSpec.clip_shape`; and the length of the video in seconds.

    Raises:
        SourceMissing, SourceUnreadable: see `judge_short`.
    """
    times: list[float] = []
    frames = []
    for frame in read_video(path):
        times.append(frame.captured_at_seconds)
        frames.append(prepare_frame(frame.image, spec))
    count, stack = spec.frames_per_window, spec.stack
    if spec.shows_whole_videos:
        targets = whole_targets(times, count, sampling=spec.sampling, stack=stack)
    else:
        end_seconds = times[0] + spec.window_seconds
        targets = window_targets(end_seconds, count, spec.window_seconds, stack)
    chosen = [frames[index] for index in nearest_indices(times, targets)]
    duration_seconds = times[-1] - times[0] + last_period_seconds(times)
    return prepared_pictures(chosen, spec), duration_seconds


def _judge_people(model: ActionModel, path: Path) -> Judged:
    spec = model.spec
    poses = read_poses(path, spec.frame_interval_seconds, model.pose_networks)
    times = poses.times_seconds
    duration_seconds = float(times[-1] - times[0] + last_period_seconds(times))
    if not poses.is_seen.any():
        return Judged(path, (), duration_seconds, "nobody is seen in it")
    features = _with_nobody_before(poses.points, spec)
    return Judged(path, (_prediction(model, path, features, duration_seconds),), duration_seconds)


def _with_nobody_before(points: Float32Array, spec: ModelSpec) -> Float32Array:
    """Features of a window that ends with the last of some moments, (frames_per_clip, 51)."""
    features = np.zeros((spec.frames_per_clip, points[0].size), np.float32)
    last = points[-spec.frames_per_clip :]
    features[len(features) - len(last) :] = last.reshape(len(last), -1)
    return features


def _prediction(
    model: ActionModel, path: Path, features: Float32Array, duration_seconds: float
) -> Prediction:
    scores = model.score(features[np.newaxis])[0]
    return Prediction(scores, model.spec.labels, 0.0, duration_seconds, source=str(path))
