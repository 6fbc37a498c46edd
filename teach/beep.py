"""A short tone that says when a take begins and ends, for someone who does not look at the screen.

There is no portable way to sound: Windows and macOS have one each, desktops with Linux have a
player of their sound server. Where there is none, the terminal's bell has to do.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
import tempfile
import wave
from array import array
from contextlib import suppress
from pathlib import Path
from typing import Literal

Tone = Literal["begin", "end", "refused"]

_HERTZ: dict[Tone, tuple[int, ...]] = {"begin": (880,), "end": (587,), "refused": (330, 247)}
_SECONDS = 0.15  # of each note
_RATE = 22050
_FADE_SECONDS = 0.01  # a tone that is cut off clicks
_LOUDNESS = 0.5
_PLAYERS = ("afplay", "pw-play", "paplay", "aplay")


class Beeper:
    """Plays tones without waiting for their end.

    Args:
        is_on: False plays nothing. Default True.
    """

    def __init__(self, *, is_on: bool = True) -> None:
        self._is_on = is_on
        found = (shutil.which(name) for name in _PLAYERS)
        self._player = next((path for path in found if path), None)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._playing: list[subprocess.Popen[bytes]] = []

    def play(self, tone: Tone) -> None:
        """Play a tone, or ring the terminal's bell."""
        if not self._is_on:
            return
        self._playing = [one for one in self._playing if one.poll() is None]
        try:
            if sys.platform == "win32":
                import winsound

                flags = winsound.SND_FILENAME | winsound.SND_ASYNC
                winsound.PlaySound(str(self._file(tone)), flags)
            elif self._player is not None:
                self._playing.append(
                    subprocess.Popen(
                        [self._player, str(self._file(tone))],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                    )
                )
            else:
                self._ring()
        except (OSError, RuntimeError):  # no sound device, or no room for the file
            self._ring()

    def close(self) -> None:
        """Stop what still plays, and remove the files."""
        for one in self._playing:
            with suppress(subprocess.TimeoutExpired):
                one.wait(timeout=2 * _SECONDS)
            if one.poll() is None:
                one.kill()
                one.wait()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _ring(self) -> None:
        if sys.stderr is not None and sys.stderr.isatty():
            sys.stderr.write("\a")
            sys.stderr.flush()

    def _file(self, tone: Tone) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="rtaction-")
        path = Path(self._folder.name) / f"{tone}.wav"
        if not path.exists():
            write_tone(path, _HERTZ[tone])
        return path


def write_tone(path: Path, notes_hertz: tuple[int, ...]) -> None:
    """Write a mono 16-bit WAV file of notes, one after the other.

    Args:
        path: of the file.
        notes_hertz: of each note, which lasts 0.15 s.

    Raises:
        OSError: it cannot be written.
    """
    num_samples, num_faded = round(_SECONDS * _RATE), round(_FADE_SECONDS * _RATE)
    samples = array("h")
    for hertz in notes_hertz:
        for number in range(num_samples):
            fade = min(number, num_samples - 1 - number, num_faded) / num_faded
            level = _LOUDNESS * fade * math.sin(2 * math.pi * hertz * number / _RATE)
            samples.append(round(32767 * level))
    if sys.byteorder == "big":
        samples.byteswap()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(samples.tobytes())
