"""What a camera costs on a worker, measured with simulated cameras as `rtaction bench` does."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rtaction.cluster.fleet.placement import Need
from rtaction.errors import OutputError
from rtaction.output_file import whole_file
from rtaction.realtime.bench.cameras import PREDICTIONS_PER_SECOND, CamerasRow, bench_cameras
from rtaction.realtime.bench.model import bench_model
from rtaction.realtime.bench.simulated import Kind
from rtaction.realtime.model.action_model import ActionModel

WorkerKind = Literal["cpu", "gpu"]

_NUM_CAMERAS = 4
_SECONDS = 3.0
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
    """Watch a few simulated cameras of 640x480 in H.264 for some seconds, by 25 frames a second.

    Args:
        model: as it is used, with its threads and on its device.
    """
    kinds: tuple[tuple[Kind, bool], ...] = (("ready", False), ("h264", False))
    ready, decoded = bench_cameras(model, [_NUM_CAMERAS], kinds=kinds, seconds=_SECONDS)
    model_cores = _cores_per_camera(ready) * _labels_per_second(model) / PREDICTIONS_PER_SECOND
    decoding_cores = max(_cores_per_camera(decoded) - _cores_per_camera(ready), 0.0)
    gpu_share = None
    if model.device_in_use != "CPU":
        path, device = Path(model.file.where), model.device_in_use.lower()
        (row,) = bench_model(path, devices=(device,), threads=(1,), batches=(_BATCH,), peaks={1: 1})
        gpu_share = row.streaming_seconds * _labels_per_second(model)
    return Cost(decoding_cores, model_cores, gpu_share)


def _labels_per_second(model: ActionModel) -> float:
    return 1.0 / model.spec.frame_interval_seconds


def _cores_per_camera(row: CamerasRow) -> float:
    """Where the cores were too few, what would have been needed for all predictions."""
    share = min(row.predictions_per_second / PREDICTIONS_PER_SECOND, 1.0)
    return row.cores / row.num_cameras / max(share, 0.01)


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
