"""The browser example, in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import onnxruntime
import pytest

from rtaction.export.agreement.clips import make_clips
from rtaction.opencv import cv2
from tests.export.smaller_models import SPEC, conv_model
from tests.project import ROOT

EXAMPLE = ROOT / "examples" / "browser"
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
SECONDS = 90

PAGE = """<!doctype html>
<script type="module">
  let answer;
  try {
    const { load, pictureOf, scoresOf } = await import("./recognise.js");
    const model = await load("model.onnx", "model_spec.json");
    const pictures = [];
    for (let number = 0; number < model.spec.frames_per_clip; number++) {
      const image = await (await fetch(`${number}.png`)).blob();
      pictures.push(pictureOf(model, await createImageBitmap(image)));
    }
    answer = { scores: Array.from(await scoresOf(model, pictures)) };
  } catch (error) {
    answer = { error: String(error) };
  }
  await fetch("answer", { method: "POST", body: JSON.stringify(answer) });
</script>
"""


def test_scores_are_those_of_python(site: Path, answer: Queue[dict[str, Any]]) -> None:
    clip = make_clips(SPEC, num_clips=1)  # (1, F, H, W, 3)
    for number, picture in enumerate(clip[0]):
        cv2.imwrite(str(site / f"{number}.png"), picture[..., ::-1])
    (site / "model.onnx").write_bytes(conv_model())
    SPEC.save(site / "model_spec.json")
    (site / "test.html").write_text(PAGE)
    found = answer.get(timeout=SECONDS)
    assert "error" not in found, found
    session = onnxruntime.InferenceSession(conv_model(), providers=["CPUExecutionProvider"])
    truth = session.run(None, {"clip": clip})[0][0]
    assert np.ptp(truth) > 0.1
    np.testing.assert_allclose(found["scores"], truth, atol=1e-4)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The example with its runtime, as a visitor's browser is served it."""
    runtime = os.environ.get("RTACTION_ORT_WEB")
    if runtime is None or not (Path(runtime) / RUNTIME[0]).exists():
        pytest.skip("no onnxruntime-web: npm install it, RTACTION_ORT_WEB=.../onnxruntime-web/dist")
    for path in [EXAMPLE / "recognise.js", *(Path(runtime) / name for name in RUNTIME)]:
        shutil.copy(path, tmp_path)
    return tmp_path


@pytest.fixture
def answer(site: Path) -> Iterator[Queue[dict[str, Any]]]:
    """What the page says; the browser opens it when it is there."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium; apt-get install chromium")
    answers: Queue[dict[str, Any]] = Queue()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, answers, str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (site / "test.html").write_text('<meta http-equiv="refresh" content="1">')  # until it is made
    with subprocess.Popen(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={site / 'profile'}",
            f"http://127.0.0.1:{server.server_port}/test.html",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield answers
        process.terminate()
    server.shutdown()
    server.server_close()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, answers: Queue[dict[str, Any]], folder: str, *rest: object) -> None:
        self._answers = answers
        super().__init__(*rest, directory=folder)  # type: ignore[arg-type]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()
        self._answers.put(json.loads(body))

    def log_message(self, *args: object) -> None:
        """Say nothing."""
