"""What is kept of a session, what is refused, what is shown and what sounds."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import Frame
from rtaction.realtime.cameras.camera import cameras_of
from rtaction.realtime.outputs.drawn.overlay import MIN_HEIGHT
from rtaction.teach.beep import Beeper, write_tone
from rtaction.teach.guide import PANEL_UNITS, REFUSED, draw_guide, draw_message, draw_result
from rtaction.teach.onlooker import Onlooker
from rtaction.teach.recorder import Quota, Recorder
from rtaction.teach.recording import RecordingSession
from rtaction.teach.takes import TakesFolder
from tests.made_people import SIZE_HW, made_networks

RATE = 10


class _Screen:
    def __init__(self) -> None:
        self.images: list[npt.NDArray[Any]] = []

    def show(self, image: npt.NDArray[Any]) -> None:
        self.images.append(image)

    def key(self) -> str:
        return ""

    def wants_to_quit(self, key: str) -> bool:
        return False


class _Tones(Beeper):
    def __init__(self) -> None:
        super().__init__()
        self.played: list[str] = []

    def play(self, tone: Any) -> None:
        self.played.append(tone)


class _Refusals(Recorder):
    """Remembers why takes were refused."""

    def __init__(self, quotas: list[Quota], **options: Any) -> None:
        self.reasons: list[str] = []
        super().__init__(quotas, **options)

    def refuse(self, reason: str) -> None:
        self.reasons.append(reason)
        super().refuse(reason)


class _Camera:
    """Flat pictures of a brightness for each second, the last one for ever."""

    def __init__(self, levels: Iterable[int]) -> None:
        self._levels = list(levels)

    def frames(self) -> Iterable[Frame]:
        for number in range(2000):
            level = self._levels[min(number // RATE, len(self._levels) - 1)]
            image = np.full((*SIZE_HW, 3), level, np.uint8)
            yield Frame(image, number / RATE, number, "camera")

    def close(self) -> None:
        pass


def _record(
    folder: Path, levels: Iterable[int], *, onlooker: Onlooker | None
) -> tuple[TakesFolder, _Screen, _Tones, list[str]]:
    screen, tones, takes = _Screen(), _Tones(), TakesFolder(folder)
    camera: Any = _Camera(levels)
    shown: Any = screen
    session = RecordingSession(
        cameras_of(["0"])[0],
        takes,
        shown,
        open_with=lambda _: camera,
        onlooker=onlooker,
        beeper=tones,
    )
    recorder = _Refusals([Quota("wave", 0, 2)], take_seconds=2.0, seed=0)
    assert session.record(recorder)
    return takes, screen, tones, recorder.reasons


def test_takes_in_which_nobody_is_seen_are_refused_until_somebody_is(tmp_path: Path) -> None:
    takes, screen, tones, reasons = _record(
        tmp_path, [0] * 20 + [150], onlooker=Onlooker(made_networks())
    )
    assert len(takes.takes_of("wave")) == 2
    refused = tones.played.count("refused")
    assert refused >= 1
    assert len(reasons) == refused
    assert tones.played[-4:] == ["begin", "end", "begin", "end"]
    assert tones.played.count("begin") == refused + 2
    assert "nobody was seen" in reasons[0]
    # The reason is shown in its own colour, below the picture.
    panels = [image[MIN_HEIGHT:] for image in screen.images]
    assert any((panel == REFUSED).all(axis=-1).any() for panel in panels)
    assert not (panels[-1] == REFUSED).all(axis=-1).any()


def test_without_an_onlooker_all_takes_are_kept(tmp_path: Path) -> None:
    takes, _, tones, _ = _record(tmp_path, [0], onlooker=None)
    assert len(takes.takes_of("wave")) == 2
    assert tones.played == ["begin", "end"] * 2


def test_an_onlooker_looks_eight_times_a_second_and_counts_from_the_beginning() -> None:
    onlooker = Onlooker(made_networks())
    for number in range(60):
        level = 0 if number < 30 else 150
        onlooker.look_at(np.full((*SIZE_HW, 3), level, np.uint8), number / 30)
        if number == 29:
            assert not onlooker.has_seen_enough
            onlooker.begin()
    assert onlooker.has_seen_enough
    assert len(onlooker.people) == 1


def test_the_picture_is_left_alone_while_a_take_is_on() -> None:
    recorder = Recorder([Quota("wave", 3, 10)], seed=0)
    picture = np.random.default_rng(0).integers(0, 255, (MIN_HEIGHT, 640, 3)).astype(np.uint8)
    at_seconds = 0.0
    while recorder.phase != "recording":
        recorder.see(at_seconds)
        at_seconds += 0.1
    shown = draw_guide(picture, recorder)
    assert shown.shape == (MIN_HEIGHT + PANEL_UNITS, 640, 3)
    inner = slice(10, -10)
    assert (shown[:MIN_HEIGHT][inner, inner] == picture[:, ::-1][inner, inner]).all()


@pytest.mark.parametrize("size_hw", [(120, 160), (480, 270), (1080, 1920)])
def test_texts_fit_into_pictures_of_any_shape(size_hw: tuple[int, int]) -> None:
    image = np.zeros((*size_hw, 3), np.uint8)
    recorder = Recorder([Quota("wave", 3, 10)], seed=0)
    recorder.see(0.0)
    recorder.refused = "nobody was seen; step into view"
    unit = max(size_hw[0], MIN_HEIGHT) / MIN_HEIGHT
    for shown in (
        draw_guide(image, recorder),
        draw_result(image, "learned: 93 % of takes right", ["a line of text " * 4], "q quit"),
    ):
        margin = shown[round(MIN_HEIGHT * unit) :, -round(8 * unit) :]
        assert (margin == margin[0, 0]).all()  # nothing runs over the edge


def test_progress_has_a_percentage() -> None:
    image = np.zeros((MIN_HEIGHT, 640, 3), np.uint8)
    some, more = (draw_message(image, "learning", share) for share in (0.2, 0.7))
    corner = np.s_[MIN_HEIGHT : MIN_HEIGHT + 60, 540:]
    assert (some[corner] != more[corner]).any()
    assert (some[corner] > 200).any()


def test_a_tone_is_a_sound_file_of_its_length(tmp_path: Path) -> None:
    write_tone(tmp_path / "a.wav", (440, 880))
    with wave.open(str(tmp_path / "a.wav")) as file:
        rate = file.getframerate()
        assert file.getnframes() == pytest.approx(0.3 * rate, abs=2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    for note, hertz in zip(np.array_split(samples, 2), (440, 880), strict=True):
        peak = np.abs(np.fft.rfft(note)).argmax() * rate / len(note)
        assert peak == pytest.approx(hertz, abs=10)
    assert abs(samples[0]) < 100  # it does not click


def test_a_player_that_cannot_be_run_leaves_the_bell_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("rtaction.teach.beep.shutil.which", lambda _: str(tmp_path / "missing"))
    beeper = Beeper()
    beeper.play("begin")
    beeper.close()
    assert terminal.getvalue() == "\a"
    silent = Beeper(is_on=False)
    silent.play("end")
    silent.close()
    assert terminal.getvalue() == "\a"
