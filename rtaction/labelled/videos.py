"""Find videos, their labels and their groups: by their folders, or by an annotation file.

This module knows nothing about pixels: it looks only at paths.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rtaction.errors import DatasetError, UsageError
from rtaction.labelled.annotations import is_annotation_file, read_annotations
from rtaction.labelled.folders import labelled_by_folder
from rtaction.labelled.patterns import CLASSNAME, GROUP, folders_escaped, labelled_by_pattern
from rtaction.video.span import Span

Group = str | Callable[[Path], str] | None
"""How to group videos: a regular expression for the path, whose first group (or whole match) is
used, a function of the path, or None: each video is its own group."""


@dataclass(frozen=True, slots=True)
class Video:
    """One labelled video, or part of one.

    Args:
        path: the file.
        label: the action that it shows.
        group: videos with the same group are never split.
        span: the part that shows it. Default None: the whole file.
        part: of the split, as an annotation file says: "train", "validation" or "test". Default
            None: it does not say.
        more_labels: other actions that it shows at the same time. Default none.
    """

    path: Path
    label: str
    group: str
    span: Span | None = None
    part: str | None = None
    more_labels: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """All its labels; none if `label` is "", which only networks of several labels may see."""
        return (self.label, *self.more_labels) if self.label else ()

    def label_among(self, some: Collection[str]) -> str:
        """The first of its labels that is one of some; otherwise its first label."""
        return next((label for label in self.labels if label in some), self.label)

    @property
    def name(self) -> str:
        """File and part of it, for a person."""
        return self.path.name if self.span is None else f"{self.path.name}, {self.span}"

    @property
    def where(self) -> str:
        """Path and part of it, for a person."""
        return str(self.path) if self.span is None else f"{self.path}, {self.span}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; `from_dict` reads it. The part of a split is left out."""
        label: Any = [self.label, *self.more_labels] if self.more_labels else self.label
        values = {"path": self.path.as_posix(), "label": label, "group": self.group}
        if self.span is None:
            return values
        start_seconds, end_seconds = self.span.start_seconds, self.span.end_seconds
        return values | {"start_seconds": start_seconds, "end_seconds": end_seconds}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Video:
        """Parse the output of `to_dict`; other keys are ignored.

        Raises:
            KeyError, TypeError: it is anything else.
        """
        span = None
        if "start_seconds" in values:
            span = Span(values["start_seconds"], values["end_seconds"])
        label, *more = values["label"] if isinstance(values["label"], list) else [values["label"]]
        return cls(Path(values["path"]), label, values["group"], span, more_labels=tuple(more))

    def to_row(self) -> list[Any]:
        """The values of `to_dict`, as a list; `from_row` reads it."""
        return [*self.to_dict().values()]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> Video:
        """Parse the output of `to_row`.

        Raises:
            ValueError, KeyError, TypeError: it is anything else.
        """
        path, label, group, *span = row
        times = dict(zip(("start_seconds", "end_seconds"), span, strict=False))
        return cls.from_dict({"path": path, "label": label, "group": group, **times})


def find_videos(
    pattern: str | Path,
    *,
    labels: Sequence[str] | None = None,
    group: Group = None,
    min_labels: int = 2,
    root: str | Path | None = None,
    several: bool = False,
) -> list[Video]:
    """Find labelled videos.

    Args:
        pattern: a folder with one folder per label, with videos at any depth; a glob pattern in
            which "{classname}" stands for the label, and perhaps "{group}" for the group, such as
            "videos/{group}/{classname}/*.avi"; or an annotation file, see
            `rtaction.labelled.annotations`. A warning names what is passed over.
        labels: use only these. Default: all that are found.
        group: see `Group`. Default None.
        min_labels: minimum number of different labels. Default 2, as training needs them.
        root: the folder that names in an annotation file are relative to. Default None: that of
            the file.
        several: whether a video may have several labels, each in a line of its own, or none, in a
            line without a label. Default False.

    Returns:
        The videos, in the order of their paths, and of time within a file.

    Raises:
        UsageError: the pattern or the regular expression is invalid.
        DatasetError: no videos, too few labels, no videos for one of `labels`, or a mistake in an
            annotation file.
    """
    text = str(pattern)
    if is_annotation_file(text):
        videos = _annotated(
            Path(text), None if root is None else Path(root), group, several=several
        )
    elif root is not None:
        raise UsageError(f"--videos-root is for annotation files (.csv), and {text} is none")
    elif CLASSNAME in text:
        text = folders_escaped(text)
        videos = _by_pattern(text, group)
    elif Path(text).is_dir():
        group_of = grouping(group)
        videos = [
            Video(path, label, group_of(path)) for path, label in labelled_by_folder(Path(text))
        ]
        text = f"{text.rstrip('/')}/{CLASSNAME}/**"
    else:
        raise UsageError(
            f"{text!r} is neither a folder nor a pattern with {CLASSNAME} nor an annotation file "
            f"(.csv); expected something like videos/ or 'videos/{CLASSNAME}/*.mp4'"
        )
    if labels is not None:
        videos = [video for video in videos if set(video.labels) & set(labels)]
    _check(videos, text, labels, min_labels)
    return videos


def _by_pattern(pattern: str, group: Group) -> list[Video]:
    if GROUP in pattern and group is not None:
        raise UsageError(
            f"{pattern} says with {GROUP} what the groups are, and --group says it too; leave one "
            "of them out"
        )
    group_of = grouping(group)
    return [
        Video(path, label, group_of(path) if in_path is None else in_path)
        for path, label, in_path in labelled_by_pattern(pattern)
    ]


def _annotated(csv_path: Path, root: Path | None, group: Group, *, several: bool) -> list[Video]:
    group_of = grouping(group)
    seen: dict[tuple[Path, Span | None], Video] = {}
    for one in read_annotations(csv_path, root, may_be_none=several):
        named_group = one.group if group is None and one.group is not None else group_of(one.path)
        video = Video(one.path, one.label, named_group, one.span, one.part)
        first = seen.setdefault((video.path, video.span), video)
        if several and video.label != first.label:
            labels = dict.fromkeys(one for one in (*first.labels, video.label) if one)
            label, *more = labels
            first = replace(first, label=label, more_labels=tuple(more))
            seen[video.path, video.span] = first
        for what in ("group", "part") if several else ("label", "group", "part"):
            before, now = getattr(first, what), getattr(video, what)
            if before != now:
                column = "split" if what == "part" else what
                raise DatasetError(
                    f"{csv_path}, line {one.line}: {video.name} has the {column} {before!r} in an "
                    f"earlier line, got {now!r}; expected one for each part of a video"
                    + "; several at once are for `rtaction train --multi-label`"
                    * (what == "label")
                )
    return sorted(seen.values(), key=_place)


def _place(video: Video) -> tuple[Path, float, float]:
    span = video.span
    return (video.path, span.start_seconds, span.end_seconds) if span else (video.path, 0.0, 0.0)


def labels_of(videos: Sequence[Video]) -> tuple[str, ...]:
    """All labels, sorted."""
    return tuple(sorted({label for video in videos for label in video.labels}))


def is_grouped(videos: Iterable[Video]) -> bool:
    """Whether videos were grouped; otherwise each file is its own group."""
    return any(video.group != video.path.as_posix() for video in videos)


def grouping(group: Group) -> Callable[[Path], str]:
    """A function that returns the group of a path.

    Args:
        group: see `Group`.

    Returns:
        A function that raises `DatasetError` if the regular expression does not match a path.

    Raises:
        UsageError: the regular expression is invalid.
    """
    if group is None:
        return Path.as_posix
    if callable(group):
        return group
    try:
        regex = re.compile(group)
    except re.error as error:
        raise UsageError(f"--group {group!r} is not a regular expression: {error}") from None

    def of(path: Path) -> str:
        match = regex.search(path.as_posix())
        if match is None or (regex.groups and match.group(1) is None):
            raise DatasetError(
                f"--group {group!r} does not match {path}; expected a regular expression that "
                "finds the group (person, camera, take) in every path"
            )
        return str(match.group(1) if regex.groups else match.group(0))

    return of


def _check(
    videos: Sequence[Video], pattern: str, labels: Sequence[str] | None, min_labels: int
) -> None:
    if not videos and not is_annotation_file(pattern):
        raise DatasetError(
            f"no video matches {pattern}; expected files such as videos/wave/first.mp4, one folder "
            "per action"
        )
    found = labels_of(videos)
    missing = sorted(set(labels or ()) - set(found))
    if missing:
        raise DatasetError(f"no video has the label {missing}; found {list(found)} in {pattern}")
    if len(found) < min_labels:
        by_file = is_annotation_file(pattern)
        raise DatasetError(
            f"expected at least {min_labels} actions{'' if by_file else ', one folder each'}, got "
            f"only {list(found)} in {pattern}; add "
            + ("lines with another label" if by_file else "a folder of something else")
            + f", such as nothing{'' if by_file else '/'}"
        )
