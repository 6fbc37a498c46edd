"""Every command and every Python block of docs/tutorial.md runs, in order, in one folder.

What is changed for the sake of time: pictures of 112x112 become 32x32, batches are smaller, the
network built by hand has fewer filters and units, those of the command have a tiny encoder,
trainings take few epochs without dropout, and HMDB51 is a stand-in from a server of this machine,
whose classes have colours. Where the page says that a command needs the internet or a camera, it
gets what a test has instead: a light network without ImageNet's weights, and a file.
"""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from typer.testing import CliRunner

from rtaction.cli.app import app
from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import OnnxFile
from rtaction.train.hmdb.hmdb51 import group_pattern
from rtaction.train.networks.encoders import ENCODERS
from rtaction.video.writer import VideoWriter
from tests.project import ROOT
from tests.train.archives import zip_of
from tests.train.tiny_encoder import tiny_encoder

PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
COLOURS = {"golf": (40, 200, 40), "kick_ball": (220, 60, 40), "dribble": (40, 60, 220)}
FASTER = ["--epochs", "6", "--batch-size", "4", "--dropout", "0"]

SMALLER = {
    "SIZE = 5, (112, 112)": "SIZE = 5, (32, 32)",
    "epochs=50": "epochs=8",
    "batch_size=8": "batch_size=4",
    "(64, 128, 256, 512)": "(16,)",
    "(1024, 512, 128)": "(64,)",
    "layers.Dropout(0.5)": "layers.Dropout(0.0)",
    "--height 112 --width 112": "--height 32 --width 32",
}
INSTEAD = {
    "needs the internet": (
        "--network mobilenet --pretrained",
        "--network light --no-pretrained --height 32 --width 32 --epochs 1",
    ),
    "needs a camera": ("--model", "--headless --source videos/golf --model"),
}


class Block(NamedTuple):
    """One fenced block of the page."""

    language: str
    text: str


def blocks() -> Iterator[Block]:
    for need, language, text in re.findall(
        r"(?:<!-- (.*?) -->\n)?```(sh|python)\n(.*?)```", PAGE, re.DOTALL
    ):
        if need:
            before, after = INSTEAD[need]
            assert before in text
            text = text.replace(before, after)
        for before, after in SMALLER.items():
            text = text.replace(before, after)
        yield Block(language, text)


def write_clip(path: Path, name: str, film: int) -> bytes:
    """A second of a square that moves over the colour of its class."""
    writer = VideoWriter(path, frames_per_second=10)
    for number in range(12):
        image = np.full((48, 48, 3), COLOURS[name], np.uint8)
        image[4 + number : 16 + number, 4 + film : 16 + film] = 250 - 30 * film
        writer.write(image, number / 10)
    writer.close()
    return path.read_bytes()


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """Address of an archive like HMDB51's, of ten clips a class, from five films."""
    served, outer = tmp_path / "served", {}
    served.mkdir()
    for name in (*COLOURS, "wave"):
        inner = {}
        for take in range(10) if name in COLOURS else ():
            clip = f"Film_{take // 2}_{name}_f_cm_np1_le_goo_{take}.avi"
            inner[f"{name}/{clip}"] = write_clip(served / clip, name, take // 2)
        outer[f"{name}.zip"] = zip_of(inner)
    (served / "hmdb51.zip").write_bytes(zip_of(outer))
    handler = partial(SimpleHTTPRequestHandler, directory=str(served))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/hmdb51.zip"
        server.shutdown()
        thread.join()


def run_command(line: str) -> str:
    program, *arguments = shlex.split(line)
    assert program == "rtaction"
    if arguments[0] == "train":
        arguments = ["train", *FASTER, *arguments[1:]]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, f"{line}\n{result.output}\n{result.exception!r}"
    return result.output


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path, mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    tensorflow.config.run_functions_eagerly(False)  # as whoever follows the page runs it
    monkeypatch.setenv("RTACTION_HMDB51", mirror)
    for name in ("convnet", "light"):
        monkeypatch.setitem(ENCODERS, name, tiny_encoder)
    keras.utils.set_random_seed(1)
    names: dict[str, Any] = {"__name__": "tutorial"}
    said = []
    for block in blocks():
        if block.language == "python":
            exec(compile(block.text, "docs/tutorial.md", "exec"), names)
        else:
            said += [run_command(line) for line in block.text.strip().splitlines()]

    assert sorted(p.name for p in (work / "videos").iterdir() if p.name[0] != ".") == sorted(
        COLOURS
    )
    assert names["clips"].shape == (4, 5, 32, 32, 3)
    films = [
        {clip.path.name[:6] for clip in side.clips.videos}
        for side in (names["train"], names["validation"])
    ]
    assert films[0].isdisjoint(films[1])
    for onnx in ("model.onnx", "mine.onnx", "old.onnx"):
        spec = OnnxFile.load(work / onnx).spec
        assert spec.labels == ("dribble", "golf", "kick_ball")
        assert spec.frames_per_clip == 5
    assert ModelSpec.load(work / "mine" / "old_spec.json").clip_seconds == pytest.approx(0.8)
    assert '"label"' in (work / "predictions.jsonl").read_text(encoding="utf-8")
    assert '"label"' in said[-2]
    # MobileNet is built by hand as well, without its weights.
    network = names["action_network"](names["mobilenet"](weights=None), 3, scaling=[])
    learning = [one.name for one in network.layers[1].layer.layers[0].layers if one.trainable]
    assert len(learning) == 9


def test_the_page_gives_the_expression_that_the_command_prints() -> None:
    pattern = group_pattern(["golf", "kick_ball", "dribble"])
    assert PAGE.count(pattern) == 5


def test_every_block_is_run_and_every_change_finds_its_place() -> None:
    assert [text for text in SMALLER if text not in PAGE] == []
    assert len(list(blocks())) == PAGE.count("```sh\n") + PAGE.count("```python\n") == 15
