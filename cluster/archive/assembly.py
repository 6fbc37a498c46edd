"""Scores of chunks into the answers for videos: put in order, joined, and only then made events.

It knows nothing about Ray, nor about where answers are written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from rtaction.cluster.archive.kept import KeptParts
from rtaction.cluster.archive.messages import Job, Piece, PieceEnd, Scored
from rtaction.prediction import Prediction
from rtaction.realtime.judging.watched import Judged, judged_of
from rtaction.realtime.predicting.answer import Answer, answer_of
from rtaction.realtime.predicting.work import lost

MOST_TRIES = 2
"""How often a piece is begun by itself, or with others, before it is given up; Ray begins each of
these twice, if the process or the machine that works on it dies."""


@dataclass(slots=True)
class _Open:
    """What has come of a piece: its chunks by number."""

    chunks: dict[int, Scored] = field(default_factory=dict)
    tries: int = 0

    @property
    def end(self) -> PieceEnd | None:
        """The end of the piece, once all of it is there."""
        end = next((one.end for one in self.chunks.values() if one.end is not None), None)
        return end if end is not None and len(self.chunks) == end.num_chunks else None


class Assembly:
    """Collects what comes of videos.

    Args:
        names: what each video is called.
        job: what pieces have in common.
        kept: where finished parts are kept. Default None: nowhere.
    """

    def __init__(self, names: Sequence[PurePath], job: Job, kept: KeptParts | None = None) -> None:
        self._names = names
        self._job = job
        self._kept = kept
        self._open: dict[Piece, _Open] = {}
        self._done: dict[Piece, list[Scored]] = {}
        self._parts: dict[int, list[Piece]] = {}

    def begin(self, pieces: Sequence[Piece]) -> None:
        """Wait for pieces."""
        for piece in pieces:
            self._open[piece] = _Open()

    def waiting(self) -> list[Piece]:
        """The pieces that are not done."""
        return list(self._open)

    def take(self, scored: Scored) -> Iterator[Answer]:
        """Take what came of a chunk; gives the answer for a video, if that was the last of it.

        A chunk that has come before, as after the death of a machine, changes nothing.
        """
        piece = scored.piece
        state = self._open.get(piece)
        if state is None:
            return
        state.chunks[scored.number] = scored
        end = state.end
        if end is None:
            return
        chunks = [state.chunks[number] for number in sorted(state.chunks)]
        if end.parts:
            del self._open[piece]
            yield from self._cut(end.parts)
            return
        if piece.is_part and self._kept is not None:
            self._kept.keep(chunks)
        yield from self._finish(piece, chunks)

    def count_try(self, tried: Collection[Piece]) -> Iterator[Answer]:
        """Give up those that were tried too often.

        Args:
            tried: pieces of which everything has come that will come.
        """
        for piece, state in list(self._open.items()):
            if piece not in tried or piece not in self._open:
                continue
            state.chunks.clear()
            state.tries += 1
            if state.tries >= MOST_TRIES:
                yield self._given_up(piece.video, lost(self._names[piece.video]).problem)

    def _cut(self, parts: Sequence[Piece]) -> Iterator[Answer]:
        self._parts[parts[0].video] = list(parts)
        self.begin(parts)
        for part in parts:
            chunks = None if self._kept is None else self._kept.find(part)
            if chunks is not None:
                yield from self._finish(part, chunks)

    def _finish(self, piece: Piece, chunks: list[Scored]) -> Iterator[Answer]:
        del self._open[piece]
        video = piece.video
        if not piece.is_part:
            yield self._answer([chunks])
            return
        self._done[piece] = chunks
        parts = self._parts[video]
        problem = next((one.problem for one in _ends([chunks]) if one.problem), "")
        if problem:
            yield self._given_up(video, problem)
        elif all(part in self._done for part in parts):
            yield from self._join(video, parts)

    def _join(self, video: int, parts: list[Piece]) -> Iterator[Answer]:
        """Join the parts of a video, if they fit; else have some of it judged again."""
        ends = _ends([self._done[part] for part in parts])
        pairs = zip(ends[1:], ends, strict=False)
        if not all(end.is_sound for end in ends) or any(
            after.lead != before.tail for after, before in pairs
        ):
            # Not all decoders can begin at what a file calls a key frame.
            whole = self._forget(video)
            self.begin([whole])
            return
        fitting: list[Piece] = []
        begun_seconds = 0.0
        for part, end in zip(parts, ends, strict=True):
            # A part was begun on the assumption that there is no gap before it.
            fitting.append(replace(part, begun_seconds=begun_seconds))
            begun_seconds = max((begun_seconds, *end.begun_seconds))
        wrong = [part for part in parts if part not in fitting]
        if not wrong:
            done = [self._done[part] for part in parts]
            self._forget(video)
            yield self._answer(done)
            return
        for part in wrong:
            del self._done[part]
        self._parts[video] = fitting
        again = [part for part in fitting if part not in self._done]
        self.begin(again)
        if self._kept is not None:
            for part in again:
                if (chunks := self._kept.find(part)) is not None:
                    yield from self._finish(part, chunks)

    def _forget(self, video: int) -> Piece:
        """Forget all parts of a video; gives it as a piece that is not cut."""
        parts = self._parts.pop(video)
        for part in parts:
            self._done.pop(part, None)
            self._open.pop(part, None)
        first = parts[0]
        return Piece(video, first.place, first.name, may_split=False)

    def _given_up(self, video: int, problem: str) -> Answer:
        if video in self._parts:
            self._forget(video)
        for piece in [one for one in self._open if one.video == video]:
            del self._open[piece]
        return Answer(self._names[video], (), (), 0.0, problem=problem)

    def _answer(self, done: list[list[Scored]]) -> Answer:
        """The answer for a video, of the chunks of its parts."""
        spec, options = self._job.spec, self._job.options
        ends = _ends(done)
        last = ends[-1]
        piece = done[0][0].piece
        path = self._names[piece.video]
        if last.answer is not None:
            return replace(last.answer, path=path)
        predictions = [
            Prediction(scores, spec.labels, float(start), float(stop), source=piece.name)
            for chunks in done
            for one in chunks
            for scores, (start, stop) in zip(one.scores, one.times_seconds, strict=True)
        ]
        if last.problem:
            judged = Judged(path, (), 0.0, last.problem)
        elif last.is_short:
            judged = Judged(path, tuple(predictions), last.last_seconds[-1])
        else:
            num_frames = sum(end.num_frames for end in ends)
            judged = judged_of(
                spec, path, predictions, num_frames, last.last_seconds, self._job.watch
            )
        return answer_of(
            judged, spec, stride_seconds=options.stride_seconds, is_short=last.is_short
        )


def _ends(done: list[list[Scored]]) -> list[PieceEnd]:
    return [one.end for chunks in done for one in chunks if one.end is not None]
