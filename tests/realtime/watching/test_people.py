"""Each person has predictions and events of their own, in files, in arrays and live."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import rtaction
from rtaction.errors import ModelUnreadable, UsageError
from rtaction.frame import FrameLike
from rtaction.model_spec import ModelSpec
from rtaction.onnx_format.file import BOUNDARY_KEY
from rtaction.pose.keypoints import Pose
from rtaction.pose.region import Region, Zone
from rtaction.prediction import Prediction
from rtaction.realtime.actions.detector import ActionEvent
from rtaction.realtime.actions.rules import ActionRules
from rtaction.realtime.model.action_model import ActionModel
from rtaction.realtime.sources.source import Source
from rtaction.realtime.watching.actions import Actions
from rtaction.realtime.watching.camera_rules import SourceRules
from rtaction.realtime.watching.follower import Follower
from rtaction.realtime.watching.live import LiveWatch
from rtaction.realtime.watching.moment import Leave, Moment
from rtaction.realtime.watching.options import WatchOptions
from rtaction.realtime.watching.people import count_options
from rtaction.realtime.watching.stats import WatchStats
from rtaction.realtime.windows.who_counts import EVERYBODY, CountOptions
from tests.person_model import PERSON_SPEC
from tests.realtime.conftest import WAIT_SECONDS, ScriptedSource, scripted_camera
from tests.realtime.scripted_people import RATE, HandsScorer, Script, ScriptedPeople, standing

RULES = ActionRules.for_model(
    PERSON_SPEC, overrides={"smoothing_seconds": 0.25, "min_seconds": 0.2, "cooldown_seconds": 0}
)


def _two(t: float) -> list[Pose]:
    """One lifts the hands from 2 to 4 s, the other from 3 s on, and leaves at 6 s."""
    first = standing(0.25, hands_up=2.0 <= t < 4.0)
    return [first, *[standing(0.75, hands_up=t >= 3.0)] * (t < 6.0)]


def _followed(
    script: Script, seconds: float, count: CountOptions = EVERYBODY
) -> tuple[list[Prediction], list[tuple[float, ActionEvent]]]:
    """What comes of a file, and when each event was told."""
    people, scorer = ScriptedPeople(script), HandsScorer()
    follower = Follower(scorer, "test", WatchOptions(count=count, networks=people.networks))
    actions = Actions(scorer, RULES)
    predictions, told = [], []
    moments = [(frame.captured_at_seconds, follower.see(frame)) for frame in people.frames(seconds)]
    for at_seconds, moment in [*moments, (seconds, follower.end())]:
        predictions += moment.predictions
        told += [(at_seconds, event) for event in actions.see(moment)]
    return predictions, told


def test_the_event_of_somebody_who_is_hardly_seen_any_more_ends() -> None:
    def script(t: float) -> list[Pose]:
        """Hands up; from 3 s on in one picture of eight, too seldom to be judged or to leave."""
        return [standing(0.5, hands_up=True)] * (t < 3.0 or round(t * RATE) % 8 == 0)

    predictions, told = _followed(script, 9.0)
    assert {one.person for one in predictions} == {1}
    last_seconds = max(one.end_seconds for one in predictions)
    (_, start), (at_seconds, end) = told
    assert start.end_seconds is None
    assert end.end_seconds is not None
    assert end.end_seconds < last_seconds < 5.0
    # With the first window that ends more than 1.5 s later.
    assert at_seconds == pytest.approx(last_seconds + 1.5 + PERSON_SPEC.frame_interval_seconds)


def test_two_people_have_two_streams_of_events() -> None:
    predictions, told = _followed(_two, 9.0)
    ids = {
        person: {
            round(one.box[1] + one.box[3])
            for one in predictions
            if one.person == person and one.box
        }
        for person in (1, 2)
    }
    left_one, right_one = sorted(ids, key=lambda person: max(ids[person]))
    events = [(event.person, event.label, event.end_seconds is None) for _, event in told]
    assert events == [
        (left_one, "hands_up", True),
        (right_one, "hands_up", True),
        (left_one, "hands_up", False),
        (right_one, "hands_up", False),
    ]
    assert [event.number for _, event in told] == [1, 2, 1, 2]
    starts = [event.start_seconds for _, event in told[:2]]
    assert starts == pytest.approx([2.25, 3.25], abs=0.3)
    assert told[2][1].end_seconds == pytest.approx(3.75, abs=0.4)
    for _, event in told:
        assert event.box is not None
        assert (event.box[1] + event.box[3]) / 2 == pytest.approx(
            0.25 if event.person == left_one else 0.75, abs=0.02
        )


def test_who_leaves_ends_their_event_where_it_was_last_seen() -> None:
    _, told = _followed(_two, 9.0)
    told_seconds, end = told[-1]
    assert end.end_seconds is not None
    assert 5.0 < end.end_seconds < 6.1
    assert 6.0 < told_seconds < 7.8, "though the other is still there until 9 s"


def test_an_id_outlasts_a_second_of_hiding() -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.25)] + [standing(0.6 + 0.01 * t, hands_up=True)] * (not 3.0 < t < 4.0)

    predictions, told = _followed(script, 7.0)
    assert {one.person for one in predictions} == {1, 2}
    assert {event.person for _, event in told} == {
        one.person for one in predictions if one.label == "hands_up"
    }


def test_only_the_largest_has_events() -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.25, size=0.5, hands_up=True), standing(0.7, hands_up=t > 2.0)]

    predictions, told = _followed(script, 5.0, CountOptions(person="largest"))
    assert len({one.person for one in predictions}) == 1
    (_, start), _ = told
    assert start.start_seconds == pytest.approx(2.25, abs=0.3)


def test_who_leaves_is_forgotten() -> None:
    actions = Actions(HandsScorer(), RULES)
    before = actions.of("a", 1)
    assert actions.of("a", 1) is before
    assert actions.of("a", 2) is not before
    assert actions.see(Moment(left=[Leave("a", 1), Leave("b", 1)])) == []
    assert actions.of("a", 1) is not before


class Watching:
    """Two live cameras with people in front of them, each given its frames as they are due."""

    def __init__(self, scripts: Sequence[Script], regions: Sequence[Region | None]) -> None:
        self.scorer = HandsScorer()
        self.moments: list[Moment] = []
        self.people = [ScriptedPeople(script) for script in scripts]
        names = [str(number) for number in range(len(scripts))]
        self.sources = {name: ScriptedSource(name=name) for name in names}
        cameras = [
            replace(scripted_camera(name), region=region)
            for name, region in zip(names, regions, strict=True)
        ]

        def open_source(camera: object) -> Source:
            return self.sources[camera.name]  # type: ignore[attr-defined]

        self.live = LiveWatch(
            self.scorer,
            cameras,
            WatchStats(),
            # Whoever reads the time off a picture serves all cameras, as real networks do.
            WatchOptions(keep_frames=False, networks=self.people[0].networks),
            open_with=open_source,
        )
        self._thread = threading.Thread(target=self._follow)

    def run(self, seconds: float) -> None:
        self._thread.start()
        start = time.monotonic()
        for number in range(round(8 * seconds)):
            time.sleep(max(start + number / 8 - time.monotonic(), 0))
            for people, (name, source) in zip(self.people, self.sources.items(), strict=True):
                frame: FrameLike = people.frame(number / 8, source=name, start_seconds=start)
                source.give(frame)
        for source in self.sources.values():
            source.end()
        self._thread.join(WAIT_SECONDS)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        self.moments += self.live.moments()


def test_several_cameras_share_the_networks_and_the_batch() -> None:
    def script(t: float) -> list[Pose]:
        return [standing(0.25), standing(0.75, hands_up=True)]

    watching = Watching([script, script], [None, Region.of([0.5, 0, 1, 1])])
    watching.run(2.5)

    predictions = [one for moment in watching.moments for one in moment.predictions]
    seen = {(one.source, one.person, one.label) for one in predictions}
    assert {(source, label) for source, _, label in seen} == {
        ("0", "hands_up"),
        ("0", "hands_down"),
        ("1", "hands_up"),
    }
    assert len(seen) == 3
    assert max(one.latency_seconds for one in predictions) < 1.0
    assert max(len(batch) for batch in watching.scorer.features) >= 2


def test_settings_of_people_are_refused_for_models_of_pictures(tiny_spec: ModelSpec) -> None:
    for given in ({"max_persons": 2}, {"person": "largest"}, {"region": [0, 0, 1, 0.5]}):
        name = next(iter(given))
        with pytest.raises(UsageError, match=f"{name} is for models of people.*modality rgb"):
            count_options(tiny_spec, **given)
        assert count_options(PERSON_SPEC, **given) != EVERYBODY
    assert count_options(tiny_spec) == EVERYBODY


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"max_persons": 0}, "max_persons must be a whole number, 1 or more, got 0"),
        ({"max_persons": 2.5}, "got 2.5"),
        ({"max_persons": "3"}, "got '3'"),
        ({"region": 0.5}, "left, top, right and bottom .* got 0.5"),
        ({"region": [0, 0, "a", 1]}, "left, top, right and bottom .* 'a'"),
        ({"region": [[0, 0], [1, 0], [1, 1]]}, "x and y of three or more corners"),
        ({"region": [0, 0, 2, 1]}, "left, top, right and bottom"),
        ({"person": "tallest"}, '"all" or "largest"'),
    ],
)
def test_settings_that_cannot_be_meant(given: dict[str, object], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        count_options(PERSON_SPEC, **given)  # type: ignore[arg-type]


def test_the_package_refuses_them_too(tiny_model: Path, halves_video: Path) -> None:
    with pytest.raises(UsageError, match="person is for models of people"):
        rtaction.Recognizer(tiny_model, person="largest")
    with pytest.raises(UsageError, match="region is for models of people"):
        next(rtaction.watch(halves_video, tiny_model, region=[0, 0, 1, 0.5]))


def test_a_model_that_says_pose_and_reads_no_joints_is_refused(
    tmp_path: Path, tiny_spec: ModelSpec
) -> None:
    from tests.tiny_model import write_tiny_model

    path = write_tiny_model(tmp_path / "m.onnx", replace(tiny_spec, modality="pose"))
    model = ActionModel(path, device="cpu")
    assert BOUNDARY_KEY in model.file.metadata
    with pytest.raises(ModelUnreadable, match="17 joints"):
        _ = model.pose_networks


@pytest.mark.parametrize(
    ("x", "seconds", "expected"),
    [
        (0.25, 4.0, "nobody who counts is seen in it for 0.4 s"),
        (0.75, 4.0, None),
        (0.75, 0.12, "too short: 0.25 s, a window needs 0.38 s"),
    ],
)
def test_a_video_without_anybody_who_counts_says_so(
    x: float, seconds: float, expected: str | None
) -> None:
    people = ScriptedPeople(lambda _: [standing(x)])
    count = CountOptions(region=Region.of([0.5, 0, 1, 1]))
    follower = Follower(HandsScorer(), "test", WatchOptions(count=count, networks=people.networks))
    for frame in people.frames(seconds):
        follower.see(frame)
    follower.end()
    assert follower.why_nothing == expected


def test_events_count_where_people_stand() -> None:
    """Somebody with raised hands walks from left to right, through a zone, and out of it."""

    def script(t: float) -> list[Pose]:
        return [standing(0.1 + 0.08 * t, hands_up=True)]

    zone = Zone("middle", Region.of([0.4, 0, 0.6, 1]), ("hands_up",))
    people, scorer = ScriptedPeople(script), HandsScorer()
    options = WatchOptions(count=CountOptions(zones=(zone,)), networks=people.networks)
    follower = Follower(scorer, "test", options)
    actions = Actions(scorer, RULES, by_source={"test": SourceRules(RULES, zones=(zone,))})
    predictions, events = [], []
    for frame in people.frames(10.0):
        moment = follower.see(frame)
        predictions += moment.predictions
        events += actions.see(moment)
    inside = [one.end_seconds for one in predictions if one.zones == ("middle",)]
    # In the zone from 3.75 to 6.25 s, and not really out of it for another second.
    assert (inside[0], inside[-1]) == pytest.approx((3.75, 7.25), abs=0.3)
    assert {one.zones for one in predictions} == {(), ("middle",)}
    start, end = events
    assert (start.label, start.zones, end.zones) == ("hands_up", ("middle",), ("middle",))
    assert end.end_seconds is not None
    # A window counts at its middle, its scores at the middle of their mean.
    assert 3.0 < start.start_seconds < 4.0
    assert 6.0 < end.end_seconds < 7.3


def test_thresholds_of_one_source_are_replaced_while_it_is_watched() -> None:
    people, scorer = ScriptedPeople(lambda t: [standing(0.5, hands_up=True)]), HandsScorer()
    actions = Actions(scorer, RULES)
    followers = {
        name: Follower(scorer, name, WatchOptions(networks=people.networks)) for name in "ab"
    }
    never = ActionRules.for_model(PERSON_SPEC, overrides={"enter": 1.0, "exit": 1.0})
    told = []
    for number in range(round(6 * RATE)):
        if number == 3 * RATE:
            actions.set_rules("b", never)
        for name, follower in followers.items():
            told += actions.see(follower.see(people.frame(number / RATE, source=name)))
    ended = [event for event in told if event.end_seconds is not None]
    assert [(event.source, event.label) for event in told] == [
        ("a", "hands_up"),
        ("b", "hands_up"),
        ("b", "hands_up"),
    ]
    assert ended[0].source == "b"
    assert ended[0].end_seconds == pytest.approx(3.0, abs=0.7)
    assert actions.rules_of("b").rules is never
    assert actions.rules_of("a").rules is RULES
    assert actions.longest_delay_seconds == max(
        Actions(scorer, rules).longest_delay_seconds for rules in (RULES, never)
    )
