from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.choices import Sampling
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.opencv import cv2
from rtaction.source_frames import source_frames
from rtaction.train.data import kept_flow
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_dataset import ClipDataset
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.data.kept_flow import KeptFlow
from rtaction.video.motion import STILL, clip_pictures, flow_field
from rtaction.video.span import Span
from tests.videos import write_video

SIZE = 32
FIELD_BYTES = 2 * SIZE * SIZE
MODALITIES = ["flow", "rgb+flow", "flow+rgb_diff", "gray+flow_stack", "flow_stack"]
NUM_FRAMES = 30


def _spec(modality: str) -> ModelSpec:
    return ModelSpec(
        labels=("a", "b"),
        frames_per_clip=4,
        clip_seconds=0.6,
        height=SIZE,
        width=SIZE,
        modality=modality,
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene that moves by one to three pixels from frame to frame."""
    noise = np.random.default_rng(0).uniform(0, 255, (60, 160, 3)).astype(np.float32)
    smooth: Any = cv2.GaussianBlur(noise, (0, 0), 2.0)
    scene = np.rint(255 * (smooth - smooth.min()) / np.ptp(smooth)).astype(np.uint8)
    lefts = np.cumsum(np.arange(NUM_FRAMES) % 3 + 1)
    images = np.stack([scene[:48, left : left + 64] for left in lefts])
    return write_video(
        tmp_path_factory.mktemp("videos") / "a" / "a.mkv", images, np.arange(NUM_FRAMES) / 20
    )


Read = Callable[..., ClipSet]


@pytest.fixture
def read(tmp_path: Path, path: Path) -> Read:
    def read(modality: str, span: Span | None = None, limit_gb: float = 1.0) -> ClipSet:
        cache = FrameCache(tmp_path / "cache", limit_gb=limit_gb)
        video = Video(path, "a", path.as_posix(), span=span)
        return read_clip_set([video], _spec(modality), stride_seconds=0.1, cache=cache)

    return read


@pytest.fixture
def computed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A list to which each pair of frames is added whose flow is computed."""
    pairs: list[bytes] = []

    def field(before: UInt8Array, after: UInt8Array) -> UInt8Array:
        pairs.append(before.tobytes() + after.tobytes())
        return flow_field(before, after)

    monkeypatch.setattr(kept_flow, "flow_field", field)
    return pairs


def _pictures(clips: ClipSet) -> UInt8Array:
    return clips.pictures(range(len(clips)))


@pytest.mark.parametrize("modality", MODALITIES)
def test_kept_flow_is_that_of_live_windows(
    read: Read, computed: list[bytes], modality: str
) -> None:
    clips = read(modality)
    live = np.stack([clip_pictures(images, modality) for images in clips.images(range(len(clips)))])
    assert float(np.abs(live.astype(int) - STILL).max()) > 20  # it moves
    assert np.array_equal(_pictures(clips), live)
    computed.clear()
    assert np.array_equal(_pictures(clips), live)
    assert np.array_equal(_pictures(read(modality)), live)  # of another run
    assert not computed


@pytest.mark.parametrize("modality", ["flow", "flow_stack"])
def test_windows_that_overlap_share_their_flow(
    read: Read, computed: list[bytes], modality: str
) -> None:
    clips = read(modality)
    _pictures(clips)
    of = source_frames(modality, 4)
    pairs = np.stack([clips.clip_frames[:, of[:, :-1]], clips.clip_frames[:, of[:, 1:]]], axis=-1)
    assert len(computed) == len(np.unique(pairs.reshape(-1, 2), axis=0))
    assert len(computed) < pairs.size / 2


def test_parts_of_a_video_share_its_flow(read: Read, computed: list[bytes]) -> None:
    _pictures(read("flow"))
    of_whole = set(computed)
    computed.clear()
    part = read("flow", span=Span(0.2, 1.4))
    live = [clip_pictures(images, "flow") for images in part.images(range(len(part)))]
    assert np.array_equal(_pictures(part), live)
    assert of_whole.isdisjoint(computed)


def test_later_epochs_compute_nothing(read: Read, computed: list[bytes]) -> None:
    dataset = ClipDataset(
        read("rgb+flow"), batch_size=4, augmentation=replace(Augmentation(), dropped_frame=0.0)
    )
    num_computed = []
    for _ in range(120):
        for number in range(len(dataset)):
            dataset[number]
        dataset.on_epoch_end()
        num_computed.append(len(computed))
    assert num_computed[0] > 0
    assert num_computed[-1] == num_computed[100]


def test_changed_windows_are_the_same_if_nothing_is_kept(read: Read, computed: list[bytes]) -> None:
    clips = read("rgb+flow")
    batches = [
        ClipDataset(one, augmentation=Augmentation.of("strong"))[0][0]
        for one in (clips, clips, replace(clips, flow=KeptFlow()))
    ]
    assert np.array_equal(batches[0], batches[1])
    assert np.array_equal(batches[0], batches[2])
    assert len(computed) > len(set(computed))


@pytest.mark.parametrize("sampling", ["sliding", "spread", "segments"])
def test_windows_of_flow_have_eight_timings(read: Read, sampling: Sampling) -> None:
    for modality in ("flow", "rgb"):
        clips = replace(read(modality), sampling=sampling)
        drawn = {
            clips.changed_moments(3, Augmentation(), np.random.default_rng(seed)).tobytes()
            for seed in range(100)
        }
        assert len(drawn) == (8 if modality == "flow" and sampling != "segments" else 100)


def test_flow_follows_the_changes_of_its_window(read: Read) -> None:
    flip = replace(Augmentation.nothing(), flip=1.0)
    for modality in ("rgb+flow", "flow+rgb_diff"):
        clips = read(modality)
        plain = clips.pictures([3])[0]
        changed = clips.changed(3, flip, np.random.default_rng(0))
        at = 0 if modality.startswith("flow") else 3
        fields = plain[:, :, ::-1, at : at + 2].copy()
        fields[..., 0] = 2 * STILL - fields[..., 0]
        assert np.array_equal(changed[..., at : at + 2], fields)
        others = [channel for channel in range(5) if not at <= channel < at + 2]
        assert np.array_equal(changed[..., others], plain[:, :, ::-1][..., others])


def test_a_dropped_frame_shows_in_the_flow(read: Read) -> None:
    clips = read("rgb+flow")
    lost = replace(Augmentation.nothing(), dropped_frame=1.0)
    window = clips.images([3])[0]
    for seed in range(10):
        positions = [np.random.default_rng(seed) for _ in range(2)]
        changed = clips.changed(3, lost, positions[0])
        images = clips.changed_images(3, lost, positions[1])
        assert np.array_equal(changed, clip_pictures(images, "rgb+flow"))
        assert not np.array_equal(images, window)


@pytest.mark.parametrize("damage", ["shorter", "empty", "zeros"])
def test_flow_that_was_half_written_is_computed_again(
    read: Read, tmp_path: Path, computed: list[bytes], damage: str
) -> None:
    live = _pictures(read("flow"))
    (kept,) = (tmp_path / "cache").glob("*.flow")
    content = kept.read_bytes()
    if damage == "zeros":
        at = content.index(content.strip(b"\0")[:FIELD_BYTES]) + FIELD_BYTES // 2
        kept.write_bytes(content[:at] + bytes(100) + content[at + 100 :])
    else:
        kept.write_bytes(content[:-100] if damage == "shorter" else b"")
    computed.clear()
    assert np.array_equal(_pictures(read("flow")), live)
    assert bool(computed)
    assert kept.read_bytes() == content


def test_a_file_that_another_process_drops_costs_only_time(
    read: Read, tmp_path: Path, computed: list[bytes]
) -> None:
    clips = read("flow")
    live = _pictures(clips)
    num_computed = len(computed)
    for kept in (tmp_path / "cache").glob("*.flow"):
        kept.unlink()
    assert np.array_equal(_pictures(clips), live)
    assert len(computed) > num_computed


def test_no_more_is_kept_than_the_cache_may_hold(
    read: Read, tmp_path: Path, path: Path, computed: list[bytes]
) -> None:
    frames_gb = NUM_FRAMES * SIZE * SIZE / 1e9
    clips = read("flow", limit_gb=frames_gb + 3.9 * FIELD_BYTES / 1e9)
    live = _pictures(clips)
    num_pairs = len(set(computed))
    computed.clear()
    assert np.array_equal(_pictures(clips), live)
    assert num_pairs > len(set(computed)) > num_pairs / 2
    assert list((tmp_path / "cache").glob("*.frames"))
