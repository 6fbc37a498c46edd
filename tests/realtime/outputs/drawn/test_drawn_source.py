"""What is drawn of a source: its frames with what is known, and a dark picture where it is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.frame import Frame
from rtaction.pose.keypoints import Pose
from rtaction.pose.region import Region
from rtaction.pose.tracker import Person
from rtaction.prediction import Prediction
from rtaction.realtime.outputs.drawn.drawn_source import DrawnSource
from tests.person_model import PERSON_SPEC
from tests.realtime.conftest import prediction_of
from tests.realtime.scripted_people import standing


def frame_of(image: np.ndarray) -> Frame:
    return Frame(image, 0.0, 0, "test")


def test_a_source_that_gives_frames_is_no_longer_connecting() -> None:
    picture = DrawnSource("")
    states = [picture.state]
    picture.draw(frame_of(np.zeros((480, 640, 3), np.uint8)), 1, "CPU", top_k=3)
    states.append(picture.state)

    assert states == ["connecting", "warming_up"]


@pytest.mark.parametrize("mirror", [False, True])
def test_a_mirror_changes_sides(mirror: bool) -> None:
    image = np.zeros((480, 640, 3), np.uint8)
    image[200:240, :20] = 255

    drawn = DrawnSource("", mirror=mirror).draw(frame_of(image), 1, "CPU", top_k=3)

    left, right = drawn[200:240, :20], drawn[200:240, -20:]
    bright, dark = (right, left) if mirror else (left, right)
    assert bright.min() == 255
    assert dark.max() == 0


def test_a_lost_source_is_dark_and_has_the_size_of_its_last_frame() -> None:
    picture = DrawnSource("")
    picture.draw(frame_of(np.full((480, 640, 3), 200, np.uint8)), 1, "CPU", top_k=3)
    picture.state = "down"

    lost = picture.draw_lost("CPU")

    assert lost.shape == (480, 640, 3)
    assert np.median(lost) == 0


def _followed(*people: Person, **options: Any) -> DrawnSource:
    """A source of 480x640 in which these people were seen."""
    source = DrawnSource("", **options)
    source.state = "ok"
    source.see(people)
    return source


def _person(number: int, x: float) -> Person:
    pose = standing(x)
    pose = Pose(pose.points * np.array([2, 2, 1], np.float32), pose.score)
    return Person(number, pose, pose, np.zeros(2), 0.0, 0.0)


def _drawn(source: DrawnSource) -> npt.NDArray[Any]:
    return source.draw(frame_of(np.full((480, 640, 3), 90, np.uint8)), 1, "CPU", top_k=2)


def _doing(number: int, score: float) -> Prediction:
    return replace(prediction_of(PERSON_SPEC, (score, 1 - score)), person=number)


PANEL_AREA = slice(0, 60), slice(0, 300)


def test_who_is_alone_has_scores_in_the_panel_and_a_label_at_the_box() -> None:
    source = _followed(_person(1, 0.75))
    waiting = _drawn(source)
    source.take(_doing(1, 0.9), ("hands_up",))
    acting = _drawn(source)
    differs = (waiting != acting).any(axis=-1)
    assert differs[PANEL_AREA].any()
    assert differs[60:120, 0:300].any(), "bars"
    assert differs[:, 320:].any(), "the tab at the box"


def test_several_have_their_labels_at_their_boxes_and_the_picture_stays_free() -> None:
    source = _followed(_person(1, 0.25), _person(2, 0.75))
    for number in (1, 2):
        source.take(_doing(number, 0.2), ())
    idle = _drawn(source)
    assert (idle[:20, :60] == 90).all(), "no panel"
    assert (idle[430:445, :60] == 90).all(), "no panel"
    source.take(_doing(2, 0.9), ("hands_up",))
    differs = (_drawn(source) != idle).any(axis=-1)
    assert differs[:, 400:].any()
    assert not differs[:, :320].any()
    source.leave(2)
    source.see([_person(1, 0.25)])
    alone = _drawn(source)
    assert not (alone[430:445, :60] == 90).all(), "the panel of who is alone"
    assert (alone[:20, :60] == 90).all(), "where hands may be raised"


def test_nobody_is_said_to_be_there() -> None:
    empty = _drawn(_followed())
    warming = _drawn(_followed(_person(1, 0.75)))
    assert (empty[PANEL_AREA] != 90).any()
    assert (empty[PANEL_AREA] != warming[PANEL_AREA]).any()
    assert (empty[60:440, 310:] == 90).all()


def test_of_people_nothing_is_told_while_no_window_can_be_judged() -> None:
    source = _followed(_person(1, 0.75))
    source.take(_doing(1, 0.9), ("hands_up",))
    told = _drawn(source)
    source.state = "black"
    source.see([])
    assert (_drawn(source)[:, 400:430] == 90).mean() > (told[:, 400:430] == 90).mean()
    assert not np.array_equal(_drawn(source)[PANEL_AREA], told[PANEL_AREA])


def test_a_region_is_drawn_with_the_people() -> None:
    region = Region.of([0.5, 0.2, 1, 0.8])
    differs = (_drawn(_followed(region=region)) != _drawn(_followed())).any(axis=-1)
    assert differs[200, 320]
    assert not differs[200, 330:600].any()
