"""What has no label, and how often it is made.

Each function takes a random generator and times, float32 of shape (num_windows, num_times), and
returns a `Motion`.
"""

from __future__ import annotations

from rtaction.train.motions.everyday import (
    bending,
    busy,
    chopping,
    dancing,
    errands,
    one_arm_up,
    phantom,
    signing,
    stretching,
    tai_chi,
)
from rtaction.train.motions.exercise import exercising, jumping, yoga
from rtaction.train.motions.floor import get_up, lie_down
from rtaction.train.motions.postures import (
    Act,
    kneeling,
    lying,
    mixture,
    on_all_fours,
    on_chair,
    on_floor,
    stepping,
    still,
)
from rtaction.train.motions.skeleton import (
    Motion,
)
from rtaction.train.motions.timing import (
    Numbers,
    Rng,
)


def slow_changes(rng: Rng, times: Numbers) -> Motion:
    """Lying down with care, getting up a little, sitting up."""

    def lying_down(rng: Rng, times: Numbers) -> Motion:
        return lie_down(rng, times).motion

    def getting_up(rng: Rng, times: Numbers) -> Motion:
        return get_up(rng, times).motion

    return mixture(rng, times, {lying_down: 0.65, getting_up: 0.35})


OTHERS: dict[Act, float] = {
    still: 0.09,
    on_chair: 0.05,
    stepping: 0.05,
    errands: 0.13,
    signing: 0.14,
    busy: 0.08,
    chopping: 0.06,
    stretching: 0.05,
    dancing: 0.05,
    tai_chi: 0.03,
    bending: 0.06,
    exercising: 0.06,
    jumping: 0.04,
    phantom: 0.03,
    yoga: 0.09,
    one_arm_up: 0.02,
    slow_changes: 0.06,
    lying: 0.04,
    on_floor: 0.02,
    kneeling: 0.02,
    on_all_fours: 0.02,
}
"""Movements without a label and how often they are made."""


def other(rng: Rng, times: Numbers) -> Motion:
    """Something that has no label."""
    return mixture(rng, times, OTHERS)
