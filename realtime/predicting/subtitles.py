"""What videos show as files that players and annotation tools read, one for each video.

WebVTT: https://www.w3.org/TR/webvtt1/. ELAN's EAF 3.0:
https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath

from rtaction.printable import printable
from rtaction.realtime.predicting.answer import Answer, Span

_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


def to_vtt(answer: Answer, *, model: str) -> str:
    """WebVTT with a cue for each event, such as "wave 0.93 (person 2)".

    Args:
        answer: about the video.
        model: identity of the model, in a comment.
    """
    parts = [f"WEBVTT\n\nNOTE rtaction, model {model}\n"]
    if answer.problem:
        parts.append(f"NOTE {_one_line(answer.problem)}\n")
    for one in answer.spans:
        who = "" if one.person is None else f" (person {one.person})"
        text = f"{_escaped(one.label)} {one.score:.2f}{who}"
        # A cue that lasts no time is never shown.
        end_seconds = max(one.end_seconds, one.start_seconds + 0.001)
        parts.append(f"{_clock(one.start_seconds)} --> {_clock(end_seconds)}\n{text}\n")
    return "\n".join(parts)


def to_eaf(answer: Answer, *, model: str) -> str:
    """An ELAN document with a tier for each person, or one for the picture.

    Args:
        answer: about the video.
        model: identity of the model, in a property.
    """
    ET.register_namespace("xsi", _INSTANCE)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    root = ET.Element(
        "ANNOTATION_DOCUMENT",
        {
            "AUTHOR": "rtaction",
            "DATE": now,
            "FORMAT": "3.0",
            "VERSION": "3.0",
            f"{{{_INSTANCE}}}noNamespaceSchemaLocation": _SCHEMA,
        },
    )
    header = ET.SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    path = answer.path
    url = path.resolve().as_uri() if isinstance(path, Path) else str(path)
    media = {"MEDIA_URL": url, "MIME_TYPE": "video/*", "RELATIVE_MEDIA_URL": path.name}
    ET.SubElement(header, "MEDIA_DESCRIPTOR", media)
    ET.SubElement(header, "PROPERTY", {"NAME": "rtaction model"}).text = model
    order = ET.SubElement(root, "TIME_ORDER")
    number = 0
    for person in sorted({one.person for one in answer.spans}, key=lambda one: one or 0):
        name = "action" if person is None else f"person {person}"
        tier = ET.SubElement(root, "TIER", {"LINGUISTIC_TYPE_REF": "action", "TIER_ID": name})
        for one in _apart([span for span in answer.spans if span.person == person]):
            number += 1
            slots = [f"ts{2 * number - 1}", f"ts{2 * number}"]
            for slot, seconds in zip(slots, (one.start_seconds, one.end_seconds), strict=True):
                values = {"TIME_SLOT_ID": slot, "TIME_VALUE": str(round(1000 * seconds))}
                ET.SubElement(order, "TIME_SLOT", values)
            place = {
                "ANNOTATION_ID": f"a{number}",
                "TIME_SLOT_REF1": slots[0],
                "TIME_SLOT_REF2": slots[1],
            }
            annotation = ET.SubElement(tier, "ANNOTATION")
            shown = ET.SubElement(annotation, "ALIGNABLE_ANNOTATION", place)
            ET.SubElement(
                shown, "ANNOTATION_VALUE"
            ).text = f"{printable(one.label)} {one.score:.2f}"
    alignable = {"LINGUISTIC_TYPE_ID": "action", "TIME_ALIGNABLE": "true"}
    ET.SubElement(root, "LINGUISTIC_TYPE", alignable)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _apart(spans: Sequence[Span]) -> list[Span]:
    """Annotations of a tier must not overlap: an event ends where the next one starts."""
    ends = [one.start_seconds for one in spans[1:]]
    return [
        replace(one, end_seconds=min(one.end_seconds, end))
        for one, end in zip(spans, [*ends, float("inf")], strict=True)
    ]


def _clock(seconds: float) -> str:
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


def _escaped(text: str) -> str:
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, name)
    return _one_line(text)


def _one_line(text: str) -> str:
    # An arrow would be taken for the times of a cue.
    return printable(text).replace("-->", "→")


def path_for(video: PurePath, root: PurePath, folder: Path, suffix: str) -> Path:
    """Where the file of a video goes: at its place below the folder that was searched.

    Args:
        video: the video.
        root: the folder in which it was found.
        folder: the output.
        suffix: of the file, added to the video's name, so that a.mp4 and a.mov stay apart.
    """
    return folder / video.relative_to(root).with_name(video.name + suffix)
