"""The devices of a training, and its precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.choices import Devices, Precision, PrecisionName
from rtaction.train.settings.team import Team

# Tensor cores, which make float16 worthwhile, came with compute capability 7.0.
_TENSOR_CORES = (7, 0)
_NO_GRAPPLER = "disable_meta_optimizer"
_ALONE = Team()


@dataclass(frozen=True, slots=True)
class Hardware:
    """The chosen devices and precision.

    Args:
        devices: TensorFlow's names of the devices, at least one.
        product: their display name, such as "NVIDIA A100" or "CPU".
        precision: "float32" or "mixed_float16".
        strategy: how several devices share each batch; None for a single device.
        team: the processes that share each batch, with a device each. Default: this one alone.
    """

    devices: tuple[str, ...]
    product: str
    precision: PrecisionName
    strategy: Any = None
    team: Team = _ALONE

    def scope(self) -> AbstractContextManager[Any]:
        """Networks built or loaded inside are trained on these devices."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def share(self, network: Any) -> None:
        """Make the devices share the mean and variance of each batch, as on a single device.

        By default, Keras would give each device those of its own part, validate each with its own,
        and save the first's. Call it before training, on a network that was built or loaded in
        `scope`.
        """
        for layer in _all_layers(network):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = self.strategy is not None or self.team.count > 1

    @contextmanager
    def starting_soon(self) -> Iterator[None]:
        """Leave the graphs of training as they are, if they run on the CPU.

        There, TensorFlow's Grappler works for seconds on a step before the first one, and the step
        is no faster for it; see `benchmarks/first_step.py`. GPUs need the layouts that it picks.
        """
        optimizer = tensorflow.config.optimizer
        before = optimizer.get_experimental_options().get(_NO_GRAPPLER, False)
        is_cpu = not any("GPU" in device for device in self.devices)
        optimizer.set_experimental_options({_NO_GRAPPLER: is_cpu or before})
        try:
            yield
        finally:
            optimizer.set_experimental_options({_NO_GRAPPLER: before})

    def describe(self, batch_size: int) -> str:
        """A line for a person."""
        if self.team.count > 1:
            return (
                f"training by {self.team.count} workers ({self.product}), which share each batch "
                f"of {batch_size} clips, in {self.precision}"
            )
        if self.strategy is None:
            return f"training on {self.product}, in {self.precision}"
        return (
            f"training on {len(self.devices)} devices ({self.product}), which share each batch of "
            f"{batch_size} clips, in {self.precision}"
        )


def choose_hardware(
    precision: Precision, devices: Devices, *, batch_sizes: Sequence[int], team: Team = _ALONE
) -> Hardware:
    """Choose the devices and the precision.

    Args:
        precision: "auto" is "mixed_float16" if every GPU in use has tensor cores (compute
            capability 7.0 or more), otherwise "float32".
        devices: "auto" uses all GPUs that TensorFlow sees, but not more than every batch can fill;
            "one" uses the first. Without a GPU it is the CPU.
        batch_sizes: numbers of clips in the batches, including those of the validation.
        team: the processes that share each batch; in one of several, the first device is used.
            Default: this one alone.

    Raises:
        UsageError: a worker of the team would be without a clip.
    """
    team.require_shares(batch_sizes)
    config = tensorflow.config
    gpus = config.list_logical_devices("GPU")
    # TensorFlow can be configured to split a CPU into several devices.
    found = gpus or config.list_logical_devices("CPU")
    count = 1 if devices == "one" or team.count > 1 else _devices_that_fill(batch_sizes, len(found))
    chosen = tuple(device.name for device in found[:count])
    details = [
        config.experimental.get_device_details(gpu)
        for gpu in config.get_visible_devices("GPU")[:count]
    ]
    if precision == "auto":
        fast = [one.get("compute_capability", (0, 0)) >= _TENSOR_CORES for one in details]
        precision = "mixed_float16" if fast and all(fast) else "float32"
    strategy = tensorflow.distribute.MirroredStrategy(chosen) if count > 1 else None
    product = str(details[0].get("device_name", "GPU")) if details else "CPU"
    return Hardware(chosen, product, precision, strategy, team)


def _all_layers(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside it, whether it is a network or a wrapper of one."""
    yield layer
    for inner in (*getattr(layer, "layers", ()), getattr(layer, "layer", None)):
        if inner is not None:
            yield from _all_layers(inner)


def _devices_that_fill(batch_sizes: Sequence[int], num_devices: int) -> int:
    """The largest number of devices of which none is ever left without a clip.

    TensorFlow gives each device the same number of a batch's clips, rounded up, until none are
    left: of 5 clips, 4 devices get 2, 2, 1 and 0. A loss over 0 clips is not a number.
    """
    for count in range(num_devices, 1, -1):
        if all(-(-size // count) * (count - 1) < size for size in batch_sizes):
            return count
    return 1
