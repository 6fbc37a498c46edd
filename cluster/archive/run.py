"""`rtaction predict --ray`: videos found, judged by a cluster, and written down one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any

import rtaction
from rtaction.cluster.archive.archive_files import find_archive, fingerprint_of
from rtaction.cluster.archive.assembly import Assembly
from rtaction.cluster.archive.kept import KeptParts
from rtaction.cluster.archive.messages import Job, Piece
from rtaction.cluster.archive.options import ArchiveOptions
from rtaction.cluster.archive.pipeline import Pipeline
from rtaction.cluster.connection import LOCAL, connected
from rtaction.errors import RtactionError
from rtaction.onnx_format.file import OnnxFile
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.run import Outcome, identity_of
from rtaction.realtime.predicting.writers import writer_for

Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]
"""Shows how many of a number of things are done: gives what to call after each."""

_AT_ONCE = 10_000  # videos that are handed to Ray together
_MOST_FAILURES = 3


class ClusterFailed(RtactionError):
    """The cluster fails again and again, without any result between."""


def run_archive(
    model_path: Path,
    options: PredictOptions,
    archive: ArchiveOptions,
    *,
    device: str,
    progress: Progress,
    ray_options: dict[str, Any] | None = None,
) -> Outcome:
    """Judge videos on a Ray cluster and write what they show.

    Args:
        model_path: an ONNX file, on this machine.
        options: which videos, and how.
        archive: which cluster.
        device: see `ActionModel`; of the machines of the cluster.
        progress: shows how far it is.
        ray_options: of `ray.init`. Default none.

    Raises:
        RtactionError: see `rtaction.errors`; what was written before stays.
    """
    found = find_archive(options.videos)
    model = OnnxFile.load(model_path)
    identity = identity_of(model.content, options)
    writer = writer_for(options, identity, [(name, root) for name, root, _ in found])
    todo = [(name, place) for name, _, place in found if not writer.has(name)]
    outcome = Outcome(len(found) - len(todo))
    job = Job(
        model.spec,
        replace(options, videos=(Path(),)),
        archive.piece_seconds,
        device,
        rtaction.__version__,
    )
    # Ray warns of what it does itself.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    folder = options.output.with_name(f"{options.output.name}.parts")
    kept = KeptParts(folder, identity, fingerprint_of)
    with writer.open():
        if todo:
            with connected(archive.ray or LOCAL, log_to_driver=False, **ray_options or {}) as ray:
                pipeline = Pipeline(ray, model.content, job, options.processes)
                for start in range(0, len(todo), _AT_ONCE):
                    some = todo[start : start + _AT_ONCE]
                    for answer in answers(ray, pipeline, job, some, kept, progress):
                        writer.write(answer)
                        outcome.count(answer)
    kept.clear()
    outcome.require_some(len(todo))
    return outcome


def answers(
    ray: Any,
    pipeline: Pipeline,
    job: Job,
    videos: Sequence[tuple[PurePath, str]],
    kept: KeptParts | None,
    progress: Progress,
) -> Iterator[Answer]:
    """The answer for each video, exactly one, in the order in which they come.

    Args:
        ray: connected.
        pipeline: what pieces are run through.
        job: what they have in common.
        videos: what each is called, and where it is read.
        kept: where finished parts are kept, if they are.
        progress: shows how far it is.
    """
    assembly = Assembly([name for name, _ in videos], job, kept)
    assembly.begin([Piece(number, place, str(name)) for number, (name, place) in enumerate(videos)])
    num_failures, is_first = 0, True
    while pieces := assembly.waiting():
        with progress("videos" if is_first else "parts of videos", len(pieces)) as step:
            try:
                for scored in pipeline.run(pieces, alone=not is_first):
                    if scored.error is not None:
                        raise scored.error
                    yield from assembly.take(scored)
                    num_failures = 0
                    if scored.end is not None:
                        step()
            except ray.exceptions.RayError as error:
                num_failures += 1
                if num_failures >= _MOST_FAILURES:
                    reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
                    raise ClusterFailed(
                        f"the cluster failed {num_failures} times without a result between "
                        f"({reason}); run the same command again to go on"
                    ) from None
                continue
        tried = set(pieces)
        yield from assembly.count_try(tried)
        is_first = False
