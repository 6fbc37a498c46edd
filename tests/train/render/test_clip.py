"""The rendered people do what their label says, reproducibly and on time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from rtaction.arrays import Float64Array
from rtaction.train.render.body import (
    arm_reaching,
    joint_positions,
    sample_body,
    smoothstep,
)
from rtaction.train.render.clip import RENDERED_LABELS, clip_joints, render_clip, render_sequence
from rtaction.train.render.drawing import Viewpoint
from rtaction.train.render.motion import clip_motion, sequence_motion

SEEDS = range(25)
SIDES = ("left", "right")
ACTING_LABELS = ("arms_raise", "arms_side", "clap", "punch", "wave")
TIMES = np.arange(0, 2.5, 1 / 30)
# While nobody is on the way from or to rest.
MIDDLE = slice(24, 54)

Joints = dict[str, Float64Array]


def joints_of(label: str, seed: int) -> Joints:
    return clip_joints(label, seed=seed, times_seconds=TIMES)


def from_shoulder(joints: Joints, side: str) -> Float64Array:
    return np.asarray(joints[f"wrist_{side}"] - joints[f"shoulder_{side}"])


def travel(joints: Joints, side: str) -> float:
    """Way of a wrist against its shoulder, in metres per second, away from the transitions."""
    steps = np.diff(from_shoulder(joints, side)[MIDDLE], axis=0)
    return float(np.linalg.norm(steps, axis=1).mean() * 30)


def test_labels_are_sorted() -> None:
    assert RENDERED_LABELS == (
        "arms_raise",
        "arms_side",
        "clap",
        "nothing",
        "other",
        "punch",
        "wave",
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_bones_keep_their_lengths(seed: int) -> None:
    body = sample_body(np.random.default_rng(seed))
    motion = clip_motion("wave", body, TIMES, 2.5, np.random.default_rng(seed))
    joints = joint_positions(body, motion)
    for side in SIDES:
        upper = np.linalg.norm(joints[f"elbow_{side}"] - joints[f"shoulder_{side}"], axis=1)
        fore = np.linalg.norm(joints[f"wrist_{side}"] - joints[f"elbow_{side}"], axis=1)
        np.testing.assert_allclose(upper, body.upper_arm_metres, atol=1e-9)
        np.testing.assert_allclose(fore, body.forearm_metres, atol=1e-9)
    assert 0.97 < joints["crown"][:, 1].mean() / body.stature_metres < 1.03


def test_an_arm_reaches_the_asked_place() -> None:
    body = sample_body(np.random.default_rng(3))
    wrist = np.array([[0.02, -0.1, 0.15], [0.1, -0.2, 0.05]])
    upper, fore, _ = np.moveaxis(arm_reaching(body, wrist, np.array([1.0, -1.0, 0.0])), 1, 0)
    reached = upper * body.upper_arm_metres + fore * body.forearm_metres
    reached[:, 0] += body.shoulder_half_width_metres
    np.testing.assert_allclose(reached, wrist * body.stature_metres, atol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_arms_raise_lifts_both_wrists_above_the_head(seed: int) -> None:
    joints = joints_of("arms_raise", seed)
    lower_wrist = np.minimum(joints["wrist_left"][:, 1], joints["wrist_right"][:, 1])
    above_crown = lower_wrist - joints["crown"][:, 1]
    assert above_crown.max() > 0.02
    assert above_crown.min() < -0.2, "they also come down"


@pytest.mark.parametrize("seed", SEEDS)
def test_arms_side_reaches_wide_at_the_height_of_the_shoulders(seed: int) -> None:
    joints = joints_of("arms_side", seed)
    left, right = from_shoulder(joints, "left"), from_shoulder(joints, "right")
    span = np.linalg.norm(joints["wrist_left"] - joints["wrist_right"], axis=1)
    widest = int(span.argmax())
    arms = np.linalg.norm(left[widest]) + np.linalg.norm(right[widest])
    shoulders = joints["shoulder_left"] - joints["shoulder_right"]
    assert span[widest] > 0.9 * (arms + np.linalg.norm(shoulders[widest]))
    # The trunk may lean, so one arm is a little higher than the other; arms that hold out drift.
    assert abs(left[widest, 1] + right[widest, 1]) / 2 < 0.25


@pytest.mark.parametrize("seed", SEEDS)
def test_arms_raise_goes_up_in_front_and_never_wide(seed: int) -> None:
    joints = joints_of("arms_raise", seed)
    arms = [np.linalg.norm(from_shoulder(joints, side), axis=1) for side in SIDES]
    shoulders = np.linalg.norm(joints["shoulder_left"] - joints["shoulder_right"], axis=1)
    span = np.linalg.norm(joints["wrist_left"] - joints["wrist_right"], axis=1)
    assert (span[MIDDLE] < 0.9 * (arms[0] + arms[1] + shoulders)[MIDDLE]).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_clap_brings_the_wrists_together_before_the_chest(seed: int) -> None:
    joints = joints_of("clap", seed)
    apart = np.linalg.norm(joints["wrist_left"] - joints["wrist_right"], axis=1)[MIDDLE]
    assert apart.min() < 0.10
    assert apart.max() > apart.min() + 0.07
    meetings = (apart[1:-1] < apart[:-2]) & (apart[1:-1] <= apart[2:])
    assert meetings.sum() >= 1
    for side in SIDES:
        wrist = from_shoulder(joints, side)[MIDDLE]
        assert (wrist[:, 2] > 0.1).all(), "in front"
        assert (np.abs(wrist[:, 1]) < 0.5).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_wave_moves_exactly_one_raised_wrist(seed: int) -> None:
    joints = joints_of("wave", seed)
    still, waving = sorted(SIDES, key=lambda side: travel(joints, side))
    assert travel(joints, waving) > 0.15
    assert travel(joints, still) < 0.1
    # A hand beside the shoulder at the least: wrists above elbows.
    raised = joints[f"wrist_{waving}"][MIDDLE, 1] - joints[f"elbow_{waving}"][MIDDLE, 1]
    assert np.median(raised) > 0.05
    swing = from_shoulder(joints, waving)[MIDDLE, 0]
    turns = np.diff(np.sign(np.diff(swing))) != 0
    assert turns.sum() >= 2, "to and fro"


@pytest.mark.parametrize("seed", SEEDS)
def test_punch_thrusts_a_fist_ahead_and_takes_it_back(seed: int) -> None:
    joints = joints_of("punch", seed)
    reaches = [
        np.linalg.norm(from_shoulder(joints, side), axis=1)[MIDDLE]
        / np.linalg.norm(from_shoulder(joints, side), axis=1).max()
        for side in SIDES
    ]
    assert max(np.ptp(reach) for reach in reaches) > 0.2
    thrusts = [from_shoulder(joints, side)[MIDDLE] for side in SIDES]
    ahead = max((wrist[wrist[:, 2].argmax()] for wrist in thrusts), key=lambda wrist: wrist[2])
    assert ahead[2] > abs(ahead[1]), "ahead rather than up"


def test_a_punch_turns_the_chest() -> None:
    def turn(label: str, seed: int) -> float:
        joints = joints_of(label, seed)
        chest = (joints["shoulder_left"] - joints["shoulder_right"])[MIDDLE]
        return float(np.ptp(chest[:, 2] / np.linalg.norm(chest, axis=1)))

    turns = {label: [turn(label, seed) for seed in SEEDS] for label in ("punch", "clap")}
    assert np.median(turns["punch"]) > np.median(turns["clap"]) + 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_other_motion_bends_no_bone_and_never_jumps(seed: int) -> None:
    body = sample_body(np.random.default_rng(seed))
    times = np.arange(0, 2.5, 1 / 120)
    motion = clip_motion("other", body, times, 2.5, np.random.default_rng(seed))
    joints = joint_positions(body, motion)
    for side in SIDES:
        upper = np.linalg.norm(joints[f"elbow_{side}"] - joints[f"shoulder_{side}"], axis=1)
        np.testing.assert_allclose(upper, body.upper_arm_metres, atol=1e-9)
        assert np.abs(np.diff(joints[f"wrist_{side}"], axis=0)).max() < 12.0 / 120
    for name, place in joints.items():
        assert np.isfinite(place).all(), name


def test_other_motion_walks_bends_turns_and_lies_down() -> None:
    people = [joints_of("other", seed) for seed in range(120)]
    walked = [np.ptp(joints["pelvis"][:, [0, 2]], axis=0).max() for joints in people]
    height = [joints["crown"][:, 1].min() for joints in people]
    facing = [joints["shoulder_left"][0, 0] > joints["shoulder_right"][0, 0] for joints in people]
    assert sum(way > 0.7 for way in walked) >= 10
    assert sum(low < 0.6 for low in height) >= 5, "on the floor, or bent down to it"
    assert 5 <= len(people) - sum(facing) <= 60, "some show their back"


def test_other_motion_never_claps() -> None:
    """Hands may meet, but not again and again."""
    for seed in range(60):
        joints = joints_of("other", seed)
        apart = np.linalg.norm(joints["wrist_left"] - joints["wrist_right"], axis=1)
        # Together is 0 and apart is 1; what lies between is neither.
        phases = np.where(apart < 0.12, 0, np.where(apart > 0.2, 1, -1))
        phases = phases[phases >= 0]
        assert (np.diff(phases) < 0).sum() <= 2, seed


def test_rooms_without_people_and_people_far_away_are_other() -> None:
    near = render_clip("nothing", seed=0, seconds=0.5, size_hw=(48, 64)).images.astype(int)
    pictures = [
        render_clip("other", seed=seed, seconds=0.5, size_hw=(48, 64)).images for seed in range(12)
    ]
    assert all(picture.shape == near.shape for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == 12


def test_wave_uses_either_hand() -> None:
    waving = [
        max(SIDES, key=lambda side: travel(joints, side))
        for joints in (joints_of("wave", seed) for seed in SEEDS)
    ]
    assert set(SIDES) == set(waving)


def test_nothing_moves_the_arms_least() -> None:
    def energy(label: str) -> float:
        fastest = [max(travel(joints_of(label, seed), s) for s in SIDES) for seed in SEEDS]
        return float(np.mean(fastest))

    idle = energy("nothing")
    assert idle < 0.1, "metres per second"
    for label in ACTING_LABELS:
        assert energy(label) > 3 * idle


def test_pictures_change_least_when_nothing_happens() -> None:
    def energy(label: str) -> float:
        clips = [render_clip(label, seed=seed, size_hw=(48, 64)) for seed in range(8)]
        # Blurring takes away the noise, which is the same in all labels.
        changes = [np.abs(np.diff(blurred(clip.images), axis=0)).mean() for clip in clips]
        return float(np.mean(changes))

    idle = energy("nothing")
    for label in ACTING_LABELS:
        assert energy(label) > 1.2 * idle


def blurred(images: npt.NDArray[np.uint8]) -> Float64Array:
    num, height, width, _ = images.shape
    blocks = images.reshape(num, height // 4, 4, width // 4, 4, 3)
    return np.asarray(blocks.mean(axis=(2, 4)))


def test_a_clip_has_the_asked_size_and_times() -> None:
    clip = render_clip("clap", seed=1, seconds=2.0, frames_per_second=10, size_hw=(48, 80))
    assert clip.images.shape == (21, 48, 80, 3)
    assert clip.images.dtype == np.uint8
    np.testing.assert_allclose(clip.times_seconds, np.arange(21) / 10)
    assert clip.images.std() > 5, "not a blank"
    assert len(render_clip("clap", seed=1)) == 38


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, again, other = (render_clip("wave", seed=seed, seconds=0.6) for seed in (4, 4, 5))
    assert first.images.tobytes() == again.images.tobytes()
    assert first.images.tobytes() != other.images.tobytes()


def test_a_seed_is_one_person_in_one_room() -> None:
    quiet, loud = (render_clip(label, seed=12, seconds=0.5).images for label in ("nothing", "wave"))
    assert quiet.tobytes() != loud.tobytes()
    # Corners show the wall alone, with the same noise; the camera exposes by all that it sees.
    corners = quiet[:, :8, :8].astype(int) - loud[:, :8, :8]
    assert np.abs(corners).max() <= 4


def test_pictures_are_neither_dark_nor_burnt_out() -> None:
    means = [render_clip("wave", seed=seed, seconds=0.2).images.mean() for seed in range(12)]
    assert min(means) > 50
    assert max(means) < 180
    assert np.ptp(means) > 30


def test_movement_does_not_depend_on_the_frame_rate() -> None:
    slow = clip_joints("wave", seed=3, times_seconds=np.linspace(0, 2, 11))["wrist_left"]
    fast = clip_joints("wave", seed=3, times_seconds=np.linspace(0, 2, 41))["wrist_left"]
    np.testing.assert_allclose(slow, fast[::4], atol=1e-9)


def test_jittered_times_stay_in_order() -> None:
    clip = render_clip("nothing", seed=2, seconds=1.5, size_hw=(32, 32), jitter_seconds=0.1)
    steps = np.diff(clip.times_seconds)
    assert (steps >= 0).all()
    assert steps.std() > 0.01
    assert clip.times_seconds[0] == 0
    assert abs(clip.duration_seconds - 22 / 15) <= 0.2


def test_a_sequence_lists_its_intervals() -> None:
    parts = [("nothing", 0.6), ("wave", 1.2), ("clap", 1.0)]
    clip, intervals = render_sequence(parts, seed=6, size_hw=(48, 64))
    assert [label for label, _, _ in intervals] == ["nothing", "wave", "clap"]
    np.testing.assert_allclose([start for _, start, _ in intervals], [0, 0.6, 1.8])
    np.testing.assert_allclose([end for _, _, end in intervals], [0.6, 1.8, 2.8])
    assert clip.images.shape == (43, 48, 64, 3)


def test_a_sequence_acts_within_its_intervals_and_never_jumps() -> None:
    body = sample_body(np.random.default_rng(0))
    times = np.arange(0, 7, 1 / 60)
    intervals = [("nothing", 0, 1.5), ("arms_raise", 1.5, 4.5), ("nothing", 4.5, 7.0)]
    joints = joint_positions(
        body, sequence_motion(intervals, body, times, np.random.default_rng(1))
    )
    above = joints["wrist_left"][:, 1] - joints["crown"][:, 1]
    acting = (times >= 1.5) & (times <= 4.5)
    assert above[acting].max() > 0
    assert above[~acting].max() < -0.1
    for side in SIDES:
        assert np.abs(np.diff(joints[f"wrist_{side}"], axis=0)).max() < 8.0 / 60


def test_perspective_enlarges_what_is_near() -> None:
    camera = Viewpoint((100, 200), 100.0, 2.0, 1.0, 0.0, 0.0, np.zeros((1, 2)))
    points = np.array([[[0.5, 1.0, 0.0]], [[0.5, 1.0, 1.0]], [[0.0, 1.5, 0.0]]])
    pixels, depths = camera.project(points)
    np.testing.assert_allclose(pixels[:, 0], [[125, 50], [150, 50], [100, 25]])
    np.testing.assert_allclose(depths[:, 0], [2, 1, 2])


def test_smoothstep_is_flat_outside() -> None:
    np.testing.assert_allclose(smoothstep(np.array([-1, 0, 0.5, 1, 2.0])), [0, 0, 0.5, 1, 1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": "dance"}, "label must be one of arms_raise"),
        ({"seed": -1}, "seed must be 0 or more"),
        ({"seconds": 0.0}, "must be above 0"),
        ({"frames_per_second": 0.0}, "must be above 0"),
        ({"jitter_seconds": -0.1}, "must be above 0"),
        ({"size_hw": (8, 128)}, "at least"),
    ],
)
def test_wrong_values_are_named(options: dict[str, object], message: str) -> None:
    arguments: dict[str, object] = {"label": "wave", "seed": 0} | options
    label = str(arguments.pop("label"))
    with pytest.raises(ValueError, match=message):
        render_clip(label, **arguments)  # type: ignore[arg-type]


def test_wrong_sequences_are_named() -> None:
    with pytest.raises(ValueError, match="at least one label"):
        render_sequence([], seed=0)
    with pytest.raises(ValueError, match=r"at least 0\.5 s"):
        render_sequence([("wave", 0.2)], seed=0)
    with pytest.raises(ValueError, match="label must be one of"):
        render_sequence([("dance", 2.0)], seed=0)
