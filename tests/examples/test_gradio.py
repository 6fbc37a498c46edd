"""The page with Gradio: started for real and asked as a browser asks, where Gradio is installed."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.project import ROOT
from tests.realtime.conftest import environment, halves
from tests.videos import write_video

ASK = """
import json, sys, time
import numpy as np
sys.path.insert(0, sys.argv[1])
from app import demo_of
from gradio_client import Client, handle_file

demo = demo_of(sys.argv[2])
_, url, _ = demo.launch(
    server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, show_error=True
)
client = Client(url, verbose=False)
scores, table = client.predict(handle_file(sys.argv[3]), api_name="/recognise_video")
told = []
try:
    client.predict(handle_file(sys.argv[4]), api_name="/recognise_video")
except Exception as error:
    told.append(str(error))
see = next(one.fn for one in demo.fns.values() if one.api_name == "recognise_frame")
picture, recognizer, live = np.full((48, 64, 3), 235, np.uint8), None, None
while not isinstance(live, dict) or "bright" not in live:  # a webcam's pictures
    live, recognizer = see(picture, recognizer)
    time.sleep(0.05)
client.close()
demo.close()
print(json.dumps([scores, table, told, live]))
"""


@pytest.mark.slow
def test_a_video_is_recognised(tmp_path: Path, tiny_model: Path) -> None:
    overlay = os.environ.get("RTACTION_GRADIO", "")
    if not overlay and importlib.util.find_spec("gradio") is None:
        pytest.skip("no Gradio: pip install gradio, or RTACTION_GRADIO=folder that has it")
    video = write_video(tmp_path / "halves.mp4", *halves(25.0, 100))
    short = write_video(tmp_path / "short.mp4", *halves(25.0, 5))
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            ASK,
            ROOT / "examples" / "gradio",
            tiny_model,
            video,
            short,
        ],
        env=environment(
            PYTHONPATH=os.pathsep.join(filter(None, [str(ROOT), overlay])),
            GRADIO_ANALYTICS_ENABLED="False",
            GRADIO_TEMP_DIR=str(tmp_path / "gradio"),
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    scores, table, told, live = json.loads(run.stdout.splitlines()[-1])
    assert {one["label"] for one in scores["confidences"]} == {"dark", "bright"}
    assert [row[0] for row in table["data"]] == ["dark", "bright"]
    assert all(row[1] < row[2] for row in table["data"])
    assert live["bright"] > 0.9 > 0.1 > live["dark"]
    assert told
    assert "shorter than a window" in told[0]
