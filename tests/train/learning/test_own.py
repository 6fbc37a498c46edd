"""Trainings of one's own network: from Python and from the command line, to the ONNX file."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import rtaction.train
from rtaction.errors import UsageError
from rtaction.export.exporter import export_model
from rtaction.keras_tensorflow import keras
from rtaction.onnx_format.file import OnnxFile
from rtaction.train.learning import own
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.conftest import Here
from tests.project import ROOT
from tests.train.own_networks import build, model, network_of
from tests.train.small_training import undrawn, write_squares

SMALL: dict[str, Any] = {"frames_per_clip": 2, "height": 32, "width": 32, "clip_seconds": 0.6}


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("work") / "videos")


def _fit(network: Any, videos: Path, folder: Path, **changes: Any) -> tuple[Any, str]:
    output = StringIO()
    values: dict[str, Any] = {
        "epochs": 1,
        "validation_fraction": 0.34,
        "cache_dir": str(videos.parent / "cache"),
    }
    with undrawn():
        result = rtaction.train.fit(
            network, videos, folder, console=Console(file=output, width=200), **values | changes
        )
    return result, output.getvalue()


class _Counted(keras.callbacks.Callback):  # type: ignore[misc]
    """What it was called with, and what was on the disk by then."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder, self.seen = folder, [(0, 0, {""})][:0]

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        rows = RunFolder(self.folder).read_history()
        self.seen.append((epoch, len(rows), set(logs or {})))


def test_a_function_is_trained_resumed_and_exported(videos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    counted = _Counted(folder)
    result, said = _fit(build, videos, folder, callbacks=[counted], **SMALL)
    assert "tests.train.own_networks:build: " in said
    assert "gives logits, so a softmax is added" in said
    result, _ = _fit(build, videos, folder, callbacks=[counted], resume=True, epochs=2)
    assert result.num_epochs == 2
    assert [one[:2] for one in counted.seen] == [(0, 1), (1, 2)]  # the epoch is saved by then
    assert counted.seen[0][2] >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    config = TrainConfig.load(folder / "train_config.json")
    assert config.network == "tests.train.own_networks:build"
    export = export_model(folder, tmp_path / "model.onnx", trust=True)
    assert export.agreement.max_difference < 1e-5
    file = OnnxFile.load(tmp_path / "model.onnx")
    assert file.spec.labels == ("down", "right")
    assert file.is_cut


def test_a_built_model_gives_the_settings_and_stays_as_it_is(videos: Path, tmp_path: Path) -> None:
    mine = network_of((3, 24, 40, 1), 2)
    before = [np.array(one) for one in mine.get_weights()]
    result, _ = _fit(mine, videos, tmp_path / "run", clip_seconds=0.6)
    config = TrainConfig.load(tmp_path / "run" / "train_config.json")
    assert (config.frames_per_clip, config.height, config.width) == (3, 24, 40)
    assert (config.modality, config.network) == ("gray", "own:model")
    assert all(np.array_equal(a, b) for a, b in zip(before, mine.get_weights(), strict=True))
    trained = keras.models.load_model(result.model)
    assert not np.array_equal(trained.get_weights()[0], before[0])
    assert export_model(tmp_path / "run", tmp_path / "m.onnx").agreement.max_difference < 1e-5


def test_resuming_with_another_network_is_told(videos: Path, tmp_path: Path) -> None:
    _fit(network_of((2, 32, 32, 3), 2), videos, tmp_path / "run", clip_seconds=0.6)
    other = network_of((2, 32, 32, 3), 2, keras.layers.GRU(3))
    with pytest.raises(UsageError, match="builds another network than that of the training"):
        _fit(other, videos, tmp_path / "run", resume=True, epochs=2)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"epoch": 3}, "there is no setting 'epoch'; did you mean epochs?"),
        ({"epochs": "3"}, "epochs: expected a whole number"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"dropout": 0.99}, "dropout must be at least 0 and at most 0.95"),
        ({"callbacks": [_Counted]}, "got _Counted; call it, and give what it returns"),
        ({"callbacks": [3]}, "expected callbacks of Keras 3, got int"),
        ({"height": 48}, r"settings give \(None, 2, 48, 32, 3\) .*; give --height 32"),
        ({"head": "lstm"}, "--head cannot be set with own:model: that decides it"),
        ({"modality": "pose"}, "--network cannot be set with --modality pose"),
    ],
)
def test_wrong_settings_are_told(
    videos: Path, tmp_path: Path, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        _fit(model, videos, tmp_path / "run", **{"clip_seconds": 0.6} | settings)
    assert not (tmp_path / "run" / "history.csv").exists()


@pytest.mark.parametrize(
    ("network", "settings", "expected"),
    [
        ("light", {}, {"head": "gru", "frames_per_clip": 5, "chosen_but": None}),
        ("dtpp", {}, {"head": "max_pyramid", "frames_per_clip": 8, "sampling": "segments"}),
        ("dtpp", {"frames_per_clip": 3}, {"modality": "rgb+flow_stack", "frames_per_clip": 3}),
        ("light", {"modality": "pose"}, {"frames_per_clip": 16, "clip_seconds": 1.875}),
        ("light", {"auto": True, "epochs": 9}, {"chosen_but": ("epochs",), "epochs": 9}),
    ],
)
def test_defaults_are_those_of_the_command(
    network: str,
    settings: dict[str, Any],
    expected: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained: list[TrainConfig] = []
    monkeypatch.setattr(own, "train", lambda config, *_, **__: trained.append(config))
    rtaction.train.fit(network, "videos", **settings)
    assert {name: getattr(trained[0], name) for name in expected} == expected


def test_frames_of_unusual_channels_need_a_modality(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="frames of 4 channels; say with --modality"):
        _fit(network_of((2, 32, 32, 4), 2), videos, tmp_path / "run")


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands run in the project's folder, whose modules they find."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [one for one in sys.path if Path(one) != ROOT])


@pytest.mark.usefixtures("at_root")
def test_the_command_takes_a_function(videos: Path, tmp_path: Path, here: Here) -> None:
    folder, name = tmp_path / "run", "tests.train.own_networks:build"
    options = [
        *("--epochs", "1", "--frames", "2", "--clip-seconds", "0.6"),
        *("--height", "32", "--width", "32", "--validation-fraction", "0.34"),
        *("--cache-dir", str(videos.parent / "cache")),
    ]
    with undrawn():
        code, _, said = here("train", videos, "-o", folder, *options, "--network", name)
        assert code == 0, said
        assert f"export {folder / 'model.keras'} -o model.onnx --trust" in said
        again = ["train", videos, "-o", folder, "--resume", "--epochs", "2"]
        code, _, said = here(*again)
        assert code == 2
        assert f"add --network {name} to let its code run" in said
        code, _, said = here(*again, "--network", name)
        assert code == 0, said
    assert len(RunFolder(folder).read_history()) == 2
    code, _, said = here("export", folder, "-o", tmp_path / "model.onnx")
    assert code == 18
    assert "add --trust" in said
    code, said, _ = here("export", folder, "-o", tmp_path / "model.onnx", "--trust")
    assert code == 0
    assert "matches Keras" in said


@pytest.mark.usefixtures("at_root")
def test_the_command_takes_a_built_model(videos: Path, tmp_path: Path, here: Here) -> None:
    options = ["--epochs", "1", "--clip-seconds", "0.6", "--validation-fraction", "0.34"]
    name = "tests.train.own_networks:model"
    with undrawn():
        code, _, said = here("train", videos, "-o", tmp_path / "run", *options, "--network", name)
    assert code == 0, said
    assert "--trust" not in said
    config = TrainConfig.load(tmp_path / "run" / "train_config.json")
    assert (config.frames_per_clip, config.height, config.network) == (2, 32, name)


def test_a_name_that_is_none_is_told(here: Here, videos: Path, tmp_path: Path) -> None:
    code, _, said = here("train", videos, "-o", tmp_path / "run", "--network", "lihgt")
    assert code == 2
    assert "--network must be one of light, small" in said
    assert "module:function" in said
