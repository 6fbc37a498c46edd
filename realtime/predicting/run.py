"""`rtaction predict`: videos found, judged in several processes, and written down one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from rtaction.errors import DatasetError, SourceMissing
from rtaction.evaluation.text import counted
from rtaction.installation import program
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.pool import Pool
from rtaction.realtime.predicting.work import judge_next, lost, prepare
from rtaction.realtime.predicting.writers import writer_for
from rtaction.redaction import redact
from rtaction.video.video_files import files_below, videos_among

Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Shows how many of a number of videos are done: gives what to call after each."""


@dataclass(slots=True)
class Outcome:
    """What came of a run.

    Args:
        num_before: videos that the output had already.
        num_judged: of the others, how many have an answer.
        num_short: how many of these are shorter than a window.
        problems: videos without an answer, and why.
    """

    num_before: int
    num_judged: int = 0
    num_short: int = 0
    problems: list[tuple[Path, str]] = field(default_factory=list)

    def count(self, answer: Answer) -> None:
        """Add the answer for a video."""
        if answer.problem:
            self.problems.append((answer.path, answer.problem))
        else:
            self.num_judged += 1
            self.num_short += answer.is_short

    def lines(self) -> list[str]:
        """For a person."""
        parts = [f"{counted(self.num_judged, 'video')} judged"]
        if self.num_short:
            parts.append(f"{self.num_short} of them shorter than a window")
        if self.num_before:
            parts.append(f"{self.num_before} had been before")
        if self.problems:
            parts.append(f"{len(self.problems)} could not be")
        return [", ".join(parts), *(f"{path}: {problem}" for path, problem in self.problems)]


def run_prediction(
    model_path: Path, options: PredictOptions, *, device: str, progress: Progress
) -> Outcome:
    """Judge videos and write what they show.

    Args:
        model_path: an ONNX file.
        options: which videos, and how.
        device: see `ActionModel`.
        progress: shows how far it is.

    Raises:
        RtactionError: see `rtaction.errors`; what was written before stays.
    """
    found = find(options.videos)
    model = ActionModel(model_path, device=device)
    identity = _identity(model, options)
    writer = writer_for(options, identity, found)
    todo = [video for video, _ in found if not writer.has(video)]
    outcome = Outcome(len(found) - len(todo))
    on_cpu = model.device_in_use == "CPU"
    del model
    most = options.num_processes if on_cpu or options.processes else 1
    pool: Pool[Path, Answer] = Pool(
        max(min(most, len(todo)), 1),
        judge_next,
        prepare,
        (model_path, device, replace(options, videos=(Path(),))),
        lost,
    )
    with writer.open(), progress(len(todo)) as step, closing(pool.results(todo)) as answers:
        for answer in answers:
            writer.write(answer)
            outcome.count(answer)
            step()
    if todo and not outcome.num_judged:
        path, problem = outcome.problems[0]
        raise DatasetError(
            f"none of {counted(len(todo), 'video')} could be judged; {path}: {problem}"
        )
    return outcome


def find(places: Sequence[Path]) -> list[tuple[Path, Path]]:
    """The videos in files and folders, each once, and the folder that each was found from.

    Raises:
        SourceMissing: a place does not exist.
        DatasetError: a folder holds no video.
    """
    found: dict[Path, Path] = {}
    for place in places:
        if place.is_dir():
            videos = videos_among(files_below(place), place)
            if not videos:
                raise DatasetError(f"no video in {place}; expected files such as a.mp4")
        elif place.exists():
            videos = [place]
        else:
            raise SourceMissing(_not_there(place))
        for video in videos:
            found.setdefault(video, place if place.is_dir() else video.parent)
    return list(found.items())


def _not_there(place: Path) -> str:
    scheme, colon, rest = str(place).partition(":/")  # a path has one slash where a URL has two
    if colon and scheme.isalpha() and len(scheme) > 1:
        url = redact(f"{scheme}://{rest.lstrip('/')}")
        return f"{url} is no file; `{program()} cam` watches streams, and predict names files"
    return f"{place}: no such video or folder"


def _identity(model: ActionModel, options: PredictOptions) -> str:
    """Changes with the model, and with the settings that change answers."""
    settings = [options.stride_seconds, options.windows]
    content = hashlib.sha256(model.file.content)
    content.update(json.dumps(settings).encode())
    return content.hexdigest()[:12]
