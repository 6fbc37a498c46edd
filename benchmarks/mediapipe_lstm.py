"""`rtaction teach` beside the loop that makers write today: MediaPipe Pose and an LSTM.

    python3.11 -m venv /tmp/mp
    /tmp/mp/bin/pip install mediapipe==0.10.14 'numpy<2' 'opencv-contrib-python<5'
    python -m benchmarks.mediapipe_lstm --mediapipe /tmp/mp/bin/python

Both learn the same clips of yoga, at most ten of each pose, and name those of other people. The
loop is the usual one: 33 landmarks of each picture with their visibility, windows of 30 pictures,
three LSTM layers of 64, 128 and 64 units and two dense ones, a label for each picture. The clips
are not part of the project.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import rtaction
from rtaction.arrays import Float32Array
from rtaction.keras_tensorflow import keras
from rtaction.realtime.model.action_model import ActionModel

CLIPS = Path(__file__).parents[2] / "shared" / "data" / "yoga"
MOST_TAKES, WINDOW, STRIDE, EPOCHS = 10, 30, 10, 60
# Who is kept out, by the session in the file's name; every pose has somebody else.
DRAWS = (("s05", "s08", "s10"), ("s03", "s07", "s11"), ("s02", "s06", "s09"))


@dataclass
class Tried:
    """What one of the two made of the clips that were kept out."""

    num_right: int = 0
    num_clips: int = 0
    picture_ms: list[float] = field(default_factory=list)
    label_ms: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    video_seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mediapipe", type=Path, required=True, help="a Python that has it")
    parser.add_argument("--clips", type=Path, default=CLIPS)
    arguments = parser.parse_args()
    if not arguments.clips.is_dir():
        raise SystemExit(f"skipped: no folder {arguments.clips}")
    clips = sorted(arguments.clips.glob("*/*.mp4"))
    loop, ours = Tried(), Tried()
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        poses = {clip: mediapipe_of(arguments.mediapipe, clip, work) for clip in clips}
        for people in DRAWS:
            kept_out = [clip for clip in clips if clip.name[:3] in people]
            taught = chosen([clip for clip in clips if clip not in kept_out])
            try_loop(loop, poses, taught, kept_out)
            try_ours(ours, work / people[0], taught, kept_out)
    print(f"{'':22}{'right':>8}{'ms a picture':>14}{'ms a label':>12}{'cores':>8}")
    for title, one in (("MediaPipe and LSTM", loop), ("rtaction teach", ours)):
        # Ours is measured from picture to label only.
        picture = f"{np.median(one.picture_ms):.1f}" if one.picture_ms else "n/a"
        print(
            f"{title:22}{one.num_right:>4}/{one.num_clips}{picture:>14}"
            f"{np.median(one.label_ms):>12.1f}{one.cpu_seconds / one.video_seconds:>8.2f}"
        )


def chosen(clips: Sequence[Path]) -> list[Path]:
    """At most ten clips of each label, from as many people as there are."""
    by_label: dict[str, list[Path]] = {}
    for clip in clips:
        by_label.setdefault(clip.parent.name, []).append(clip)
    return [clip for takes in by_label.values() for clip in takes[:MOST_TAKES]]


def mediapipe_of(python: Path, clip: Path, work: Path) -> Mapping[str, Float32Array]:
    """Landmarks of a clip, and what they cost."""
    output = work / f"{clip.parent.name}_{clip.stem}.npz"
    script = Path(__file__).with_name("mediapipe_poses.py")
    subprocess.run([python, script, clip, output], check=True, capture_output=True)
    with np.load(output) as found:
        return dict(found)


def try_loop(
    tried: Tried,
    poses: Mapping[Path, Mapping[str, Float32Array]],
    taught: Sequence[Path],
    kept_out: Sequence[Path],
) -> None:
    labels = sorted({clip.parent.name for clip in taught})
    windows = [windows_of(poses[clip]["landmarks"]) for clip in taught]
    numbers = [labels.index(clip.parent.name) for clip in taught]
    targets = np.repeat(numbers, [len(one) for one in windows])
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((WINDOW, windows[0].shape[-1])),
            keras.layers.LSTM(64, return_sequences=True),
            keras.layers.LSTM(128, return_sequences=True),
            keras.layers.LSTM(64),
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(len(labels), activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(np.concatenate(windows), targets, epochs=EPOCHS, verbose=0)
    for clip in kept_out:
        found = poses[clip]
        of_clip = windows_of(found["landmarks"])
        scores = model.predict(of_clip, verbose=0).mean(axis=0)
        tried.num_right += labels[int(scores.argmax())] == clip.parent.name
        tried.num_clips += 1
        lstm_wall, lstm_cpu = cost_of_a_label(model, of_clip[:1])
        wall = 1e3 * found["wall_seconds"]
        tried.picture_ms += wall.tolist()
        tried.label_ms += (wall + 1e3 * lstm_wall).tolist()
        tried.cpu_seconds += float(found["cpu_seconds"].sum()) + lstm_cpu * len(wall)
        tried.video_seconds += len(wall) / float(found["frames_per_second"])


def windows_of(landmarks: Float32Array) -> Float32Array:
    """Windows of 30 pictures, every tenth of a second or so; a short clip is repeated."""
    while len(landmarks) < WINDOW:
        landmarks = np.concatenate([landmarks, landmarks[-1:]])
    starts = range(0, len(landmarks) - WINDOW + 1, STRIDE)
    return np.stack([landmarks[start : start + WINDOW] for start in starts])


def cost_of_a_label(model: keras.Model, window: Float32Array) -> tuple[float, float]:
    """Seconds by the clock and of the processor for one window, as the loop calls it."""
    runs = []
    for _ in range(5):
        started = time.perf_counter(), time.process_time()
        model(window, training=False)
        runs.append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, cpu = np.median(runs, axis=0)
    return float(wall), float(cpu)


def try_ours(tried: Tried, work: Path, taught: Sequence[Path], kept_out: Sequence[Path]) -> None:
    takes, folder = work / "takes", work / "taught"
    for clip in taught:
        link = takes / clip.parent.name / clip.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(clip)
    command = [sys.executable, "-m", "rtaction", "teach", "--from", takes, "-o", folder]
    subprocess.run([str(one) for one in command], check=True, capture_output=True)
    model = ActionModel(folder / "model.onnx", device="cpu", num_threads=1)
    for clip in kept_out:
        started = time.process_time()
        predictions = list(rtaction.watch(clip, model))
        tried.cpu_seconds += time.process_time() - started
        tried.video_seconds += predictions[-1].end_seconds
        scores = np.mean([one.scores for one in predictions], axis=0)
        tried.num_right += model.spec.labels[int(scores.argmax())] == clip.parent.name
        tried.num_clips += 1
        tried.label_ms += [1e3 * one.latency_seconds for one in predictions]


if __name__ == "__main__":
    main()
