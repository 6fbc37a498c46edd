"""Where moments go: each event once into log, callback and clip, and no picture that is no more."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest

from rtaction.errors import OutputError
from rtaction.frame import DeferredFrame, Frame, FrameDamaged
from rtaction.model_spec import ModelSpec
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.cameras.address import Address
from rtaction.realtime.cameras.camera import Camera
from rtaction.realtime.outputs.drawn.overlay import ACCENT, Status, draw_overlay
from rtaction.realtime.outputs.options import OutputOptions
from rtaction.realtime.outputs.sinks import Callbacks, Sinks, Watched, open_sinks
from rtaction.realtime.sources.opening import is_file
from rtaction.realtime.watching.actions import Actions
from rtaction.realtime.watching.moment import Moment, StateChange
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.state import State
from rtaction.video.file import read_video
from tests.realtime.conftest import (
    BrightnessModel,
    frame_times,
    json_lines,
    prediction_of,
    scripted_camera,
)

SPEC = ModelSpec(("bright", "dark"), 5, 1.0, 8, 8, background_label="dark")
RULES = ActionRules.for_model(
    SPEC, overrides={"smoothing_seconds": 0, "min_seconds": 0.25, "cooldown_seconds": 0}
)
MOSAIC_STEP_SECONDS = 1 / 12


class Told:
    """What the callbacks were told."""

    def __init__(self) -> None:
        self.events: list[ActionEvent] = []
        self.states: list[StateChange] = []


def sinks_of(
    cameras: Sequence[Camera],
    told: Told | None = None,
    stats: WatchStats | None = None,
    *,
    rules: ActionRules = RULES,
    screen: Any = None,
    **asked: Any,
) -> AbstractContextManager[Sinks]:
    """Sinks for what was asked, closed at the end."""
    live = {camera.name: not is_file(camera) for camera in cameras}
    watched = Watched(live, stats or WatchStats(), Actions(BrightnessModel(SPEC), rules))
    callbacks = Callbacks(told.events.append, told.states.append) if told else None
    options = OutputOptions(**asked)
    return open_sinks(options, watched, SPEC, device="CPU", screen=screen, callbacks=callbacks)


def film_camera(name: str) -> Camera:
    return Camera(Address("file", f"{name}.mp4", name), name)


def picture(at_seconds: float, value: int, source: str = "test") -> Frame:
    return Frame(np.full((48, 64, 3), value, np.uint8), at_seconds, 0, source)


def predictions(
    scores: Sequence[float], *, start_seconds: float = 0.0, source: str = "test"
) -> list[Prediction]:
    """Windows of one second, each a quarter after the one before; bright by these scores."""
    return [
        prediction_of(
            SPEC,
            (score, 1 - score),
            start_seconds=start_seconds + number / 4,
            end_seconds=start_seconds + number / 4 + 1.0,
            source=source,
        )
        for number, score in enumerate(scores)
    ]


def change(state: State, source: str = "test") -> StateChange:
    return StateChange(source, state, "because", 7.0)


def log_of(path: Path) -> list[dict[str, Any]]:
    return json_lines(path.read_text(encoding="utf-8"))


BLINK = [0.1, 0.9, 0.9, 0.9, 0.1, 0.1]
"""Bright for 0.5 s: windows of middles 0.75, 1.0 and 1.25 s."""


@pytest.mark.parametrize("is_live", [True, False])
def test_an_event_goes_to_log_callback_and_clip_once_each(tmp_path: Path, is_live: bool) -> None:
    log, folder, told, stats = tmp_path / "log.jsonl", tmp_path / "clips", Told(), WatchStats()
    camera = scripted_camera() if is_live else film_camera("test")
    start = 1000.0
    stats.of("test").first_seconds = start
    with sinks_of([camera], told, stats, output=str(log), clip_events=folder) as sinks:
        assert sinks.on_frame is not None
        due = predictions(BLINK, start_seconds=start)
        for number in range(100):
            sinks.on_frame(picture(start + number / 25, 2 * number))
            while due and due[0].end_seconds <= start + number / 25:
                sinks.take(Moment([], [due.pop(0)], []))
        sinks.finish()

    begun, ended = told.events
    assert (begun.source, begun.label, begun.number) == ("test", "bright", 1)
    assert (begun.start_seconds, begun.end_seconds) == (0.75, None)
    assert (ended.start_seconds, ended.end_seconds, ended.number) == (0.75, 1.25, 1)
    assert ended.peak_score == pytest.approx(0.9)
    lines = log_of(log)
    events = [line for line in lines if line["type"] == "event"]
    assert [line["phase"] for line in events] == ["start", "end"]
    assert [(line["start_seconds"], line["end_seconds"]) for line in events] == [
        (0.75, None),
        (0.75, 1.25),
    ]
    assert [line["time"] is None for line in events] == [not is_live] * 2
    assert stats.of("test").num_events == 1
    (clip,) = folder.iterdir()
    assert clip.suffix == ".mkv"
    with av.open(str(clip)) as container:
        grays = [one.to_ndarray(format="gray").mean() for one in container.decode(video=0)]
    # From the first picture, less than 2 s before the event, to 1 s after it.
    assert len(grays) == round(2.25 * 25) + 1
    assert grays[0] == pytest.approx(0, abs=3)
    assert grays[-1] == pytest.approx(2 * 56, abs=3)


def test_no_event_starts_before_the_first_frame(tmp_path: Path) -> None:
    """Windows of people may begin, and have their middle, before it."""
    log, told, stats = tmp_path / "log.jsonl", Told(), WatchStats()
    stats.of("test").first_seconds = 1000.0
    with sinks_of([scripted_camera()], told, stats, output=str(log)) as sinks:
        sinks.take(Moment([], predictions([0.9] * 4, start_seconds=999.25), []))
        sinks.finish()
    assert [(one.start_seconds, one.end_seconds) for one in told.events] == [(0, None), (0, 0.5)]
    lines = [line for line in log_of(log) if line["type"] == "event"]
    assert [line["start_seconds"] for line in lines] == [0, 0]


def test_an_event_that_goes_on_to_the_end_is_told(tmp_path: Path) -> None:
    log, told = tmp_path / "log.jsonl", Told()
    with sinks_of([scripted_camera()], told, output=str(log)) as sinks:
        sinks.take(Moment([], predictions([0.9] * 4), []))
        assert [event.end_seconds for event in told.events] == [None]
        sinks.finish()

    assert [event.end_seconds for event in told.events] == [None, 1.25]
    assert [line["type"] for line in log_of(log)] == [
        *["prediction"] * 4,
        *("event", "event", "summary"),
    ]


@pytest.mark.parametrize("state", ["down", "refused", "ended", "black", "frozen", "late"])
def test_a_loss_ends_the_event(state: State, tmp_path: Path) -> None:
    told = Told()
    with sinks_of([scripted_camera()], told) as sinks:
        sinks.take(Moment([], predictions([0.9] * 4), []))
        sinks.take(Moment([], [], [change(state)]))
        assert [event.end_seconds for event in told.events] == [None, 1.25]
        sinks.finish()

    assert len(told.events) == 2


@pytest.mark.parametrize("state", ["ok", "warming_up", "degraded", "overloaded"])
def test_a_window_or_two_of_too_few_frames_ends_no_event(state: State) -> None:
    told = Told()
    with sinks_of([scripted_camera()], told) as sinks:
        sinks.take(Moment([], predictions([0.9] * 4), []))
        sinks.take(Moment([], [], [change(state)]))

        assert [event.end_seconds for event in told.events] == [None]


def test_events_of_two_sources_are_their_own(tmp_path: Path) -> None:
    told = Told()
    with sinks_of([scripted_camera("a"), scripted_camera("b")], told) as sinks:
        for a, b in zip(
            predictions(BLINK, source="a"),
            predictions([0.1, 0.1, 0.9, 0.9, 0.9, 0.1], start_seconds=50.0, source="b"),
            strict=True,
        ):
            sinks.take(Moment([], [a, b], []))

    found = [
        (event.source, event.number, event.start_seconds)
        for event in told.events
        if event.end_seconds is None
    ]
    assert found == [("a", 1, 0.75), ("b", 1, 51.0)]


def test_every_prediction_is_logged_as_the_network_said_it(tmp_path: Path) -> None:
    """Whatever is smoothed for the eye."""
    log = tmp_path / "log.jsonl"
    smooth = ActionRules.for_model(SPEC, overrides={"smoothing_seconds": 5.0})
    with sinks_of([scripted_camera()], rules=smooth, output=str(log), top_k=1) as sinks:
        sinks.take(Moment([], predictions(BLINK), []))

    lines = [line for line in log_of(log) if line["type"] == "prediction"]
    assert [line["score"] for line in lines] == [max(one, 1 - one) for one in BLINK]
    assert {len(line["top"]) for line in lines} == {1}


def test_states_of_live_sources_are_told_and_logged(tmp_path: Path) -> None:
    log, told = tmp_path / "log.jsonl", Told()
    changes = [change("ok", "cam"), change("ended", "film"), change("down", "cam")]
    with sinks_of([scripted_camera("cam"), film_camera("film")], told, output=str(log)) as sinks:
        sinks.take(Moment([], [], changes))

    assert told.states == [changes[0], changes[2]]
    assert [
        (line["type"], line["source"], line["state"], line["reason"]) for line in log_of(log)
    ] == [
        ("state", "cam", "ok", "because"),
        ("state", "cam", "down", "because"),
    ]


def test_figures_on_demand(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with sinks_of([scripted_camera()], output=str(log)) as sinks:
        sinks.summarise()
        sinks.summarise()
        sinks.finish()

    assert [line["type"] for line in log_of(log)] == ["summary"] * 3


def test_nothing_asked_for_is_nothing_done() -> None:
    with sinks_of([scripted_camera()]) as sinks:
        assert not sinks.draws
        assert sinks.on_frame is None
        sinks.take(Moment([picture(0.0, 9)], predictions([0.9]), [change("ok")]))
        sinks.finish()


@pytest.mark.parametrize(
    "asked",
    [{"save": "x.mov"}, {"output": "file/log.jsonl"}, {"clip_events": "file/clips"}],
    ids=lambda asked: next(iter(asked)),
)
def test_what_cannot_be_written_is_told_at_once(tmp_path: Path, asked: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    option, name = next(iter(asked.items()))
    given: dict[str, Any] = {
        option: str(tmp_path / name) if option == "output" else tmp_path / name
    }

    with pytest.raises(OutputError), sinks_of([scripted_camera()], **given):
        pass


def test_a_damaged_picture_is_in_no_clip_and_no_video(tmp_path: Path) -> None:
    def damaged() -> npt.NDArray[Any]:
        raise FrameDamaged

    saved, folder = tmp_path / "saved.avi", tmp_path / "clips"
    with sinks_of([film_camera("test")], save=saved, clip_events=folder) as sinks:
        assert sinks.on_frame is not None
        for number in range(10):
            frame = picture(number / 25, 100)
            broken = DeferredFrame(damaged, number / 25, number, "test")
            given = broken if number == 5 else frame
            sinks.on_frame(given)
            sinks.take(Moment([given], [], []))
        sinks._take_event(ActionEvent("test", "bright", 0.0, 0.4, 0.9, 1))

    (clip,) = folder.iterdir()
    assert frame_times(clip) == pytest.approx([n / 25 for n in range(10) if n != 5], abs=1e-3)
    assert frame_times(saved)[-1] == pytest.approx(9 / 25, abs=0.05)


def images_of(path: Path) -> list[npt.NDArray[np.uint8]]:
    return [frame.image for frame in read_video(path)]


def after_tiles(sinks: Sinks, *moments: Moment) -> None:
    """Take moments with so much time between them that each is drawn."""
    for moment in moments:
        time.sleep(1.2 * MOSAIC_STEP_SECONDS)
        sinks.take(moment)


def test_the_frame_of_a_source_is_drawn_with_its_overlay(tmp_path: Path) -> None:
    saved = tmp_path / "saved.avi"
    with sinks_of([film_camera("test")], save=saved) as sinks:
        assert sinks.draws
        for number, prediction in enumerate(predictions([0.9] * 8)):
            moment = Moment([picture(number / 4, 90)], [prediction], [change("ok")])
            sinks.take(moment)

    image = images_of(saved)[-1]
    assert image.shape == (480, 640, 3)
    assert image[200:400].mean() == pytest.approx(90, abs=3)
    # Motion JPEG blurs: the colour of the label and its bar, more or less.
    accent = np.abs(image.astype(int) - ACCENT).max(axis=-1) < 40
    assert accent[:58, :300].sum() > 50
    assert accent[80:90, :300].sum() > 500


def tiles_of(image: npt.NDArray[np.uint8]) -> list[float]:
    """Brightness of the middles of two tiles side by side."""
    height = image.shape[0]
    return [
        float(tile[height // 2 - 60 : height // 2 + 60].mean())
        for tile in (image[:, 100:540], image[:, 740:1180])
    ]


def test_two_sources_share_a_picture(tmp_path: Path) -> None:
    saved = tmp_path / "saved.avi"
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        up = Moment([picture(0.0, 60, "a"), picture(0.0, 200, "b")], [], [])
        after_tiles(sinks, up, up)

    image = images_of(saved)[-1]
    assert image.shape == (720, 1280, 3)
    assert tiles_of(image) == pytest.approx([60, 200], abs=4)


@pytest.mark.parametrize("state", ["down", "refused", "ended"])
def test_a_lost_source_goes_dark_and_the_other_stays(tmp_path: Path, state: State) -> None:
    saved = tmp_path / "saved.avi"
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        up = Moment([picture(0.0, 60, "a"), picture(0.0, 200, "b")], [], [])
        after_tiles(sinks, up, Moment([], [], [change(state, "b")]))

    assert tiles_of(images_of(saved)[-1]) == pytest.approx([60, 0], abs=4)


@pytest.mark.parametrize("state", ["down", "refused", "ended"])
def test_the_last_picture_does_not_hide_the_loss(tmp_path: Path, state: State) -> None:
    """A source's last picture and its loss may come in the same moment."""
    saved = tmp_path / "saved.avi"
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        up = Moment([picture(0.0, 60, "a"), picture(0.0, 200, "b")], [], [])
        lost = Moment([picture(0.1, 200, "b")], [], [change(state, "b")])
        after_tiles(sinks, up, lost)

    assert tiles_of(images_of(saved)[-1]) == pytest.approx([60, 0], abs=4)


def test_a_source_that_comes_back_is_drawn_again(tmp_path: Path) -> None:
    saved = tmp_path / "saved.avi"
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        up = Moment([picture(0.0, 60, "a"), picture(0.0, 200, "b")], [], [])
        back = Moment([picture(0.2, 150, "b")], [], [change("warming_up", "b")])
        after_tiles(sinks, up, Moment([], [], [change("down", "b")]), back)

    assert tiles_of(images_of(saved)[-1]) == pytest.approx([60, 150], abs=4)


def test_a_picture_that_comes_between_two_drawings_is_in_the_next(tmp_path: Path) -> None:
    """A source of few pictures must not lose most of them to another one's pace."""
    saved = tmp_path / "saved.avi"
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        up = Moment([picture(0.0, 60, "a"), picture(0.0, 200, "b")], [], [])
        after_tiles(sinks, up)
        sinks.take(Moment([picture(0.01, 150, "b")], [], []))
        after_tiles(sinks, Moment([picture(0.1, 90, "a")], [], []))

    assert tiles_of(images_of(saved)[-1]) == pytest.approx([90, 150], abs=4)


def test_a_mosaic_is_drawn_seldom_and_keeps_time(tmp_path: Path) -> None:
    saved = tmp_path / "saved.avi"
    looked: list[int] = []

    def image(number: int) -> npt.NDArray[np.uint8]:
        looked.append(number)
        return np.full((48, 64, 3), 100, np.uint8)

    began_seconds = time.monotonic()
    num_frames = 0
    with sinks_of([scripted_camera("a"), scripted_camera("b")], save=saved) as sinks:
        while time.monotonic() < began_seconds + 0.6:
            one = DeferredFrame(lambda n=num_frames: image(n), 0.0, 0, "a")  # type: ignore[misc]
            sinks.take(Moment([one], [], []))
            num_frames += 1
    took_seconds = time.monotonic() - began_seconds

    assert num_frames > 2 * len(looked)
    assert 3 <= len(looked) <= took_seconds / MOSAIC_STEP_SECONDS + 1
    assert frame_times(saved)[-1] == pytest.approx(took_seconds, abs=2.5 * MOSAIC_STEP_SECONDS)


def test_files_alone_are_drawn_one_after_the_other(tmp_path: Path) -> None:
    """They come one after the other, so there is no mosaic; each keeps all its frames."""
    saved = tmp_path / "saved.avi"
    stats = WatchStats()
    with sinks_of([film_camera("a"), film_camera("b")], stats=stats, save=saved) as sinks:
        for name, value in (("a", 60), ("b", 200)):
            stats.of(name).frames_per_second = 25.0
            for number in range(10):
                sinks.take(Moment([picture(number / 25, value, name)], [], []))
            sinks.take(Moment([], [], [change("ended", name)]))

    grays = [image[200:400].mean() for image in images_of(saved)]
    assert grays[:10] == pytest.approx([60] * 10, abs=4)
    assert grays[-1] == pytest.approx(200, abs=4)
    assert 19 <= len(grays) <= 21


def test_the_score_that_is_drawn_is_the_smoothed_one(tmp_path: Path) -> None:
    """So that the bar does not flicker; the log keeps what the network said."""
    saved = tmp_path / "saved.avi"
    smooth = ActionRules.for_model(SPEC, overrides={"smoothing_seconds": 1.0})
    with sinks_of([film_camera("test")], rules=smooth, save=saved) as sinks:
        for number, prediction in enumerate(predictions([0.2, 0.6, 1.0, 0.2, 0.6])):
            sinks.take(Moment([picture(number / 4, 90)], [prediction], [change("ok")]))

    # Straight lines between 0.2, 0.6, 1.0, 0.2 and 0.6 have the mean 0.55.
    mean = prediction_of(SPEC, (0.55, 0.45), end_seconds=1.0)
    status = Status(0.0, 0.012, "CPU", "ok")
    expected = draw_overlay(np.full((48, 64, 3), 90, np.uint8), mean, status, actions=("bright",))
    drawn = images_of(saved)[-1]
    row = slice(80, 90)
    assert drawn[row, :300].astype(int) == pytest.approx(expected[row, :300].astype(int), abs=60)
    last = np.flatnonzero(np.abs(drawn[84].astype(int) - ACCENT).max(axis=-1) < 60).max()
    assert last == pytest.approx(16 + 268 * 0.55, abs=4)
