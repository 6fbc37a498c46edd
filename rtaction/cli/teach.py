"""`rtaction teach` and `rtaction record`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rtaction.choices import GROUP_HELP, ROOT_HELP
from rtaction.cli.terminal import say
from rtaction.errors import UsageError
from rtaction.installation import program

LabelsArgument = Annotated[list[str] | None, typer.Argument(help="Labels, such as wave clap.")]
SourceOption = Annotated[
    str,
    typer.Option(
        "--source", "-s", help="Camera: webcam number, rtsp:// or http:// URL, or a video file."
    ),
]
SecondsOption = Annotated[
    float, typer.Option(min=0.5, max=30, help="Approximate length of a take.")
]
PeopleOption = Annotated[
    bool,
    typer.Option(
        "--people/--no-people",
        help="Refuse takes in which nobody is seen, and learn from people's joints where that is "
        "best. --no-people: the actions are not of people.",
    ),
]
BeepOption = Annotated[
    bool, typer.Option("--beep/--no-beep", help="A tone when a take begins and ends.")
]
FolderOption = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the takes and the model.")
]


def teach(
    labels: LabelsArgument = None,
    source: SourceOption = "0",
    videos: Annotated[
        str | None,
        typer.Option(
            "--from",
            help="Learn from videos instead: a folder with one folder of videos for each label, or "
            "an annotation file (.csv).",
        ),
    ] = None,
    root: Annotated[
        str | None,
        typer.Option("--videos-root", metavar="PATH", help=f"With --from. {ROOT_HELP}"),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(help=f"With --from. {GROUP_HELP}"),
    ] = None,
    takes: Annotated[
        int, typer.Option(min=2, max=200, help="Takes of each label, existing ones included.")
    ] = 10,
    seconds: SecondsOption = 3.0,
    people: PeopleOption = True,
    modality: Annotated[
        str | None,
        typer.Option(
            help="Learn from joints and pictures together, such as pose+rgb_diff. Default: from "
            "joints or pictures, whichever are better."
        ),
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(
            help="Learn from the labelled clips of this folder as well, see `rtaction label`."
        ),
    ] = None,
    beep: BeepOption = True,
    output: FolderOption = Path("taught"),
) -> None:
    """Record takes of your own actions, learn them in a minute, and recognise them live."""
    from rtaction.teach.teaching import TeachConfig, teach, teach_from

    if videos is not None:
        from rtaction.teach.report import report_lines

        taught = teach_from(
            videos,
            output,
            labels=labels,
            group=group,
            people=people,
            modality=modality,
            root=root,
            corrections=corrections,
            say=say,
            on_progress=_print_progress,
        )
        for line in report_lines(taught):
            say(line)
        say(f"the model: {output / 'model.onnx'}")
        say(f"see it live: {program()} cam --model {output / 'model.onnx'}")
        return
    if group is not None:
        raise UsageError("--group requires --from; each recorded take is its own group")
    if root is not None:
        raise UsageError("--videos-root requires --from and an annotation file")
    from rtaction.cli.cam import print_event

    config = TeachConfig(
        tuple(labels or ()),
        source,
        output,
        takes,
        seconds,
        people=people,
        beep=beep,
        modality=modality,
        corrections=corrections,
    )
    summary = teach(config, say, on_event=print_event)
    if summary is not None:
        say(summary.stats.to_text(), err=True)


def record(
    labels: Annotated[list[str], typer.Argument(help="Labels, such as wave.")],
    source: SourceOption = "0",
    takes: Annotated[int, typer.Option(min=1, max=200, help="New takes of each label.")] = 10,
    seconds: SecondsOption = 3.0,
    people: PeopleOption = True,
    beep: BeepOption = True,
    output: FolderOption = Path("taught"),
) -> None:
    """Record takes for `rtaction teach` or `rtaction train`."""
    from rtaction.teach.teaching import TeachConfig, record

    config = TeachConfig(tuple(labels), source, output, takes, seconds, people=people, beep=beep)
    record(config, say)


def _print_progress(num_done: int, num_all: int) -> None:
    if num_done % 10 == 0 or num_done == num_all:
        say(f"learning: {num_done / num_all:.0%}", err=True)
