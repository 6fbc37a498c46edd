"""Which devices a training computes on, and what they are fast at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from rtaction.keras_tensorflow import keras, tensorflow
from rtaction.train.choices import Devices, Precision, PrecisionName

# Tensor cores, which make float16 worth its trouble, came with 7.0.
_TENSOR_CORES = (7, 0)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What was chosen.

    Args:
        devices: TensorFlow's names of the devices, at least one.
        product: what a person calls them, such as "NVIDIA A100" or "CPU".
        precision: "float32" or "mixed_float16".
        strategy: how several devices share each batch; None where there is one.
    """

    devices: tuple[str, ...]
    product: str
    precision: PrecisionName
    strategy: Any = None

    def scope(self) -> AbstractContextManager[Any]:
        """Networks that are built or loaded inside are trained on these devices."""
        return self.strategy.scope() if self.strategy else nullcontext()

    def share(self, network: Any) -> None:
        """Let the devices have one mean and variance of each batch, as one device would.

        Keras would give each device those of its own share, validate each with its own, and save
        the first's. To be called before the network is trained, on one that was built or loaded in
        `scope`.
        """
        for layer in _all_layers(network):
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.synchronized = self.strategy is not None

    def describe(self, batch_size: int) -> str:
        """A line for a person."""
        if self.strategy is None:
            return f"training on {self.product}, in {self.precision}"
        return (
            f"training on {len(self.devices)} devices ({self.product}), which share each batch of "
            f"{batch_size} clips, in {self.precision}"
        )


def choose_hardware(
    precision: Precision, devices: Devices, *, batch_sizes: Sequence[int]
) -> Hardware:
    """See what there is and choose.

    Args:
        precision: "auto" is "mixed_float16" where every GPU in use has tensor cores (compute
            capability 7.0 or more), and "float32" elsewhere.
        devices: "auto" takes all GPUs that TensorFlow sees, as far as batches go round; "one" takes
            the first. Without a GPU it is the CPU.
        batch_sizes: clips in the batches, those of the validation included.
    """
    config = tensorflow.config
    gpus = config.list_logical_devices("GPU")
    # TensorFlow may be told to divide one CPU into several; they are several devices like others.
    found = gpus or config.list_logical_devices("CPU")
    count = 1 if devices == "one" else _devices_that_fill(batch_sizes, len(found))
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
    return Hardware(chosen, product, precision, strategy)


def _all_layers(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside it, whether it is a network or a wrapper of one."""
    yield layer
    for inner in (*getattr(layer, "layers", ()), getattr(layer, "layer", None)):
        if inner is not None:
            yield from _all_layers(inner)


def _devices_that_fill(batch_sizes: Sequence[int], num_devices: int) -> int:
    """The most devices of which none is ever left without a clip.

    TensorFlow gives each device the same number of a batch's clips, rounded up, until there are
    none: of 5 clips, 4 devices get 2, 2, 1 and 0. A loss over 0 clips is no number.
    """
    for count in range(num_devices, 1, -1):
        if all(-(-size // count) * (count - 1) < size for size in batch_sizes):
            return count
    return 1
