"""Makes the bundled model and clip: renders people, trains on them, exports.

    python models/make_starter.py --work /tmp/starter

It goes the way of any user: rendered clips become folders of videos, `rtaction train` reads them,
and `rtaction export` proves the result. Seeds are fixed, so a second run gives the same videos.
"""

from __future__ import annotations

import argparse
import shutil
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import av

from rtaction.clip import Clip
from rtaction.opencv import cv2
from rtaction.train.render import RENDERED_LABELS, render_clip, render_sequence
from rtaction.video import VideoWriter

HERE = Path(__file__).parent
FRAMES_PER_SECOND = 15.0
BACKGROUND = "nothing"
SAMPLE_SEED = 1_000_010  # no training clip has a seed this high
SAMPLE_ACTIONS = (
    ("nothing", 3.0),
    ("wave", 4.0),
    ("arms_side", 4.0),
    ("clap", 4.0),
    ("arms_raise", 4.0),
    ("nothing", 3.0),
)


def main() -> None:
    """Render, train, export."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for videos and training")
    parser.add_argument("--clips", type=int, default=3000, help="clips of each label")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    render_videos(arguments.work / "videos", arguments.clips)
    write_sample(HERE / "sample.webm")
    make_model(arguments.work, arguments.epochs, arguments.seed)


def render_videos(folder: Path, clips_per_label: int) -> None:
    """Write `folder/<label>/<seed>.avi`; those that are there already are kept."""
    jobs = [
        (label, number * len(RENDERED_LABELS) + label_number)
        for label_number, label in enumerate(RENDERED_LABELS)
        for number in range(clips_per_label)
    ]
    with ProcessPoolExecutor(initializer=partial(cv2.setNumThreads, 1)) as pool:
        for done, _ in enumerate(pool.map(partial(_render_one, folder), jobs, chunksize=16), 1):
            if done % 500 == 0:
                print(f"rendered {done} of {len(jobs)} clips", flush=True)


def write_sample(path: Path) -> None:
    """Write the clip of the demo: one person, all actions."""
    clip, _ = render_sequence(
        SAMPLE_ACTIONS, seed=SAMPLE_SEED, frames_per_second=FRAMES_PER_SECOND, size_hw=(240, 320)
    )
    # OpenCV's encoder takes no quality, and would make twenty times as much of it.
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=round(FRAMES_PER_SECOND))
        stream.height, stream.width = clip.images.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "38", "b": "0"}
        for image in clip.images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def make_model(work: Path, epochs: int, seed: int) -> None:
    """Train on the rendered videos and write `starter.onnx` beside this script."""
    # Rendering above needs no TensorFlow, so it is loaded only now.
    from rtaction.export.exporter import export_model
    from rtaction.train.config import TrainConfig
    from rtaction.train.fit import train

    run = work / "run"
    shutil.rmtree(run, ignore_errors=True)
    config = TrainConfig(
        videos=str(work / "videos"),
        network="motion",
        frames_per_clip=12,
        clip_seconds=2.2,
        stride_seconds=0.3,
        height=64,
        width=64,
        modality="gray",
        background_label=BACKGROUND,
        validation_fraction=0.1,
        test_fraction=0.1,
        epochs=epochs,
        batch_size=32,
        dropout=0.3,
        patience=5,
        seed=seed,
    )
    result = train(config, run)
    exported = export_model(result.model, HERE / "starter.onnx")
    print(exported)


def _render_one(folder: Path, job: tuple[str, int]) -> None:
    label, seed = job
    path = folder / label / f"{seed:06d}.avi"
    if not path.exists():
        partial_path = path.with_name(f".partial-{path.name}")
        _write(render_clip(label, seed=seed, frames_per_second=FRAMES_PER_SECOND), partial_path)
        partial_path.rename(path)


def _write(clip: Clip, path: Path) -> None:
    writer = VideoWriter(path, frames_per_second=FRAMES_PER_SECOND)
    for image, seconds in zip(clip.images, clip.times_seconds, strict=True):
        writer.write(image, float(seconds))
    writer.close()


if __name__ == "__main__":
    main()
