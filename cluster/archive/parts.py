"""Where long videos are cut.

Windows of parts end when they would in the whole video. A part starts to decode so long before its
first window that all frames of that are there, and two neighbours have frames in common by which
they are checked against each other.
"""

from __future__ import annotations

import math
from dataclasses import replace

from rtaction.cluster.archive.archive_files import opened_video
from rtaction.cluster.archive.messages import Job, Piece
from rtaction.model_spec import ModelSpec
from rtaction.realtime.watching.people import judges_whole
from rtaction.video.part import read_outline

_SETTLE_SECONDS = 1.0  # a deinterlacer compares pictures, and an index may have times of decoding


def overlap_seconds(spec: ModelSpec) -> float:
    """How long before a cut frames must be known: a window, and half of one for a frame that is
    nearest to its start."""
    return 1.5 * spec.window_seconds


def parts_of(piece: Piece, job: Job) -> tuple[Piece, ...]:
    """The parts in which a video is to be judged; none if it is to be judged at once.

    Models of people, and of whole videos, need a video from its start.

    Args:
        piece: the whole video.
        job: what pieces have in common.

    Raises:
        SourceError: it cannot be read.
    """
    spec = job.spec
    if spec.follows_people or judges_whole(spec, job.watch, is_file=True) or not piece.may_split:
        return ()
    with opened_video(piece.place) as container:
        outline = read_outline(container, piece.name, least_seconds=1.5 * job.piece_seconds)
    if outline is None:
        return ()
    lead_seconds = overlap_seconds(spec) + _SETTLE_SECONDS
    cuts: list[tuple[float, int | None]] = [(-math.inf, None)]
    next_seconds = job.piece_seconds
    for entry in outline.entries:
        at_seconds = entry.seconds + lead_seconds
        left_seconds = outline.length_seconds - at_seconds
        if at_seconds >= next_seconds and left_seconds >= job.piece_seconds / 2:
            cuts.append((at_seconds, entry.ticks))
            next_seconds = at_seconds + job.piece_seconds
    if len(cuts) == 1:
        return ()
    ends = [*(at for at, _ in cuts[1:]), math.inf]
    return tuple(
        replace(
            piece,
            number=number,
            is_part=True,
            after_seconds=after,
            until_seconds=until,
            entry_ticks=ticks,
            first_seconds=outline.first_seconds,
        )
        for number, ((after, ticks), until) in enumerate(zip(cuts, ends, strict=True))
    )
