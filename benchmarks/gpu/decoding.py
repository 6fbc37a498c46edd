"""What does it gain to decode H.264 on the GPU (NVDEC), if the pictures come to the host again?"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any

import av
import numpy as np
from av.codec.hwaccel import HWAccel, hwdevices_available
from av.video.stream import VideoStream

from benchmarks.gpu.results import Result, Row, Skipped

PART = "decoding"
SIZES_HW = ((480, 640), (720, 1280), (1080, 1920))
FRAMES_PER_SECOND, SECONDS = 25, 2


def measure_decoding(rounds: int) -> Iterator[Result]:
    """Milliseconds for each picture as RGB, decoded on one core and on the GPU."""
    with tempfile.TemporaryDirectory(prefix="rtaction-") as folder:
        for height, width in SIZES_HW:
            path = _written(Path(folder) / f"{height}.mp4", height, width)
            what = f"H.264 {width}x{height} to RGB: "
            on_core = _seconds_each(path, None, rounds)
            yield Row(PART, f"{what}one core", on_core * 1000, "ms")
            try:
                on_gpu = _seconds_each(path, _nvdec(), rounds)
            except (RuntimeError, OSError, ValueError, NotImplementedError) as error:
                reason = (str(error).splitlines() or [type(error).__name__])[0]
                yield Skipped(PART, f"{what}NVDEC", f"PyAV cannot open it: {reason}")
            else:
                yield Row(PART, f"{what}NVDEC", on_gpu * 1000, "ms", on_gpu / on_core)


def _nvdec() -> HWAccel:
    if "cuda" not in hwdevices_available():
        raise RuntimeError("this PyAV is built without CUDA")
    return HWAccel("cuda", allow_software_fallback=False)


def _seconds_each(path: Path, accelerator: HWAccel | None, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        options: dict[str, Any] = {} if accelerator is None else {"hwaccel": accelerator}
        with av.open(str(path), **options) as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            count = sum(
                1 for frame in container.decode(stream) if frame.to_ndarray(format="rgb24").any()
            )
            if accelerator is not None and not stream.codec_context.is_hwaccel:
                raise RuntimeError("the decoder fell back to the processor")
        times.append((time.perf_counter() - started) / count)
    return median(times)


def _written(path: Path, height: int, width: int) -> Path:
    random = np.random.default_rng(0)
    ground = random.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    ground = ground.repeat(8, axis=0).repeat(8, axis=1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(FRAMES_PER_SECOND))
        assert isinstance(stream, VideoStream)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.options = {"preset": "veryfast", "bf": "0"}
        for number in range(FRAMES_PER_SECOND * SECONDS):
            picture = np.roll(ground, 4 * number, axis=1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
