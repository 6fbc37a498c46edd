"""What `rtaction.watch` takes: names of sources, or frames in each form that a program has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import rtaction
from rtaction.errors import UsageError
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.watching.given import places_or_frames

FRAMES: npt.NDArray[np.uint8] = np.repeat(
    np.array([20] * 20 + [235] * 20, np.uint8), 8 * 8 * 3
).reshape(40, 8, 8, 3)
PAIRS = [(number / 10, frame) for number, frame in enumerate(FRAMES)]


@pytest.fixture
def model(tiny_model: Path) -> ActionModel:
    return ActionModel(tiny_model, device="cpu")


def in_turn(items: Any) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize(
    ("given", "frames_per_second"),
    [
        (FRAMES, 10.0),
        (list(FRAMES), 10.0),
        (in_turn(FRAMES), 10.0),
        (PAIRS, None),
        ([list(pair) for pair in PAIRS], None),
        (in_turn(PAIRS), None),
        (zip(np.arange(40) / 10, FRAMES, strict=True), None),
    ],
)
def test_frames_in_every_form_give_the_same(
    given: Any, frames_per_second: float | None, model: ActionModel
) -> None:
    found = list(rtaction.watch(given, model, frames_per_second=frames_per_second))

    assert [one.label for one in found] == ["dark"] * 6 + ["bright"] * 7
    assert [one.end_seconds for one in found] == pytest.approx(
        [1.0 + 0.25 * number for number in range(13)], abs=0.101
    )


def test_a_loop_without_times_is_live(model: ActionModel, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def camera() -> Iterator[npt.NDArray[np.uint8]]:
        for number, frame in enumerate(FRAMES):
            now[0] = 1000.0 + number / 10
            yield frame

    found = list(rtaction.watch(camera(), model))

    assert found[0].end_seconds == pytest.approx(1001.0)
    assert [one.label for one in found][:: len(found) - 1] == ["dark", "bright"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (0, ["0"]),
        ("rtsp://camera/1", ["rtsp://camera/1"]),
        (Path("a.mp4"), ["a.mp4"]),
        ([0, "a.mp4", Path("b.mp4")], ["0", "a.mp4", "b.mp4"]),
        ((name for name in ("a.mp4", "b.mp4")), ["a.mp4", "b.mp4"]),
        ([], []),
    ],
)
def test_names_of_sources(given: Any, expected: list[str]) -> None:
    assert places_or_frames(given, has_rate=False) == expected


@pytest.mark.parametrize(
    ("given", "frames_per_second", "message"),
    [
        (FRAMES, None, "40 frames without times: expected frames_per_second=25"),
        (list(FRAMES), None, "40 frames without times"),
        (FRAMES[0], 25.0, r"got shape \(8, 8, 3\)"),
        ("a.mp4", 25.0, "sources have their own"),
        (["a.mp4", FRAMES[0]], None, "only names of sources or only frames, got ndarray"),
        ([FRAMES[0], "a.mp4"], 25.0, "uint8 RGB of shape .*; got str"),
        ([(0.0, FRAMES[0], 1)], None, r"expected pairs \(time_seconds, frame\), got 3 values"),
        ([()], None, "got an empty one"),
        ([(FRAMES[0], 0.0)], None, "the first of them a ndarray"),
        ([("noon", FRAMES[0])], None, "got 'noon' as the time"),
        (PAIRS, 25.0, "got both"),
        (1.5, None, "got float"),
        (None, None, "got NoneType"),
    ],
)
def test_what_cannot_be_watched_is_refused(
    given: Any, frames_per_second: float | None, message: str, model: ActionModel
) -> None:
    with pytest.raises(UsageError, match=message):
        next(rtaction.watch(given, model, frames_per_second=frames_per_second))


def test_the_frame_is_beside_the_prediction(
    indexed_video: Callable[..., Path], model: ActionModel
) -> None:
    """Of a file and of arrays; its image is let go with the next prediction."""
    path = indexed_video(np.arange(50) / 25)
    arrays = [(n / 25, np.full((8, 8, 3), (n, 0, 7), np.uint8)) for n in range(50)]
    sources: list[Any] = [path, arrays]
    for source in sources:
        shown: list[tuple[int, int]] = []
        for one in rtaction.watch(source, model):
            assert one.frame is not None
            shown.append((int(one.frame.image[0, 0, 0]), round(one.end_seconds * 25)))
        assert len(shown) == 5
        assert [image for image, _ in shown] == [end for _, end in shown]

        for one in list(rtaction.watch(source, model)):
            assert one.frame is not None
            with pytest.raises(RuntimeError, match="before the next prediction"):
                _ = one.frame.image
