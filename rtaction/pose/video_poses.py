"""The joints of the acting person through a video, sampled on a grid of moments.

People are followed as in front of a camera, and one of them is taken for the one who acts: the
nearest, and among equally near ones who moves most. Whoever is found again under another id after
that one is lost, such as after a fall, goes on in their place.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rtaction.arrays import Float32Array, Float64Array
from rtaction.errors import SourceUnreadable
from rtaction.pose.gaps import LEAST_SEEN, filled
from rtaction.pose.keypoints import NUM_JOINTS, VISIBLE_SCORE, Pose
from rtaction.pose.normal import normalised, picture_shares
from rtaction.pose.people import PeopleFollower, PoseNetworks
from rtaction.video.file import read_video
from rtaction.video.grid import frames_on_grid, usable_windows
from rtaction.video.span import Span, frames_within

_MOTION_WEIGHT = 3.0  # a picture in which somebody moves by their own size counts as three more


@dataclass(frozen=True, eq=False)
class VideoPoses:
    """One person's joints at each moment of a grid.

    Args:
        points: float32, shape (num_moments, 17, 3): y and x in shares of the picture's longer
            side, and score, see `rtaction.pose.normal.picture_shares`; 0 where the person is not
            seen.
        times_seconds: float64, of the video's frames, from 0; of a part of a video, from the
            part's first frame.
        interval_seconds: between two moments.
    """

    points: Float32Array
    times_seconds: Float64Array
    interval_seconds: float

    @cached_property
    def is_seen(self) -> npt.NDArray[np.bool_]:
        """Whether the person is seen at each moment, shape (num_moments,)."""
        return np.asarray((self.points[..., 2] > VISIBLE_SCORE).any(axis=-1))

    @property
    def num_moments(self) -> int:
        """Moments until the last frame has been shown."""
        return len(self.points)

    def window_starts(
        self, frames_per_clip: int, step: int, *, least_seen: float = LEAST_SEEN
    ) -> npt.NDArray[np.intp]:
        """First moments of the windows in which the person is seen and no frame is missing.

        Args:
            frames_per_clip: moments in a window.
            step: moments from one window to the next; the last possible window is always tried.
            least_seen: share of a window's moments in which the person must be seen. Default
                `LEAST_SEEN`, as live.

        Returns:
            intp, shape (num_windows,), ascending; empty if there is none.
        """
        last = self.num_moments - frames_per_clip
        if last < 0:
            return np.zeros(0, np.intp)
        starts = np.unique(np.append(np.arange(0, last + 1, step), last)).astype(np.intp)
        times, interval = self.times_seconds, self.interval_seconds
        starts = usable_windows(starts, times, interval, frames_per_clip)
        within = starts[:, np.newaxis] + np.arange(frames_per_clip)
        return np.asarray(starts[self.is_seen[within].mean(axis=1) >= least_seen])


def read_poses(
    path: Path,
    interval_seconds: float,
    networks: PoseNetworks,
    *,
    span: Span | None = None,
    longest_seconds: float = np.inf,
    stop: threading.Event | None = None,
) -> VideoPoses:
    """Follow the people of a video, and take the joints of the one who acts.

    Args:
        path: the video.
        interval_seconds: between two pictures that are looked at.
        networks: read the joints.
        span: the part of the video to look at: another person may act elsewhere. Default None: all
            of it.
        longest_seconds: the rest of the video, or of that part, is ignored. Default: none of it.
        stop: stops when set. Default None.

    Returns:
        The joints; 0 throughout if nobody is seen.

    Raises:
        SourceMissing, SourceUnreadable: see `rtaction.video.file.read_video`; the latter also if
            the part has no frame.
        CancelledError: `stop` was set.
    """
    times: list[float] = []
    tracks: dict[int, dict[int, Pose]] = {}  # by id, then by moment
    follower: PeopleFollower | None = None
    size_hw = (1, 1)
    looked_at_seconds, num_moments = -np.inf, 0
    frames = frames_on_grid(
        frames_within(read_video(path), span),
        interval_seconds,
        times_seconds=times,
        longest_seconds=longest_seconds,
    )
    for frame in frames:
        if stop is not None and stop.is_set():
            raise CancelledError
        if frame.captured_at_seconds > looked_at_seconds:  # else the frame before, once more
            picture = frame.image
            looked_at_seconds = frame.captured_at_seconds
            if follower is None:
                size_hw = (picture.shape[0], picture.shape[1])
                follower = PeopleFollower(networks.close, networks.find, size_hw)
            people, _ = follower.look_at(picture, looked_at_seconds)
        for person in people:
            tracks.setdefault(person.number, {})[num_moments] = person.pose
        num_moments += 1
    if span is not None and not times:
        raise SourceUnreadable(f"{path}: nothing is shown from {span}; does the video end before?")
    chosen = _acting(tracks, size_hw)
    points = np.zeros((num_moments, NUM_JOINTS, 3), np.float32)
    for moment, pose in chosen.items():
        points[moment] = picture_shares(pose.points, size_hw)
    # As live: a picture or two in which somebody was missed are between those around.
    is_seen = np.isin(np.arange(num_moments), list(chosen))
    points, _ = filled(points, is_seen)
    return VideoPoses(points, np.array(times), interval_seconds)


def _acting(tracks: Mapping[int, Mapping[int, Pose]], size_hw: tuple[int, int]) -> dict[int, Pose]:
    """The poses of the person who acts, by moment."""
    prominence = {number: _prominence(track, size_hw) for number, track in tracks.items()}
    chosen: dict[int, Pose] = {}
    for number in sorted(prominence, key=lambda one: (-prominence[one], one)):
        track = tracks[number]
        first, last = min(track), max(track)
        if not any(first <= moment <= last for moment in chosen):
            chosen |= track
    return chosen


def _prominence(track: Mapping[int, Pose], size_hw: tuple[int, int]) -> float:
    """How much of the video belongs to somebody: their size and motion, summed over pictures."""
    moments = sorted(track)
    points = np.stack([track[moment].points for moment in moments])  # (n, 17, 3)
    sizes = normalised(points, size_hw).unit / max(size_hw)
    return float(sizes.sum() + _MOTION_WEIGHT * _moved(moments, points).sum() / max(size_hw))


def _moved(moments: Sequence[int], points: Float32Array) -> Float32Array:
    """Mean way of the joints seen in both of two neighbouring pictures, in pixels, (n - 1,)."""
    seen = (points[1:, :, 2] > VISIBLE_SCORE) & (points[:-1, :, 2] > VISIBLE_SCORE)
    seen &= (np.diff(moments) == 1)[:, np.newaxis]
    ways = np.linalg.norm(np.diff(points[..., :2], axis=0), axis=-1)
    return np.asarray((ways * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1), np.float32)
