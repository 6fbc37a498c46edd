"""The worst mistakes of a network, with the frames as a person sees them and as it does."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

from rtaction.arrays import UInt8Array
from rtaction.evaluation.text import counted
from rtaction.modality import shows_motion
from rtaction.opencv import cv2
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.report.filmstrip import parts_in, visible
from rtaction.train.report.judged_clips import JudgedClips, Mistake
from rtaction.train.report.page import picture, tag

_MOST_PICTURES = 16
_MOST_ROWS = 160
# JPEG: photographs take a tenth of their size as PNG.
_JPEG_QUALITY = 85


def mistakes_section(judged: JudgedClips) -> Element:
    """The worst mistakes, with their frames.

    Args:
        judged: the validation clips. Not the test clips: who fixes what fails there has no test.
    """
    num_wrong = int((~judged.by_clip.is_correct).sum())
    section = tag("section", tag("h2", "Worst mistakes, on validation"))
    if not num_wrong:
        words = f"All {counted(len(judged.clips), 'clip')} were predicted correctly."
        section.append(tag("p", words))
        return section
    mistakes = judged.worst_mistakes()
    words = (
        f"{num_wrong} of {counted(len(judged.clips), 'clip')} were predicted wrong. These are the "
        "ones with the highest scores for a wrong label, at most one per video. Look for videos "
        "in the wrong folder first: they are the easiest to correct."
    )
    modality = judged.clips.modality
    if shows_motion(modality):
        words += f" Below each frame is its motion, as the network sees it ({modality})."
    section.append(tag("p", words, class_="soft"))
    section.extend(_mistake(one, judged.clips) for one in mistakes)
    return section


def _mistake(mistake: Mistake, clips: ClipSet) -> Element:
    times_seconds = clips.clip_times_seconds[mistake.clip, clips.own_frames]
    name = mistake.video.name
    return tag(
        "figure",
        tag(
            "figcaption",
            tag("span", f"“{mistake.video.label}”", class_="good"),
            " was predicted as ",
            tag("span", f"“{mistake.predicted}”", class_="bad"),
        ),
        tag(
            "div",
            f"score {mistake.predicted_score:.2f} for “{mistake.predicted}”, "
            f"{mistake.true_score:.2f} for “{mistake.video.label}”; ",
            tag("span", name, title=mistake.video.where),
            "" if mistake.video.span is None else ", window",
            f", {times_seconds[0]:.2f} to {times_seconds[-1]:.2f} s",
            class_="soft",
        ),
        _strip(mistake.clip, times_seconds.tolist(), name, clips),
        class_="mistake",
    )


def _strip(clip: int, times_seconds: list[float], name: str, clips: ClipSet) -> Element:
    rows = [("camera", clips.shown(clip)[clips.own_frames])]
    if shows_motion(clips.modality):
        parts = parts_in(clips.drawn(clip), clips.modality)
        rows += [(part, images) for part, images in parts.items() if shows_motion(part)]
    count = len(times_seconds)
    shown = np.linspace(0, count - 1, min(count, _MOST_PICTURES)).round().astype(int)
    strip = tag("div", class_="strip", style=f"--pictures: {len(shown)}")
    for number in shown.tolist():
        text = f"{name} at {times_seconds[number]:.2f} s"
        pictures = [
            picture(_jpeg(images[number]), "image/jpeg", text=f"{text}, {title}")
            for title, images in rows
        ]
        strip.append(tag("div", *pictures, f"{times_seconds[number]:.2f} s"))
    return strip


def _jpeg(image: UInt8Array) -> bytes:
    height, width = image.shape[:2]
    shown: Any = np.ascontiguousarray(visible(image)[..., ::-1])
    if height > _MOST_ROWS:
        size = (max(round(width * _MOST_ROWS / height), 1), _MOST_ROWS)
        shown = cv2.resize(shown, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()
