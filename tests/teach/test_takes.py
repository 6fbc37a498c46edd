"""Takes are whole videos with true times, or are not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import OutputError, UsageError
from rtaction.labelled.videos import find_videos
from rtaction.teach.takes import TakesFolder, check_label
from rtaction.video.file import read_declared, read_video


def _record(takes: TakesFolder, label: str, times_seconds: list[float]) -> Path:
    take = takes.begin(label)
    for number, seconds in enumerate(times_seconds):
        take.add(np.full((48, 64, 3), 10 * number, np.uint8), seconds)
    return take.finish()


def test_a_take_plays_with_its_own_times(tmp_path: Path) -> None:
    takes = TakesFolder(tmp_path / "taught")
    times = [50.0, 50.04, 50.09, 50.2]

    path = _record(takes, "wave", times)

    frames = list(read_video(path))
    assert path == tmp_path / "taught" / "wave" / "take-001.mkv"
    assert [frame.captured_at_seconds for frame in frames] == pytest.approx([0, 0.04, 0.09, 0.2])
    assert [int(frame.image.mean().round(-1)) for frame in frames] == [0, 10, 20, 30]
    assert read_declared(path).duration_seconds > 0.1


def test_numbers_go_on_and_the_folder_is_a_training_set(tmp_path: Path) -> None:
    takes = TakesFolder(tmp_path)
    for label in ("wave", "wave", "clap"):
        _record(takes, label, [0.0, 0.1])
    (tmp_path / ".features").mkdir()
    takes.takes_of("wave")[0].unlink()
    _record(takes, "wave", [0.0, 0.1])

    assert takes.labels == ["clap", "wave"]
    assert [path.name for path in takes.takes_of("wave")] == ["take-002.mkv", "take-003.mkv"]
    assert {(v.label, v.path.name) for v in find_videos(tmp_path)} == {
        ("clap", "take-001.mkv"),
        ("wave", "take-002.mkv"),
        ("wave", "take-003.mkv"),
    }


def test_a_label_may_hold_what_a_pattern_is_made_of(tmp_path: Path) -> None:
    takes = TakesFolder(tmp_path)
    for label in ("jab[left]", "jab[left]", "[!a]", "[!a]"):
        _record(takes, check_label(label), [0.0, 0.1])

    assert takes.labels == ["[!a]", "jab[left]"]
    for label in takes.labels:
        assert [p.name for p in takes.takes_of(label)] == ["take-001.mkv", "take-002.mkv"]


def test_a_take_never_replaces_another(tmp_path: Path) -> None:
    takes = TakesFolder(tmp_path)
    take = takes.begin("wave")
    take.add(np.zeros((48, 64, 3), np.uint8), 0.0)
    (tmp_path / "wave" / "take-001.mkv").write_bytes(b"of another session")
    with pytest.raises(OutputError, match="take-001"):
        take.finish()
    assert (tmp_path / "wave" / "take-001.mkv").read_bytes() == b"of another session"


def test_a_label_too_long_for_a_folder_is_told(tmp_path: Path) -> None:
    assert TakesFolder(tmp_path).takes_of("a" * 300) == []
    with pytest.raises(OutputError, match="takes cannot be saved"):
        TakesFolder(tmp_path).begin("a" * 300)


def test_a_dropped_take_leaves_nothing(tmp_path: Path) -> None:
    takes = TakesFolder(tmp_path)
    take = takes.begin("wave")
    take.add(np.zeros((48, 64, 3), np.uint8), 0.0)
    take.drop()
    assert list((tmp_path / "wave").iterdir()) == []


def test_a_killed_session_leaves_whole_takes_only(tmp_path: Path) -> None:
    script = (
        "import os, sys; import numpy as np; from pathlib import Path\n"
        "from rtaction.teach.takes import TakesFolder\n"
        "takes = TakesFolder(Path(sys.argv[1])); image = np.zeros((48, 64, 3), np.uint8)\n"
        "for number in range(2):\n"
        "    take = takes.begin('wave')\n"
        "    take.add(image, 0.0); take.add(image, 0.1)\n"
        "    if number == 1: os._exit(9)\n"
        "    take.finish()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    takes = TakesFolder(tmp_path)

    assert [path.name for path in takes.takes_of("wave")] == ["take-001.mkv"]
    assert len(list((tmp_path / "wave").iterdir())) == 2  # and what was cut off
    _record(takes, "wave", [0.0, 0.1])
    assert sorted(p.name for p in (tmp_path / "wave").iterdir()) == ["take-001.mkv", "take-002.mkv"]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="takes cannot be saved"):
        TakesFolder(tmp_path / "file").begin("wave")


@pytest.mark.parametrize("label", ["", " wave", ".hidden", "a/b", "..", "a\nb", "{classname}"])
def test_labels_that_are_no_folder(label: str) -> None:
    with pytest.raises(UsageError, match="name of a folder"):
        check_label(label)


def test_labels_in_any_script() -> None:
    assert check_label("aplaudir ñ") == "aplaudir ñ"


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from rtaction.errors import OutputError
from rtaction.teach.takes import Take
images = np.random.default_rng(0).integers(0, 256, (60, 64, 96, 3), np.uint8)
folder = Path(sys.argv[1])
first = Take(folder, "take-001")
first.add(images[0], 0.0)
first.add(images[1], 0.1)
first.finish()
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
second = Take(folder, "take-002")
try:
    for number, image in enumerate(images):
        second.add(image, number / 10)
except OutputError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit on file sizes to run into")
def test_a_full_disk_keeps_the_takes_before(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"a take cannot be written: {tmp_path}/.take-002.mkv: File too large; the takes before it "
        "are kept\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["take-001.mkv"]
