"""Subtitles and annotations, as the libraries of others read them."""

from __future__ import annotations

from pathlib import Path

import pympi
import webvtt

from rtaction.realtime.predicting.answer import Answer, Span
from rtaction.realtime.predicting.subtitles import path_for, to_eaf, to_vtt

ANSWER = Answer(
    Path("/videos/one & two.mp4"),
    (("wave", 0.7),),
    (
        Span("wave <b> --> & more", 0.5, 2.25, 0.912, 2),
        Span("clap", 1.5, 3.0, 0.8, 2),
        Span("fall", 3725.0, 3725.0, 0.8, 1),
    ),
    4000.0,
)
WHOLE = Answer(Path("b.mp4"), (("wave", 0.7),), (Span("wave", 0.0, 4.0, 0.7),), 4.0)
BROKEN = Answer(Path("c.mp4"), (), (), 0.0, problem="it is\nbroken --> badly")


def _read_vtt(path: Path, answer: Answer) -> list[tuple[str, str, str]]:
    path.write_text(to_vtt(answer, model="abc"), encoding="utf-8")
    return [(one.start, one.end, one.raw_text) for one in webvtt.read(str(path)).captions]


def test_web_vtt(tmp_path: Path) -> None:
    assert _read_vtt(tmp_path / "a.vtt", ANSWER) == [
        ("00:00:00.500", "00:00:02.250", "wave &lt;b&gt; --&gt; &amp; more 0.91 (person 2)"),
        ("00:00:01.500", "00:00:03.000", "clap 0.80 (person 2)"),
        ("01:02:05.000", "01:02:05.001", "fall 0.80 (person 1)"),
    ]
    assert _read_vtt(tmp_path / "b.vtt", WHOLE) == [("00:00:00.000", "00:00:04.000", "wave 0.70")]
    assert _read_vtt(tmp_path / "c.vtt", BROKEN) == []
    assert "NOTE it is?broken → badly\n" in (tmp_path / "c.vtt").read_text("utf-8")


def test_elan(tmp_path: Path) -> None:
    path = tmp_path / "a.eaf"
    path.write_text(to_eaf(ANSWER, model="abc"), encoding="utf-8")
    document = pympi.Elan.Eaf(str(path))
    assert set(document.get_tier_names()) == {"person 1", "person 2"}
    # What overlaps on one tier is cut, as ELAN refuses it.
    assert document.get_annotation_data_for_tier("person 2") == [
        (500, 1500, "wave <b> --> & more 0.91"),
        (1500, 3000, "clap 0.80"),
    ]
    assert document.get_annotation_data_for_tier("person 1") == [(3725000, 3725000, "fall 0.80")]
    (media,) = document.get_linked_files()
    assert media["MEDIA_URL"] == "file:///videos/one%20%26%20two.mp4"
    assert ("rtaction model", "abc") in document.get_properties()


def test_a_whole_picture_has_a_tier_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.eaf"
    path.write_text(to_eaf(WHOLE, model="abc"), encoding="utf-8")
    document = pympi.Elan.Eaf(str(path))
    assert document.get_annotation_data_for_tier("action") == [(0, 4000, "wave 0.70")]
    path.write_text(to_eaf(BROKEN, model="abc"), encoding="utf-8")
    assert not pympi.Elan.Eaf(str(path)).get_tier_names()


def test_files_lie_as_their_videos_do() -> None:
    root, folder = Path("/v"), Path("out")
    assert path_for(Path("/v/x/a.mp4"), root, folder, ".vtt") == Path("out/x/a.mp4.vtt")
    assert path_for(Path("/v/x/a.mov"), root, folder, ".vtt") == Path("out/x/a.mov.vtt")
