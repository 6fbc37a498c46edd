"""The commands as a person runs them: from videos, and in a window before a camera."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from rtaction.errors import DatasetError
from rtaction.installation import program
from rtaction.teach import teaching
from rtaction.video.labelled_videos import Video
from tests.conftest import Here
from tests.displays import needs_x
from tests.realtime.conftest import (
    WAIT_SECONDS,
    assert_one_error,
    command,
    environment,
    rtaction,
)
from tests.teach.staging import write_session

on_x = needs_x("xdotool", "import")
TRAINING = ("tensorflow", "keras", "tf2onnx", "matplotlib", "rich")


def test_from_videos_by_the_light_installation(drawn_takes: Path, tmp_path: Path) -> None:
    """Without one package of the training stack; its model can be evaluated and inspected."""
    hidden = "".join(f"sys.modules[{name!r}] = None\n" for name in TRAINING)
    script = f"import sys\n{hidden}from rtaction.cli.app import main\nmain()"
    arguments = ["teach", "--from", str(drawn_takes), "-o", str(tmp_path / "out")]
    run = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "trained on 15 takes: clap 5, nothing 5, wave 5" in run.stdout
    assert "accuracy on 15 takes: " in run.stdout
    assert run.stdout.splitlines()[-1].startswith(f"see it live: {program()} cam --model")
    model = tmp_path / "out" / "model.onnx"
    evaluated = rtaction("eval", model, drawn_takes)
    assert evaluated.returncode == 0, evaluated.stderr
    inspected = rtaction("inspect", model)
    assert "nothing" in inspected.stdout
    assert not list((tmp_path / "out").glob(".model*"))


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["teach"], 2, "no actions given"),
        (["teach", "a/b"], 2, "name of a folder"),
        (["teach", "wave", "wave"], 2, "labels must differ"),
        (["teach", "wave", "--group", "x"], 2, "--group requires --from"),
        (["teach", "--from", "none"], 2, "neither a folder nor a pattern"),
        (["teach", "wave"], 10, "rtaction teach --from videos/"),
        (["record", "wave"], 10, "rtaction teach --from videos/"),
    ],
)
def test_mistakes_end_in_one_line(
    arguments: list[str], exit_code: int, message: str, tmp_path: Path, here: Here
) -> None:
    found, _, stderr = here(*arguments, "-o", tmp_path / "out")
    assert message in assert_one_error(found, stderr, exit_code)
    assert not (tmp_path / "out").exists()


def test_takes_are_not_mixed_with_other_videos(
    drawn_takes: Path, tmp_path: Path, here: Here
) -> None:
    (tmp_path / "wave").mkdir()
    shutil.copy(next((drawn_takes / "wave").iterdir()), tmp_path / "wave")
    found, _, stderr = here("teach", "--from", drawn_takes, "-o", tmp_path)
    assert "already contains takes" in assert_one_error(found, stderr, 2)


def test_corrections_are_takes_like_others(
    drawn_takes: Path, other_takes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corrections = tmp_path / "corrections"
    for label, came_from in (("wave", "wave"), ("unlabelled", "clap"), ("other", "nothing")):
        (corrections / label).mkdir(parents=True)
        shutil.copy(next((other_takes / came_from).iterdir()), corrections / label)
    learned: list[Counter[str]] = []

    def only_count(videos: Sequence[Video], *_: object, **__: object) -> None:
        learned.append(Counter(video.label for video in videos))
        raise DatasetError("counted")

    monkeypatch.setattr(teaching, "learn", only_count)
    said: list[str] = []
    for labels in (None, ["wave", "clap"]):
        with pytest.raises(DatasetError, match="counted"):
            teaching.teach_from(
                *(drawn_takes, tmp_path / "out"),
                labels=labels,
                corrections=corrections,
                say=said.append,
            )
    assert learned == [{"clap": 5, "nothing": 5, "other": 1, "wave": 6}, {"clap": 5, "wave": 6}]
    assert said == ["corrections: other 1, wave 1; new labels: other", "corrections: wave 1"]


@pytest.mark.parametrize("command", [["teach", "--from", "videos"], ["teach", "wave"]])
def test_no_corrections(command: list[str], drawn_takes: Path, tmp_path: Path, here: Here) -> None:
    (tmp_path / "corrections" / "unlabelled").mkdir(parents=True)
    place = ["--corrections", tmp_path / "corrections", "-o", tmp_path / "out"]
    given = [drawn_takes if word == "videos" else word for word in command]
    code, _, errors = here(*given, *place)
    assert "no clip has a label yet" in assert_one_error(code, errors, 12)
    assert not (tmp_path / "out").exists()


def _press(display: str, key: str) -> None:
    """Give a key to the window, once it is there."""
    for arguments in (
        ["search", "--sync", "--onlyvisible", "--name", "rtaction", "windowfocus", "--sync"],
        ["key", key],
    ):
        subprocess.run(
            ["xdotool", *arguments],
            env=environment(DISPLAY=display),
            timeout=WAIT_SECONDS,
            check=True,
            capture_output=True,
        )


@on_x
@pytest.mark.slow
def test_before_a_camera(display: str, tmp_path: Path) -> None:
    """A drawn person does what the guide asks for; then the same window names what it sees."""
    labels, num_takes, seconds, seed = ("wave", "nothing"), 2, 1.5, 5
    video = write_session(
        tmp_path / "camera.mp4", labels, num_takes, take_seconds=seconds, seed=seed
    )
    taught = tmp_path / "taught"
    script = (
        "import sys; from pathlib import Path\n"
        "from rtaction.teach.teaching import TeachConfig, teach\n"
        "config = TeachConfig(('wave',), sys.argv[1], Path(sys.argv[2]), "
        f"{num_takes}, {seconds}, {seed})\n"
        "summary = teach(config, lambda line: print(line, flush=True))\n"
        "print('live', summary.stats.total('num_predictions') > 0, flush=True)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script, str(video), str(taught)],
        env=environment(DISPLAY=display),
        capture_output=True,
        text=True,
        timeout=6 * WAIT_SECONDS,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "trained on 4 takes: nothing 2, wave 2" in run.stdout
    assert run.stdout.splitlines()[-1] == "live True"
    assert sorted(p.relative_to(taught).as_posix() for p in taught.rglob("take-*")) == [
        f"{label}/take-00{number}.mkv" for label in ("nothing", "wave") for number in (1, 2)
    ]


@on_x
@pytest.mark.slow
def test_keys_and_going_on_later(display: str, tmp_path: Path) -> None:
    """A take is deleted by key, and what was stopped is there for the next time."""
    video = write_session(
        tmp_path / "camera.mp4", ("wave",), 6, take_seconds=0.6, seed=1, after_seconds=20.0
    )
    taught = tmp_path / "taught"
    process = subprocess.Popen(
        command(
            *("record", "wave", "--takes", "50", "--seconds", "0.6"),
            *("-s", video, "-o", taught),
        ),
        env=environment(DISPLAY=display),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    seen: set[Path] = set()

    def takes() -> set[Path]:
        found = set(taught.glob("wave/take-*"))
        seen.update(found)
        return found

    try:
        _wait_for(lambda: bool(takes()), process)
        while not takes() < seen:  # while a take is on there is nothing to delete
            assert process.poll() is None, process.communicate()
            _press(display, "d")
        _wait_for(lambda: takes() == seen, process)  # the number is given again
        _press(display, "q")
        stdout, stderr = process.communicate(timeout=WAIT_SECONDS)
    finally:
        process.kill()
    assert process.returncode == 0, stderr
    assert stdout == f"wave: {len(takes())} takes in {taught / 'wave'}\n"


def _wait_for(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline_seconds = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_seconds
        time.sleep(0.02)
