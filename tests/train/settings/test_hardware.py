from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rtaction.keras_tensorflow import tensorflow
from rtaction.train.choices import Precision
from rtaction.train.settings import hardware
from rtaction.train.settings.hardware import Hardware, choose_hardware
from tests.train.small_training import write_squares


def test_without_a_gpu_it_is_the_cpu() -> None:
    found = choose_hardware("auto", "auto", batch_sizes=[8])
    assert found.product == "CPU"
    assert found.precision == "float32"
    assert found.strategy is None
    assert found.describe(8) == "training on CPU, in float32"


def test_a_precision_that_was_asked_for_is_taken() -> None:
    assert choose_hardware("mixed_float16", "one", batch_sizes=[8]).precision == "mixed_float16"


class _Gpus:
    """What TensorFlow says on a machine with GPUs of these compute capabilities."""

    def __init__(self, *capabilities: tuple[int, int] | None) -> None:
        self._capabilities = capabilities
        self.experimental = self

    def list_logical_devices(self, kind: str) -> list[Any]:
        count = len(self._capabilities) if kind == "GPU" else 1
        return [SimpleNamespace(name=f"/device:{kind}:{number}") for number in range(count)]

    def get_visible_devices(self, kind: str) -> list[int]:
        assert kind == "GPU"
        return list(range(len(self._capabilities)))

    def get_device_details(self, gpu: int) -> dict[str, Any]:
        capability = self._capabilities[gpu]
        found = {"device_name": f"GPU {capability}"}
        return found | ({"compute_capability": capability} if capability else {})


def _machine(monkeypatch: pytest.MonkeyPatch, *capabilities: tuple[int, int] | None) -> None:
    fake = SimpleNamespace(
        config=_Gpus(*capabilities),
        distribute=SimpleNamespace(MirroredStrategy=lambda names: ("shared by", *names)),
    )
    monkeypatch.setattr(hardware, "tensorflow", fake)


@pytest.mark.parametrize(
    ("capabilities", "asked", "given"),
    [
        ([(7, 0)], "auto", "mixed_float16"),
        ([(9, 0)], "auto", "mixed_float16"),
        ([(6, 1)], "auto", "float32"),
        ([None], "auto", "float32"),
        ([(8, 0), (6, 1)], "auto", "float32"),
        ([(8, 0)], "float32", "float32"),
    ],
)
def test_float16_is_for_tensor_cores(
    monkeypatch: pytest.MonkeyPatch,
    capabilities: list[tuple[int, int] | None],
    asked: Precision,
    given: str,
) -> None:
    _machine(monkeypatch, *capabilities)
    assert choose_hardware(asked, "auto", batch_sizes=[16]).precision == given


def test_all_gpus_share_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, (8, 0), (8, 0))
    found = choose_hardware("auto", "auto", batch_sizes=[16, 15])
    assert found.strategy == ("shared by", "/device:GPU:0", "/device:GPU:1")
    assert found.describe(16) == (
        "training on 2 devices (GPU (8, 0)), which share each batch of 16 clips, in mixed_float16"
    )


def test_one_is_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    _machine(monkeypatch, (8, 0), (6, 1))
    found = choose_hardware("auto", "one", batch_sizes=[16])
    assert found.devices == ("/device:GPU:0",)
    assert found.precision == "mixed_float16"
    assert found.strategy is None


@pytest.mark.parametrize(
    ("batch_sizes", "devices"),
    [([16], 4), ([16, 4], 4), ([16, 5], 3), ([9], 3), ([2], 2), ([1], 1)],
)
def test_no_device_is_left_without_a_clip(
    monkeypatch: pytest.MonkeyPatch, batch_sizes: list[int], devices: int
) -> None:
    _machine(monkeypatch, *[(8, 0)] * 4)
    assert len(choose_hardware("auto", "auto", batch_sizes=batch_sizes).devices) == devices


_TWO_CPUS = """
import sys
from dataclasses import replace
from pathlib import Path
from rtaction.keras_tensorflow import keras, tensorflow

cpu = tensorflow.config.list_physical_devices("CPU")[0]
two = [tensorflow.config.LogicalDeviceConfiguration()] * 2
tensorflow.config.set_logical_device_configuration(cpu, two)

from rtaction.train.networks.encoders import ENCODERS
from tests.train.tiny_encoder import tiny_encoder
from tests.train.small_training import (
    mean_loss, quiet_training, small_config, spoken_training, validation_clips
)

ENCODERS["small"] = tiny_encoder
# 33 clips in batches of 8: without care one device gets none of the last.
folder = Path(sys.argv[1])
options = dict(ema=0.5, balance="sampling", learning_rate=3e-3)
config = small_config(folder / "videos", **options, precision="mixed_float16", epochs=3)
print(spoken_training(config, folder / "run"))
config = replace(config, epochs=6)
losses = [row["val_loss"] for row in quiet_training(config, folder / "run", resume=True)]
best = keras.models.load_model(folder / "run" / "validated.keras")
print("losses", len(losses), losses[0], losses[-1])
print("best", min(losses), mean_loss(best, validation_clips(config, folder / "run")))
"""


@pytest.mark.slow
def test_a_training_on_two_devices_learns(tmp_path: Path) -> None:
    """In a process of its own, and resumed."""
    assert len(tensorflow.config.list_logical_devices()) == 1, "another process must have two"
    write_squares(tmp_path / "videos", {"down": 7, "right": 5})
    ran = subprocess.run(
        [sys.executable, "-c", _TWO_CPUS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert "which share each batch of 8 clips, in mixed_float16" in ran.stdout
    (losses,) = re.findall(r"^losses (.*)$", ran.stdout, re.MULTILINE)
    num_epochs, first, last = map(float, losses.split())
    assert num_epochs == 6
    assert last < first / 2
    (values,) = re.findall(r"^best (.*)$", ran.stdout, re.MULTILINE)
    best, measured = map(float, values.split())
    assert measured == pytest.approx(best, rel=3e-2)


@pytest.mark.parametrize(
    ("devices", "before", "within"),
    [
        (("/device:CPU:0",), False, True),
        (("/device:GPU:0",), False, False),
        (("/device:GPU:0",), True, True),
    ],
)
def test_grappler_rests_only_on_the_cpu(
    devices: tuple[str, ...], before: bool, within: bool
) -> None:
    optimizer = tensorflow.config.optimizer
    name = "disable_meta_optimizer"
    optimizer.set_experimental_options({name: before})
    try:
        with Hardware(devices, "", "float32").starting_soon():
            assert optimizer.get_experimental_options().get(name, False) is within
        assert optimizer.get_experimental_options().get(name, False) is before
    finally:
        optimizer.set_experimental_options({name: False})
