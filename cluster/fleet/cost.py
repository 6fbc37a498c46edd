"""What a camera costs on a worker, measured with the simulated cameras of `rtaction bench`."""

from __future__ import annotations

import json
import logging
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Literal

from rtaction.cluster.fleet.placement import Need
from rtaction.errors import OutputError
from rtaction.frame import DeferredFrame
from rtaction.output_file import whole_file
from rtaction.realtime.bench.cameras import FRAMES_PER_SECOND
from rtaction.realtime.bench.model import bench_model
from rtaction.realtime.bench.simulated import (
    Kind,
    SimulatedCamera,
    SimulatedVideo,
    simulated_cameras,
)
from rtaction.realtime.bench.simulated_people import simulated_people
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.follower import Follower
from rtaction.realtime.watching.options import WatchOptions

WorkerKind = Literal["cpu", "gpu"]

_SECONDS = 4.0
_AT_ONCE = 1e6  # frames a second
_BATCH = 4
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one camera takes of a worker.

    Args:
        decoding_cores: cores that are busy with decoding.
        model_cores: cores that are busy with the model or, where a GPU runs it, beside it.
        gpu_share: share of the GPU; None where there is none.
    """

    decoding_cores: float
    model_cores: float
    gpu_share: float | None


def measure_cost(model: ActionModel) -> Cost:
    """Follow simulated cameras of 640x480, with 25 frames a second, as fast as possible.

    Processor time is counted, not time on the clock, so that it does not matter how busy the
    machine is. In front of a model of people, one person stands all the time.

    Args:
        model: as it is used, with its threads and on its device.
    """
    video = SimulatedVideo.make((480, 640), FRAMES_PER_SECOND)
    _cores(model, video, "ready")  # warms up
    ready, decoded = _cores(model, video, "ready"), _cores(model, video, "h264")
    gpu_share = None
    if model.device_in_use != "CPU":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(model.file.content)
            (row,) = bench_model(
                path,
                devices=(model.device_in_use.lower(),),
                threads=(1,),
                batches=(_BATCH,),
                peaks={1: 1},
            )
        gpu_share = row.streaming_seconds / model.spec.frame_interval_seconds
    return Cost(max(decoded - ready, 0.0), ready, gpu_share)


def _cores(model: ActionModel, video: SimulatedVideo, kind: Kind) -> float:
    """The cores that one camera keeps busy."""
    (camera,) = simulated_cameras(1)
    options = WatchOptions(keep_frames=False)
    if model.spec.follows_people:
        options = replace(options, networks=simulated_people(model.pose_networks))
    follower = Follower(model, camera.name, options, is_live=True)
    source = SimulatedCamera(camera, video, kind, frames_per_second=_AT_ONCE)
    began_seconds = time.process_time()
    for frame in islice(source.frames(), round(_SECONDS * FRAMES_PER_SECOND)):
        at_seconds = frame.index / FRAMES_PER_SECOND
        image = partial(getattr, frame, "image")
        follower.see(DeferredFrame(image, at_seconds, frame.index, camera.name))
    return (time.process_time() - began_seconds) / _SECONDS


def need_of(costs: Mapping[WorkerKind, Cost]) -> Need | None:
    """What a camera needs, from what was measured on workers of each kind; None: nothing was."""
    on_cores, on_gpu = costs.get("cpu"), costs.get("gpu")
    gpu_share = None if on_gpu is None else on_gpu.gpu_share
    if on_cores is not None:
        return Need(on_cores.decoding_cores, on_cores.model_cores, gpu_share)
    if on_gpu is not None:  # nowhere else, until that was measured as well
        return Need(on_gpu.decoding_cores + on_gpu.model_cores, float("inf"), gpu_share)
    return None


class Costs:
    """The costs that were measured, kept over restarts.

    Args:
        path: the file, JSON.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._costs: dict[str, dict[WorkerKind, Cost]] = {}
        with suppress(OSError, ValueError, TypeError, AttributeError):  # it is measured again
            self._costs = {
                key: {kind: Cost(**cost) for kind, cost in of_model.items()}
                for key, of_model in json.loads(path.read_text(encoding="utf-8")).items()
            }

    def of(self, key: str) -> Mapping[WorkerKind, Cost]:
        """What was measured for a model."""
        return self._costs.get(key, {})

    def set(self, key: str, kind: WorkerKind, cost: Cost) -> None:
        """Keep what was measured."""
        self._costs.setdefault(key, {})[kind] = cost
        content = {
            key: {kind: asdict(cost) for kind, cost in of_model.items()}
            for key, of_model in self._costs.items()
        }
        try:
            with whole_file(self._path) as path:
                path.write_text(json.dumps(content, indent=2), encoding="utf-8")
        except OutputError as error:
            _log.warning("the costs of cameras are measured anew next time: %s", error)
