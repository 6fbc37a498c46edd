"""Make the moving picture of the README: `rtaction cam` in front of a drawn person.

    python -m tools.make_moving_picture

A camera of this machine (Motion JPEG over HTTP, on loopback) shows the drawn person at its own
pace, and `rtaction cam` watches it as it would any other, so that the frame rate and the latency
in the picture are those of a live run on the machine that made it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from rtaction.arrays import UInt8Array
from rtaction.opencv import cv2
from rtaction.train.render.clip import render_sequence

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "live.webp"
MAX_BYTES = 2_000_000
# No training has seen this person, whose actions the bundled model names; it does not do so for
# every drawn person.
SEED = 999_000_016
ACTS = (("nothing", 1.5), ("wave", 3.5), ("arms_raise", 4.5), ("clap", 3.5), ("nothing", 0.8))
SIZE_HW = (480, 640)
FRAMES_PER_SECOND = 12
# Before the first window is full, and when the camera has shown all.
BEGIN_SECONDS, END_SECONDS = 1.2, 0.8


@contextmanager
def camera(images: UInt8Array) -> Iterator[str]:
    """The address of a camera that shows these images once, in real time.

    Args:
        images: uint8 RGB, shape (num_images, height, width, 3).
    """
    parts = [_part(image) for image in images]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
            self.end_headers()
            began = time.monotonic()
            for number, part in enumerate(parts):
                time.sleep(max(0.0, began + number / FRAMES_PER_SECOND - time.monotonic()))
                self.wfile.write(part)

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/drawn-person"
        server.shutdown()


def _part(image: UInt8Array) -> bytes:
    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
    return head.encode() + jpeg + b"\r\n"


def watched(address: str, folder: Path) -> list[UInt8Array]:
    """What `rtaction cam` draws: uint8 RGB images of shape (height, width, 3)."""
    video = folder / "annotated.avi"
    command = [sys.executable, "-m", "rtaction", "cam", address, "--headless", "--show-pose"]
    lines = folder / "said.jsonl"
    more = ["--no-reconnect", "--save", str(video), "--output", str(lines)]
    ended = subprocess.run([*command, *more], check=False)
    if ended.returncode not in (0, 8):  # 8: the camera has shown all, and is gone
        raise SystemExit(f"rtaction cam ended with {ended.returncode}")
    said = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    named = [one["label"] for one in said if one["type"] == "event" and one["phase"] == "start"]
    states = {one["state"] for one in said if one["type"] == "state"}
    if named != [label for label, _ in ACTS if label != "nothing"] or "degraded" in states:
        raise SystemExit(f"it named {named}, was {states}; try again on an idle machine")
    images: list[UInt8Array] = []
    saved = cv2.VideoCapture(str(video))
    step = round(saved.get(cv2.CAP_PROP_FPS) / FRAMES_PER_SECOND)
    while saved.grab():
        images.append(np.asarray(saved.retrieve()[1][..., ::-1], np.uint8))
    return images[::step]


def write(images: list[UInt8Array], path: Path, *, size_wh: tuple[int, int], quality: int) -> None:
    """Write a WebP that repeats for ever.

    Raises:
        SystemExit: it would be larger than `MAX_BYTES`.
    """
    pictures = [Image.fromarray(np.ascontiguousarray(one)).resize(size_wh) for one in images]
    path.parent.mkdir(exist_ok=True)
    first, *rest = pictures
    milliseconds = round(1000 / FRAMES_PER_SECOND)
    first.save(
        path, save_all=True, append_images=rest, duration=milliseconds, loop=0,
        quality=quality, method=4,
    )  # fmt: skip
    if path.stat().st_size > MAX_BYTES:
        raise SystemExit(f"{path} has {path.stat().st_size} bytes, more than {MAX_BYTES}")


def main() -> None:
    """Overwrite the picture."""
    parser = argparse.ArgumentParser(description="Make the moving picture of the README.")
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    clip, _ = render_sequence(
        ACTS, seed=asked.seed, frames_per_second=FRAMES_PER_SECOND, size_hw=SIZE_HW
    )
    with TemporaryDirectory() as folder, camera(clip.images) as address:
        images = watched(address, Path(folder))
    begin, end = (round(one * FRAMES_PER_SECOND) for one in (BEGIN_SECONDS, END_SECONDS))
    images = images[begin:-end]
    write(images, asked.output, size_wh=(560, 420), quality=70)
    print(f"{asked.output}: {len(images)} pictures, {asked.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
