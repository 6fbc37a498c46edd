"""Close-ups of training are those of live windows, made once, and follow the changes of a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rtaction.arrays import UInt8Array
from rtaction.errors import DatasetError
from rtaction.labelled.videos import Video
from rtaction.model_spec import ModelSpec
from rtaction.train.data import kept_closeups
from rtaction.train.data.augment import Augmentation
from rtaction.train.data.clip_reading import read_clip_set
from rtaction.train.data.clip_set import ClipSet
from rtaction.train.data.frame_cache import FrameCache
from rtaction.train.frozen.encoded import EncodedClips
from rtaction.video.closeup import CLOSEUP_SIZE, detail_of
from rtaction.video.file import read_video
from rtaction.video.motion import STILL, closeup_field
from rtaction.video.prepared import prepare_frame, prepared_pictures
from rtaction.video.span import Span
from tests.moving_scene import moving_scene, write_moving_scene
from tests.videos import write_video

NUM_FRAMES = 24
SIZE = 36
Read = Callable[..., ClipSet]


def _spec(modality: str = "flow_closeup") -> ModelSpec:
    return ModelSpec(("a", "b"), 3, 0.4, SIZE, SIZE, modality=modality)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_moving_scene(tmp_path_factory.mktemp("videos") / "a.mkv", NUM_FRAMES)


@pytest.fixture
def read(tmp_path: Path, path: Path) -> Read:
    def read(
        modality: str = "flow_closeup", span: Span | None = None, limit_gb: float = 1.0
    ) -> ClipSet:
        cache = FrameCache(tmp_path / "cache", limit_gb=limit_gb)
        video = Video(path, "a", path.as_posix(), span=span)
        return read_clip_set([video], _spec(modality), stride_seconds=0.2, cache=cache)

    return read


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """A list to which each pair of details is added whose close-up is made."""
    pairs: list[bytes] = []

    def field(before: UInt8Array, after: UInt8Array) -> UInt8Array:
        pairs.append(before.tobytes() + after.tobytes())
        return closeup_field(before, after)

    monkeypatch.setattr(kept_closeups, "closeup_field", field)
    return pairs


def _pictures(clips: ClipSet) -> UInt8Array:
    return clips.pictures(range(len(clips)))


def _live(path: Path, clips: ClipSet, span: Span | None = None) -> UInt8Array:
    spec = _spec(clips.modality)
    frames = [
        prepare_frame(frame.image, spec)
        for frame in read_video(path)
        if span is None or span.start_seconds <= frame.captured_at_seconds + 1e-6
    ]
    return np.stack(
        [prepared_pictures([frames[i] for i in of], spec) for of in clips.clip_frames.tolist()]
    )


@pytest.mark.parametrize("modality", ["flow_closeup", "rgb_diff+flow+flow_closeup"])
def test_they_are_those_of_live_windows_and_made_once(
    read: Read, path: Path, made: list[bytes], modality: str
) -> None:
    clips = read(modality)
    live = _live(path, clips)
    assert float(np.abs(live[..., -2:].astype(int) - STILL).max()) > 60  # it moves
    assert np.array_equal(_pictures(clips), live)
    pairs = np.stack([clips.clip_frames[:, :-1], clips.clip_frames[:, 1:]], axis=-1)
    assert len(made) == len(np.unique(pairs.reshape(-1, 2), axis=0)) < pairs.size / 2
    assert np.array_equal(_pictures(clips), live)
    assert np.array_equal(_pictures(read(modality)), live)  # of another run
    assert len(made) == len(set(made))


def test_a_video_is_decoded_once(
    read: Read, made: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(kept_closeups, "read_video", refuse)
    clips = read("rgb+flow_closeup")
    num_made = len(made)
    assert num_made > 0
    _pictures(clips)
    assert len(made) == num_made
    other = read("rgb+flow_closeup", span=Span(0.05, 1.0))  # of other frames
    with pytest.raises(AssertionError, match="decoded again"):
        _pictures(other)


def test_networks_of_other_sizes_share_them(tmp_path: Path, path: Path, made: list[bytes]) -> None:
    for spec in (_spec(), replace(_spec("rgb+flow_closeup"), height=48, width=64)):
        cache = FrameCache(tmp_path / "cache")
        clips = read_clip_set(
            [Video(path, "a", path.as_posix())], spec, need_every_label=False, cache=cache
        )
        _pictures(clips)
    assert len(made) == len(set(made)) > 0
    assert len(list((tmp_path / "cache").glob("*.closeup"))) == 1


def test_a_pair_takes_ten_kilobytes_and_no_frame_of_the_video_is_left(
    read: Read, tmp_path: Path, made: list[bytes]
) -> None:
    _pictures(read())
    (kept,) = (tmp_path / "cache").glob("*.closeup")
    pages = 4096 * 2 * len(made)  # each may begin and end within a block of the disk
    assert 512 * kept.stat().st_blocks <= len(made) * 2 * CLOSEUP_SIZE**2 + pages
    (frames,) = (tmp_path / "cache").glob("*.frames")
    assert frames.stat().st_size < NUM_FRAMES * (SIZE * SIZE + 8) + 1000


def test_parts_of_a_video_share_them(read: Read, path: Path, made: list[bytes]) -> None:
    span = Span(0.2, 1.0)
    clips = read(span=span)
    assert np.array_equal(_pictures(clips), _live(path, clips, span))
    num_made = len(made)
    _pictures(read())
    assert len(made) == len(set(made)) > num_made


@pytest.mark.parametrize("limit_gb", [0.0, NUM_FRAMES * (SIZE * SIZE + 8) / 1e9 + 1e-6])
def test_without_room_they_are_kept_for_the_run(
    read: Read, path: Path, made: list[bytes], limit_gb: float
) -> None:
    clips = read(limit_gb=limit_gb)
    live = _pictures(clips)
    assert np.array_equal(live, _pictures(read()))
    again = len(made)
    assert np.array_equal(_pictures(clips), live)
    assert len(made) == again


def test_a_video_of_which_frames_are_left_out_has_the_same(read: Read, made: list[bytes]) -> None:
    # Without room, only the frames of clips are kept, and numbered anew.
    span = Span(0.3, 1.1)
    assert np.array_equal(_pictures(read(span=span, limit_gb=0.0)), _pictures(read(span=span)))
    assert 2 * len(set(made)) == len(made)


def test_a_mirrored_clip_is_that_of_the_mirrored_video(tmp_path: Path, read: Read) -> None:
    times = np.arange(NUM_FRAMES) / 20
    images = moving_scene(NUM_FRAMES)[:, :, ::-1]
    path = tmp_path / "mirrored.mkv"
    write_video(path, images, times, codec="ffv1", pixel_format="bgr0")
    clips = read()
    flip = replace(Augmentation.nothing(), flip=1.0)
    changed = clips.changed(0, flip, np.random.default_rng(0)).astype(int)
    expected = _live(path, clips)[0].astype(int)
    # The flow of mirrored frames is not quite the mirrored flow.
    unchanged = _pictures(clips)[0].astype(int)
    assert np.abs(changed - expected).mean() < np.abs(unchanged - expected).mean() / 4


def test_a_close_up_turns_and_grows_but_does_not_shift(read: Read) -> None:
    clips = read()
    still = clips.pictures([0])[0]
    for seed in range(5):
        shift = replace(Augmentation.nothing(), shift=0.3)
        assert np.array_equal(clips.changed(0, shift, np.random.default_rng(seed)), still)
        zoom = replace(Augmentation.nothing(), scale=0.3)
        assert not np.array_equal(clips.changed(0, zoom, np.random.default_rng(seed)), still)


def test_features_of_a_mirrored_variant_are_of_mirrored_close_ups(read: Read) -> None:
    class Left:
        """A frozen part: the mean motion to the right in the left half of a picture."""

        output = np.empty((0, 1))

        def predict_on_batch(self, pictures: UInt8Array) -> UInt8Array:
            return np.asarray(pictures[:, :, : SIZE // 2, :1].mean(axis=(1, 2)) / 255)

    clips = read()
    flip = replace(Augmentation.nothing(), flip=1.0)
    encoded = EncodedClips(Left(), clips, augmentation=flip, num_variants=2)
    numbers = np.arange(len(clips))
    for variant, expected in (
        (0, _pictures(clips)[..., : SIZE // 2, :1]),
        (1, 2.0 * STILL - _pictures(clips)[..., SIZE // 2 :, :1]),
    ):
        found = encoded.of(numbers, np.full(len(clips), variant))
        np.testing.assert_allclose(found, expected.mean(axis=(2, 3)) / 255, atol=0.01)


def test_a_video_that_became_shorter_is_told(tmp_path: Path) -> None:
    path = write_moving_scene(tmp_path / "b.mkv", NUM_FRAMES)
    video = Video(path, "a", path.as_posix())
    clips = read_clip_set([video], _spec(), cache=FrameCache(tmp_path / "cache"))
    for kept in (tmp_path / "cache").glob("*.closeup"):
        kept.unlink()
    write_moving_scene(path, 5)
    with pytest.raises(DatasetError, match="has fewer frames than when this training began"):
        replace(clips, closeups=kept_closeups.KeptCloseups()).pictures([len(clips) - 1])


def test_frames_without_a_video_have_none(path: Path) -> None:
    frames = np.stack([detail_of(frame.image) for frame in read_video(path)])
    with pytest.raises(ValueError, match="close-ups are made of videos"):
        kept_closeups.KeptCloseups().between(frames, np.array([0]), np.array([1]))
