"""`rtaction predict`: videos found, judged in several processes, and written down one by one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path, PurePath

from rtaction.errors import DatasetError, SourceMissing
from rtaction.evaluation.text import counted
from rtaction.installation import program
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.predicting.answer import Answer
from rtaction.realtime.predicting.options import PredictOptions
from rtaction.realtime.predicting.place import shown, url_of
from rtaction.realtime.predicting.pool import Pool
from rtaction.realtime.predicting.work import judge_next, lost, prepare
from rtaction.realtime.predicting.writers import writer_for
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
    problems: list[tuple[PurePath, str]] = field(default_factory=list)

    def count(self, answer: Answer) -> None:
        """Add the answer for a video."""
        if answer.problem:
            self.problems.append((answer.path, answer.problem))
        else:
            self.num_judged += 1
            self.num_short += answer.is_short

    def require_some(self, num_asked: int) -> None:
        """Refuse a run in which nothing could be judged.

        Args:
            num_asked: videos that were to be judged.

        Raises:
            DatasetError: there were some, and none of them has an answer.
        """
        if num_asked and not self.num_judged:
            path, problem = self.problems[0]
            raise DatasetError(
                f"none of {counted(num_asked, 'video')} could be judged; {path}: {problem}"
            )

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
    identity = identity_of(model.file.content, options)
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
    outcome.require_some(len(todo))
    return outcome


def find(places: Sequence[Path]) -> list[tuple[Path, Path]]:
    """The videos in files, folders and lists, each once, and the folder that each was found from.

    Args:
        places: videos, folders that are searched at any depth, and lists of them (.txt).

    Raises:
        SourceMissing: a place does not exist.
        DatasetError: a folder holds no video, or a list cannot be read.
    """
    found: dict[Path, Path] = {}
    for place in chain.from_iterable(map(listed, places)):
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


def listed(place: Path) -> list[Path]:
    """The places in a list, a text file with a line for each; any other place as it is.

    Raises:
        DatasetError: the list cannot be read, or names nothing.
    """
    if place.suffix.lower() != ".txt" or not place.is_file():
        return [place]
    try:
        lines = place.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read the list {place}: {error}") from None
    places = [Path(line.strip()) for line in lines if line.strip()]
    if not places:
        raise DatasetError(f"{place} is empty; expected a list of videos or folders, one a line")
    return places


def _not_there(place: Path) -> str:
    if (address := url_of(place)) is not None:
        return (
            f"{shown(str(address))} is no file; `{program()} cam` watches streams, and predict "
            "names files, with --ray also those behind an address such as s3://bucket/videos"
        )
    return f"{place}: no such video or folder"


def identity_of(content: bytes, options: PredictOptions) -> str:
    """Changes with the model, and with the settings that change answers.

    Args:
        content: the bytes of the model's file.
        options: the settings.
    """
    settings = [options.stride_seconds, options.windows]
    digest = hashlib.sha256(content)
    digest.update(json.dumps(settings).encode())
    return digest.hexdigest()[:12]
