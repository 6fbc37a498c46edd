"""From takes of a drawn person to a model of pictures that predicts the labels of others.

Joints are in `test_pose_learning`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from rtaction.errors import DatasetError
from rtaction.labelled.videos import Video, find_videos
from rtaction.output_file import write_file
from rtaction.realtime.model.action_model import ActionModel
from rtaction.teach.learning import TaughtModel, learn
from rtaction.teach.report import classification_of, report_lines
from rtaction.video.clips import read_clips


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the features of all takes are kept, which do not depend on labels."""
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def taught(drawn_takes: Path, features: Path) -> TaughtModel:
    seen: list[tuple[int, int]] = []
    made = learn(
        find_videos(drawn_takes),
        features,
        people=False,
        on_progress=lambda done, all_: seen.append((done, all_)),
    )
    assert seen == [(number, 15) for number in range(1, 16)]
    return made


def test_it_predicts_takes_it_was_not_trained_on(
    taught: TaughtModel, other_takes: Path, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "model.onnx"
    write_file(path, taught.model)
    model = ActionModel(path, device="cpu")
    right = []
    for video in find_videos(other_takes):
        pictures = np.stack([clip.pictures for clip in read_clips(video.path, model.spec)])
        scores = model.score_clips(pictures).mean(axis=0)
        right.append(model.spec.labels[int(scores.argmax())] == video.label)

    assert np.mean(right) >= 7 / 9
    assert [p.name for p in path.parent.iterdir()] == ["model.onnx"]


def test_every_take_is_judged_by_a_fit_that_was_not_trained_on_it(taught: TaughtModel) -> None:
    assert len(taught.takes) == 15
    assert classification_of(taught.takes, taught.spec.labels).accuracy.value >= 0.7
    assert all(1 / 3 <= take.score <= 1 for take in taught.takes)
    assert taught.spec.background_label == "nothing"
    assert set(taught.errors) == {
        "rgb+rgb_diff",
        "flow_closeup",
        "rgb_diff+abs_diff+flow",
        "rgb+rgb_diff+abs_diff+flow",
        "rgb_diff+abs_diff+flow+flow_closeup",
    }
    assert taught.errors[taught.spec.modality] <= min(taught.errors.values()) / 0.96


def test_labels_without_meaning_are_judged_at_chance(features: Path, taught: TaughtModel) -> None:
    """No take's own label may leak into its held-out prediction."""
    random = np.random.default_rng(0)
    paths = [take.video.path for take in taught.takes]
    shares = []
    for _ in range(3):
        labels = random.permutation([take.video.label for take in taught.takes])
        videos = [Video(p, str(label), str(p)) for p, label in zip(paths, labels, strict=True)]
        made = learn(videos, features, people=False)
        shares.append(classification_of(made.takes, made.spec.labels).accuracy.value)
    assert np.mean(shares) <= 0.5


def test_bad_takes_are_left_out_and_reported(drawn_takes: Path, tmp_path: Path) -> None:
    for label in ("clap", "wave"):
        (tmp_path / label).mkdir()
        for path in sorted((drawn_takes / label).iterdir())[:2]:
            shutil.copy(path, tmp_path / label)
    (tmp_path / "wave" / "bad.mp4").write_bytes(b"nothing to see")

    made = learn(find_videos(tmp_path), tmp_path / ".features", people=False)

    assert len(made.takes) == 4
    assert "bad.mp4" in made.skipped[0]
    lines = report_lines(made)
    assert any(line.startswith("left out:") for line in lines)
    assert any('no label "nothing"' in line for line in lines)
    assert any("few takes" in line for line in lines)


def test_one_label_is_not_enough(drawn_takes: Path, tmp_path: Path) -> None:
    videos = find_videos(drawn_takes, labels=["wave"], min_labels=1)[:2]
    with pytest.raises(DatasetError, match="at least two actions"):
        learn(videos, tmp_path)
