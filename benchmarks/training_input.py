"""The benchmarks of the training input, in one run.

    python -m benchmarks.training_input

1. Memory used to read 100 and 1,000 videos, and time to the first batch in a second run.
2. Windows per second from the cache, and from disk if nothing is decoded yet, compared with plain
   OpenCV doing the same work, one video after the other. All variants must give the same frames,
   otherwise the run aborts.

It takes some minutes, and 4 GB in the folder for temporary files.
"""

from __future__ import annotations

import multiprocessing
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import psutil

from rtaction.arrays import UInt8Array
from rtaction.labelled.videos import Video, find_videos
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.sampling import sliding_selections
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.video.pixels import prepare_image

SPEC = ModelSpec(
    labels=("left", "right"), frames_per_clip=5, clip_seconds=1.0, height=112, width=112
)
STRIDE_SECONDS = 0.5
FRAMES_PER_SECOND = 25
VIDEO_SECONDS = 4
SIZE_HW = (240, 320)
NUM_TIMED = 40
NUMS_FOR_MEMORY = (100, 1000)
ROUNDS = 5


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(
            f"{psutil.cpu_count()} cores; videos of {VIDEO_SECONDS} s, {FRAMES_PER_SECOND} frames "
            f"per second, {SIZE_HW[1]}x{SIZE_HW[0]}, H.264; windows of {SPEC.frames_per_clip} "
            f"frames, {SPEC.width}x{SPEC.height}\n"
        )
        print_memory(folder)
        print_speed(folder)


def write_videos(folder: Path, num_videos: int) -> Path:
    """A few videos of moving noise, copied under many names."""
    for number in range(num_videos):
        label = SPEC.labels[number % 2]
        path = folder / label / f"{number:04d}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        if number < 8:
            write_video(path, seed=number)
        else:
            shutil.copyfile(folder / label / f"{number % 8:04d}.mp4", path)
    return folder


def write_video(path: Path, *, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = SIZE_HW
    scene = cv2.resize(rng.integers(0, 256, (30, 80, 3), dtype=np.uint8), (2 * width, height))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=FRAMES_PER_SECOND)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        for number in range(VIDEO_SECONDS * FRAMES_PER_SECOND):
            image = np.ascontiguousarray(scene[:, 2 * number : 2 * number + width], dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def print_memory(folder: Path) -> None:
    print("videos    frames, GB  run     highest memory, MB  of that before  first batch, s")
    for num_videos in NUMS_FOR_MEMORY:
        videos = write_videos(folder / f"videos{num_videos}", num_videos)
        cache = folder / f"cache{num_videos}"
        for run in ("first", "second"):
            before_mb, highest_mb, first_seconds = in_new_process(train_epoch, videos, cache)
            size_gb = sum(path.stat().st_size for path in cache.iterdir()) / 1e9
            print(
                f"{num_videos:>6}  {size_gb:>12.2f}  {run:<6}  {highest_mb:>18.0f}"
                f"  {before_mb:>14.0f}  {first_seconds:>14.2f}",
                flush=True,
            )
        shutil.rmtree(videos)
        shutil.rmtree(cache)


def in_new_process(
    function: Callable[[Path, Path], tuple[float, float, float]], *arguments: Path
) -> tuple[float, float, float]:
    """Call a function in a new process, where nothing has used memory yet."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


def train_epoch(folder: Path, cache: Path) -> tuple[float, float, float]:
    """Memory in MB before and at peak, and seconds to the first batch, for a shuffled epoch."""
    process = psutil.Process()
    ended = threading.Event()
    seen_mb = [process.memory_info().rss / 1e6]

    def look() -> None:
        while not ended.wait(0.005):
            seen_mb.append(process.memory_info().rss / 1e6)

    watcher = threading.Thread(target=look)
    watcher.start()
    started_seconds = time.perf_counter()
    clips = read_clip_set(
        find_videos(folder), SPEC, stride_seconds=STRIDE_SECONDS, cache=FrameCache(cache)
    )
    dataset = ClipDataset(clips, batch_size=16)
    first_seconds = 0.0
    for number in range(len(dataset)):
        dataset[number]
        first_seconds = first_seconds or time.perf_counter() - started_seconds
    ended.set()
    watcher.join()
    return seen_mb[0], max(seen_mb), first_seconds


def print_speed(folder: Path) -> None:
    videos = find_videos(write_videos(folder / "timed", NUM_TIMED))
    caches = (folder / f"timed{number}" for number in range(2 * ROUNDS))
    filled = folder / "filled"
    clips = read_clip_set(videos, SPEC, stride_seconds=STRIDE_SECONDS, cache=FrameCache(filled))
    truth = clips.images(range(len(clips)))
    check("rtaction, from the cache", all_batches(clips), truth)
    ways: dict[str, Callable[[], UInt8Array | None]] = {
        "rtaction, from the cache": partial(train_on, clips),
        "rtaction, from disk, into a new cache": lambda: from_disk(videos, next(caches)),
        "OpenCV, reading each video once": lambda: stacked(map(read_once, videos)),
        "OpenCV, reopening for each window": lambda: stacked(map(read_for_each, videos)),
        "OpenCV, seeking each frame": lambda: stacked(map(seek_each, videos)),
    }
    print(f"\n{len(clips)} windows of {NUM_TIMED} videos, median of {ROUNDS}:")
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            started_seconds = time.perf_counter()
            images = way()
            rates[name].append(len(clips) / (time.perf_counter() - started_seconds))
            if images is not None:
                check(name, images, truth)
    for name, values in rates.items():
        print(
            f"  {name:<42} {statistics.median(values):>7.0f} windows/s "
            f"({min(values):.0f} to {max(values):.0f})"
        )


def check(name: str, images: UInt8Array, truth: UInt8Array) -> None:
    if not np.array_equal(images, truth):
        raise SystemExit(f"{name}: not the same frames")


def train_on(clips: ClipSet) -> None:
    """A shuffled epoch, of which nothing is kept, as in training."""
    dataset = ClipDataset(clips, batch_size=16)
    for number in range(len(dataset)):
        dataset[number]


def all_batches(clips: ClipSet) -> UInt8Array:
    """A shuffled epoch, put back into order."""
    dataset = ClipDataset(clips, batch_size=16)
    images = np.concatenate([dataset[number][0] for number in range(len(dataset))])
    order = np.random.default_rng([0, 0]).permutation(len(clips))
    return np.asarray(images[np.argsort(order)])


def from_disk(videos: Sequence[Video], cache: Path) -> UInt8Array:
    clips = read_clip_set(videos, SPEC, stride_seconds=STRIDE_SECONDS, cache=FrameCache(cache))
    return clips.images(range(len(clips)))


def stacked(parts: Iterator[UInt8Array]) -> UInt8Array:
    return np.concatenate(list(parts))


def windows() -> npt.NDArray[np.intp]:
    """The frames of each window: all videos have the same length and a constant rate."""
    times = np.arange(VIDEO_SECONDS * FRAMES_PER_SECOND) / FRAMES_PER_SECOND
    selections = sliding_selections(
        times,
        frames_per_clip=SPEC.frames_per_clip,
        clip_seconds=SPEC.clip_seconds,
        stride_seconds=STRIDE_SECONDS,
    )
    return np.stack([selection.indices for selection in selections])


def prepared(image_bgr: npt.NDArray[Any]) -> UInt8Array:
    return prepare_image(cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB), (SPEC.height, SPEC.width))


def read_once(video: Video) -> UInt8Array:
    """The least work: frames that no window uses are decoded, but not converted or resized."""
    indices = windows()
    chosen = set(indices.ravel().tolist())
    images = {}
    capture = cv2.VideoCapture(str(video.path))
    for number in range(max(chosen) + 1):
        capture.grab()
        if number in chosen:
            images[number] = prepared(capture.retrieve()[1])
    capture.release()
    return np.array([[images[int(number)] for number in window] for window in indices])


def read_for_each(video: Video) -> UInt8Array:
    """As the sliding generator of keras-video-generators 1.0 reads, but with the right frames."""
    rows = []
    for window in windows():
        capture = cv2.VideoCapture(str(video.path))
        images = [capture.read()[1] for _ in range(int(window[-1]) + 1)]
        capture.release()
        rows.append([prepared(images[int(number)]) for number in window])
    return np.array(rows)


def seek_each(video: Video) -> UInt8Array:
    capture = cv2.VideoCapture(str(video.path))
    rows = []
    for window in windows():
        row = []
        for number in window:
            capture.set(cv2.CAP_PROP_POS_FRAMES, int(number))
            row.append(prepared(capture.read()[1]))
        rows.append(row)
    capture.release()
    return np.array(rows, np.uint8)


if __name__ == "__main__":
    main()
