"""People of real clips, which are not part of the project, keep their ids."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from rtaction.models import PEOPLE_MODEL, POSE_MODEL
from rtaction.pose.network import CloseNetwork, FindNetwork
from rtaction.pose.people import PeopleFollower
from rtaction.video.file import read_video


@pytest.mark.parametrize(
    "name",
    [
        "webcam_dev/wave/p1_t1.mp4",
        "people_dev/fall/up_a1_t1c1_1.3.mp4",  # falls out of the picture's bottom
        "people_dev/jumping_jack/tre_jack.mp4",  # upright phone picture
    ],
)
def test_one_person_is_followed_under_one_id(real_clips: Path, name: str) -> None:
    close = CloseNetwork(onnxruntime.InferenceSession(POSE_MODEL))
    find = FindNetwork(onnxruntime.InferenceSession(PEOPLE_MODEL))
    follower, due_seconds = None, 0.0
    numbers = []
    for frame in read_video(real_clips / name):
        if frame.captured_at_seconds < due_seconds:
            continue
        due_seconds += 0.125
        image = frame.image
        follower = follower or PeopleFollower(close, find, (image.shape[0], image.shape[1]))
        seen, _ = follower.look_at(image, frame.captured_at_seconds)
        numbers.append([one.number for one in seen])
    assert len(numbers) > 10
    assert numbers.count([1]) >= 0.9 * len(numbers)
    assert {number for one in numbers for number in one} == {1}
