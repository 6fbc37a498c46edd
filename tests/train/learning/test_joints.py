"""Training on joints: from videos to a network, what is refused, and what --auto picks."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from rtaction.errors import UsageError
from rtaction.keras_files.archive import load_network
from rtaction.model_spec import ModelSpec
from rtaction.pose.normal import NUM_NUMBERS
from rtaction.train.learning.auto.choice import choose_settings
from rtaction.train.learning.fit import train
from rtaction.train.learning.training_data import find_and_split
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.people import require_sensible, with_defaults
from rtaction.train.settings.run_folder import RunFolder
from tests.made_people import made_networks, write_actions, write_people
from tests.train.small_training import undrawn, untraced


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_actions(tmp_path_factory.mktemp("people") / "videos")


def _config(videos: Path, **changes: Any) -> TrainConfig:
    config = TrainConfig(
        str(videos),
        modality="pose",
        frames_per_clip=8,
        clip_seconds=0.875,
        epochs=2,
        validation_fraction=0.34,
        cache_dir=str(videos.with_name("cache")),
    )
    return replace(config, **changes)


def _train(config: TrainConfig, folder: Path, **options: Any) -> str:
    output = StringIO()
    with untraced(config), undrawn():
        train(
            config,
            folder,
            console=Console(file=output, width=200),
            open_networks=made_networks,
            **options,
        )
    return output.getvalue()


def test_a_network_of_joints_is_trained_resumed_and_kept(videos: Path, tmp_path: Path) -> None:
    config = _config(videos, learning_rate=1e-2)
    said = _train(config, tmp_path)
    assert "train: 40 clips of 8 videos" in said

    folder = RunFolder(tmp_path)
    spec = ModelSpec.load(folder.spec)
    assert (spec.modality, spec.resize, spec.frame_shape) == ("pose", "letterbox", (192, 192, 3))
    network = load_network(folder.model)
    assert network.input.shape[1:] == (8, NUM_NUMBERS)
    with np.load(tmp_path / "sample_clips.npz") as samples:
        assert samples["points"].shape[1:] == (8, 17, 3)
        assert samples["clips"].shape[1:] == (8, 192, 192, 3)
        # The pictures of the same videos: letterboxed, so black above and below.
        assert samples["clips"][:, :, :20].max() < 10 < samples["clips"][:, :, 96].min()

    _train(replace(config, epochs=4), tmp_path, resume=True)
    history = folder.read_history()
    assert len(history) == 4
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "small"}, "--network cannot be set with --modality pose"),
        ({"height": 64}, "--height cannot be set .*192x192"),
        ({"resize": "crop"}, "--resize cannot be set"),
        ({"pretrained": True}, "--pretrained cannot be set"),
        ({"num_variants": 2}, "--variants cannot be set"),
        ({"sampling": "spread"}, "--sampling spread cannot be used"),
        ({"frames_per_clip": 1}, "--frames 2 or more"),
        ({"modality": "pose+rgb_diff"}, "joints alone or on pictures alone"),
        ({"modality": "pose+pose"}, "--modality: modality must be one of .*'pose.pose'"),
        ({"modality": "pose+x"}, "--modality: modality must be one of .*'pose.x'"),
    ],
)
def test_what_concerns_pictures_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        require_sensible(replace(TrainConfig("videos", modality="pose"), **changes))
    require_sensible(replace(TrainConfig("videos"), **{**changes, "modality": "rgb"}))


def test_windows_are_two_seconds_unless_they_are_given() -> None:
    config = TrainConfig("videos", modality="pose")
    found = with_defaults(config, ())
    assert (found.frames_per_clip, found.clip_seconds) == (16, 1.875)
    assert with_defaults(config, ("frames_per_clip",)).frames_per_clip == 5
    assert with_defaults(TrainConfig("videos"), ()) == TrainConfig("videos")


def test_without_networks_the_reason_is_told(videos: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="open_pose_networks"):
        train(_config(videos), tmp_path, console=Console(file=StringIO()))


def _auto(videos: Path, *given: str, **values: Any) -> tuple[TrainConfig, str]:
    config = TrainConfig(
        str(videos),
        chosen_but=(*given, *values),
        validation_fraction=0.34,
        cache_dir=str(videos.with_name("cache")),
        **values,
    )
    output = StringIO()
    console = Console(file=output, width=400)
    split = find_and_split(config)
    return choose_settings(config, split, console, made_networks), output.getvalue()


def test_auto_takes_joints_that_tell_all(videos: Path) -> None:
    config, said = _auto(videos)
    assert (config.modality, config.frames_per_clip, config.network) == ("pose", 16, "light")
    assert "joints have an accuracy of 100 % in a quick trial on 12 held-out videos" in said
    assert config.clip_seconds == pytest.approx(1.875)
    require_sensible(config)


def test_auto_obeys_what_is_given(videos: Path) -> None:
    config, said = _auto(videos, modality="pose", frames_per_clip=6)
    assert (config.modality, config.frames_per_clip) == ("pose", 6)
    assert config.clip_seconds == pytest.approx(5 * 0.125)
    assert "quick trial" not in said


def test_auto_takes_pictures_where_nobody_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rtaction.train.learning.auto import choice
    from rtaction.train.learning.auto.trials import Trial

    for number in range(4):
        write_people(tmp_path / "v" / "a" / f"{number}.mp4", [10.0] * 24)
        write_people(tmp_path / "v" / "b" / f"{number}.mp4", [100.0] * 24)
    monkeypatch.setattr(choice, "find_spec", lambda _: None)
    monkeypatch.setattr(choice, "try_light", lambda *_: {"diff": Trial(0.9, 0.1, 8)})
    config, said = _auto(tmp_path / "v")
    assert config.modality == "diff"
    assert "not joints: none of these" in said
