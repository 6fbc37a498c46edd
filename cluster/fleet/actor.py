"""A worker as the process that Ray runs: a watcher, its keys and its models.

Ray pickles this class by its name, so that each machine runs the rtaction that is installed there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rtaction.cluster.fleet.cost import Cost, measure_cost
from rtaction.cluster.fleet.dispatcher import DEADLINE_SECONDS, Order
from rtaction.cluster.fleet.sealing import Seal
from rtaction.cluster.fleet.watcher import Answer, Watcher, Work
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.opening import open_source
from rtaction.realtime.sources.source import Source


class WorkerActor:
    """One engine, for a GPU or for a group of cores.

    Args:
        device: see `ActionModel`.
        num_cores: the threads of a model that runs on cores.
        open_with: opens a camera. Default `open_source`.
        lease_seconds: see `Watcher`.
    """

    def __init__(
        self,
        device: str,
        num_cores: int,
        *,
        open_with: Callable[[Camera], Source] = open_source,
        lease_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self._device, self._num_cores = device, num_cores
        self._seal = Seal()
        self._models: dict[str, ActionModel] = {}
        self._watcher = Watcher(
            lambda path: self._models[path.parent.name],
            open_with=open_with,
            lease_seconds=lease_seconds,
        )

    def prepare(self, models: Sequence[tuple[str, str, Any]]) -> tuple[bytes, str]:
        """Load all models.

        Args:
            models: of each, what it is known by, its file's name and a reference to its bytes.

        Returns:
            The public key for what is sealed for this worker, and the device in use.

        Raises:
            RtactionError: a model cannot be loaded here.
        """
        import ray

        in_use = self._device
        for key, name, content in models:
            # Once loaded, the file is of no more use; and a worker may be killed at any time.
            with tempfile.TemporaryDirectory(prefix="rtaction-fleet-") as folder:
                path = Path(folder) / name
                path.write_bytes(ray.get(content))
                model = ActionModel(path, device=self._device, num_threads=self._num_cores)
            self._models[key], in_use = model, model.device_in_use
        return self._seal.public_key, in_use

    def measure(self, key: str) -> Cost:
        """What a camera costs here with a model."""
        return measure_cost(self._models[key])

    def follow(self, order: Order, works: Mapping[str, tuple[str, bytes]], news_had: int) -> Answer:
        """Do as an order says; see `Watcher.take`.

        Args:
            order: all that is to be watched.
            works: of cameras that this worker does not know yet, the key of the model, and the
                sealed `Work`.
            news_had: number of the newest news that has been had.
        """
        opened = {camera: self._work(*work) for camera, work in works.items()}
        return self._watcher.take(order, opened, news_had=news_had)

    def _work(self, key: str, content: bytes) -> Work:
        work: Work = self._seal.opened(content)
        return replace(work, setup=replace(work.setup, model=Path(key) / work.setup.model.name))
