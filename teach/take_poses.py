"""The joints of the acting person of each take, read once and cached next to the takes."""

from __future__ import annotations

import hashlib
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np

from rtaction.errors import OutputError
from rtaction.output_file import whole_file
from rtaction.pose.people import PoseNetworks
from rtaction.pose.video_poses import VideoPoses, read_poses
from rtaction.teach.take_features import LONGEST_SECONDS
from rtaction.video.grid import shown_until_seconds
from rtaction.video.span import Span

# Increase this when the same take would give other joints.
_FORMAT = 4


class PoseStore:
    """Joints of takes, kept in a folder. Thread-safe for different takes.

    Args:
        folder: created when the first joints are kept; may be deleted at any time.
        networks: read the joints.
    """

    def __init__(self, folder: Path, networks: PoseNetworks) -> None:
        self._folder = folder
        self._networks = networks

    def of(
        self,
        take: Path,
        interval_seconds: float,
        *,
        most_moments: int,
        span: Span | None = None,
    ) -> VideoPoses:
        """The joints of a take.

        Args:
            take: the video.
            interval_seconds: between two pictures that are looked at.
            most_moments: pictures to look at, or more if they were kept.
            span: the part of the video that is the take. Default None: all of it.

        Raises:
            SourceError: the take cannot be decoded.
        """
        longest_seconds = min(most_moments * interval_seconds, LONGEST_SECONDS)
        place = self._place_of(take, interval_seconds, span)
        if (kept := _load(place, interval_seconds, longest_seconds)) is not None:
            return kept
        poses = read_poses(
            take, interval_seconds, self._networks, span=span, longest_seconds=longest_seconds
        )
        # Without the file, the next run only takes longer.
        with suppress(OutputError), whole_file(place) as path, path.open("wb") as file:
            np.savez(
                file,
                points=poses.points,
                times_seconds=poses.times_seconds,
                longest_seconds=longest_seconds,
            )
        return poses

    def _place_of(self, take: Path, interval_seconds: float, span: Span | None) -> Path:
        facts = take.stat()
        identity = (
            *(_FORMAT, str(take.resolve()), facts.st_size, facts.st_mtime_ns),
            *(self._networks.identity, interval_seconds),
            *((span.start_seconds, span.end_seconds) if span else ()),
        )
        name = hashlib.sha256(repr(identity).encode()).hexdigest()[:24]
        return self._folder / f"{name}.poses.npz"


def _load(place: Path, interval_seconds: float, longest_seconds: float) -> VideoPoses | None:
    """What was kept, unless it breaks off before `longest_seconds`; it may go on after that."""
    try:
        with np.load(place, allow_pickle=False) as found:
            poses = VideoPoses(found["points"], found["times_seconds"], interval_seconds)
            kept_seconds = float(found["longest_seconds"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    is_whole = shown_until_seconds(poses.times_seconds) < kept_seconds
    return poses if is_whole or kept_seconds >= longest_seconds else None
