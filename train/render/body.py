"""A person as bones: proportions, movements of the bones, and the resulting joint positions.

Axes of all positions: x to the viewer's right, y up, z towards the viewer; metres, with the floor
between the feet as origin. The person faces the viewer, so their left hand is at positive x.

Arm directions are *outward* instead: x away from the body's midline, y up, z forward, so that one
description serves both arms. Arms come in the order left, right.

This module knows nothing about cameras, images or labels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rtaction.arrays import Float64Array

SIDES = ("left", "right")
SIDE_SIGNS = (1.0, -1.0)
UPPER_ARM, FOREARM, HAND = 0, 1, 2

# A raised upper arm takes the shoulder along, by this fraction of the stature.
SHOULDER_LIFT = 0.028
# Statures: the pelvis of someone who stands, and a thigh or a shin.
STANDING_HIP = 0.53
HALF_LEG = 0.246


@dataclass(frozen=True, slots=True)
class Body:
    """Proportions of one person, in metres.

    Args:
        stature_metres: height, crown to floor.
        shoulder_half_width_metres: midline to shoulder joint.
        hip_half_width_metres: midline to hip joint.
        upper_arm_metres: shoulder to elbow.
        forearm_metres: elbow to wrist.
        hand_metres: wrist to fingertips.
        build: thickness of limbs and trunk; 1 is average.
    """

    stature_metres: float
    shoulder_half_width_metres: float
    hip_half_width_metres: float
    upper_arm_metres: float
    forearm_metres: float
    hand_metres: float
    build: float


@dataclass(frozen=True, eq=False, slots=True)
class Motion:
    """The pose of a person at each of num_times moments.

    Args:
        arms: float64, shape (num_times, 2, 3, 3): left and right; upper arm, forearm and hand;
            unit vectors in outward axes.
        torso_radians: float64, shape (num_times, 3): pitch, yaw and roll about the pelvis.
        head_radians: float64, shape (num_times, 3): pitch, yaw and roll against the torso.
        pelvis_metres: float64, shape (num_times, 3), offset from standing straight.
        hand_spread: float64, shape (num_times, 2): 0 is a relaxed hand seen from its edge, 1 an
            open palm towards the viewer.
        feet_metres: float64, shape (num_times, 2, 3): left and right, offset from standing.
        turn_radians: float64, shape (num_times, 3): pitch, yaw and roll of the whole person about
            the position of the pelvis when standing.
        place_metres: float64, shape (num_times, 3): offset of the whole person from the origin.
    """

    arms: Float64Array
    torso_radians: Float64Array
    head_radians: Float64Array
    pelvis_metres: Float64Array
    hand_spread: Float64Array
    feet_metres: Float64Array
    turn_radians: Float64Array
    place_metres: Float64Array


def sample_body(rng: np.random.Generator) -> Body:
    """Draw the proportions of one adult or older child."""
    stature = rng.uniform(1.42, 1.95)

    def part(of_stature: float, spread: float = 0.06) -> float:
        return float(stature * of_stature * rng.uniform(1 - spread, 1 + spread))

    return Body(
        stature_metres=float(stature),
        shoulder_half_width_metres=part(0.104, 0.10),
        hip_half_width_metres=part(0.066, 0.12),
        upper_arm_metres=part(0.180),
        forearm_metres=part(0.148),
        hand_metres=part(0.100),
        build=float(rng.uniform(0.82, 1.3)),
    )


def unit(vectors: Float64Array) -> Float64Array:
    """Scale vectors to length 1; float64, shape (..., 3) in and out."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-9))


def smoothstep(x: Float64Array) -> Float64Array:
    """0 below 0, 1 above 1, smooth in between."""
    x = x.clip(0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x))


def smooth_noise(
    rng: np.random.Generator, times_seconds: Float64Array, amplitude: float, hertz: float
) -> Float64Array:
    """Wander about 0, up to about `amplitude`; float64, shape (num_times,).

    Uses up the same amount of `rng` whatever the times.
    """
    rates = hertz * rng.uniform(0.35, 1.0, 3)
    phases = rng.uniform(0, 2 * np.pi, 3)
    waves = np.sin(2 * np.pi * rates * times_seconds[:, np.newaxis] + phases)
    return np.asarray(amplitude * waves.sum(axis=1) / 2)


def arm_reaching(body: Body, wrist: Float64Array, elbow_towards: Float64Array) -> Float64Array:
    """Bend an arm so that its wrist reaches a point.

    Args:
        body: proportions.
        wrist: float64, shape (..., 3): the point, in statures and outward axes, from the middle
            between the shoulders. If it is out of reach, the arm is stretched towards it.
        elbow_towards: float64, shape (3,), direction in which the elbow points.

    Returns:
        float64, shape (..., 3, 3): unit vectors of upper arm, forearm and hand.
    """
    upper, fore = body.upper_arm_metres, body.forearm_metres
    reach = wrist * body.stature_metres - np.array([body.shoulder_half_width_metres, 0.0, 0.0])
    direction = unit(reach)
    distance = np.linalg.norm(reach, axis=-1, keepdims=True)
    distance = distance.clip(1.05 * abs(upper - fore) + 0.02, 0.998 * (upper + fore))
    along = (upper**2 + distance**2 - fore**2) / (2 * distance)
    across = np.sqrt((upper**2 - along**2).clip(0.0))
    pole = elbow_towards - (direction * elbow_towards).sum(-1, keepdims=True) * direction
    elbow = along * direction + across * unit(pole)
    forearm = unit(distance * direction - elbow)
    return np.stack([unit(elbow), forearm, forearm], axis=-2)


def rotations(radians: Float64Array) -> Float64Array:
    """Rotation matrices from pitch, yaw and roll; shape (num_times, 3) to (num_times, 3, 3).

    Positive pitch bows forward, positive yaw turns towards the viewer's right, positive roll leans
    to the viewer's left.
    """
    cx, cy, cz = np.cos(radians).T
    sx, sy, sz = np.sin(radians).T
    zero, one = np.zeros_like(cx), np.ones_like(cx)

    def matrix(*rows: Float64Array) -> Float64Array:
        return np.stack(rows, axis=-1).reshape(-1, 3, 3)

    about_x = matrix(one, zero, zero, zero, cx, -sx, zero, sx, cx)
    about_y = matrix(cy, zero, sy, zero, one, zero, -sy, zero, cy)
    about_z = matrix(cz, -sz, zero, sz, cz, zero, zero, zero, one)
    return about_y @ about_x @ about_z


def head_rotations(motion: Motion) -> Float64Array:
    """Orientation of the head, float64, shape (num_times, 3, 3)."""
    turned = rotations(motion.turn_radians) @ rotations(motion.torso_radians)
    return np.asarray(turned @ rotations(motion.head_radians))


def joint_positions(body: Body, motion: Motion) -> dict[str, Float64Array]:
    """Joint positions.

    Returns:
        float64 arrays of shape (num_times, 3), in metres, named pelvis, waist, neck, head (its
        middle), crown, and with `_left` and `_right`: shoulder, elbow, wrist, fingertips, waist,
        hip, knee, ankle, toe.
    """
    s = body.stature_metres
    torso = rotations(motion.torso_radians)
    head = torso @ rotations(motion.head_radians)
    pelvis = motion.pelvis_metres + np.array([0.0, STANDING_HIP * s, 0.0])

    def on_torso(x: float, y: float, z: float = 0.0) -> Float64Array:
        return np.asarray(pelvis + torso @ np.array([x, y, z]))

    neck = on_torso(0.0, 0.31 * s)
    throat = neck + head @ np.array([0.0, 0.035 * s, 0.008 * s])
    joints = {
        "pelvis": pelvis,
        "waist": on_torso(0.0, 0.10 * s),
        "neck": neck,
        "head": throat + head @ np.array([0.0, 0.058 * s, 0.008 * s]),
        "crown": throat + head @ np.array([0.0, 0.125 * s, 0.0]),
    }
    waist_half_width = 0.72 * body.shoulder_half_width_metres
    for index, (side, sign) in enumerate(zip(SIDES, SIDE_SIGNS, strict=True)):
        mirror = np.array([sign, 1.0, 1.0])
        arm = np.einsum("tij,tkj->tki", torso, motion.arms[:, index] * mirror)
        lift = SHOULDER_LIFT * s * (motion.arms[:, index, UPPER_ARM, 1:2] + 0.2).clip(0.0)
        local = np.array([sign * body.shoulder_half_width_metres, 0.288 * s, 0.0])
        shoulder = pelvis + (torso @ local) + lift * np.array([-0.4 * sign, 1.0, 0.0])
        joints[f"shoulder_{side}"] = shoulder
        joints[f"elbow_{side}"] = shoulder + body.upper_arm_metres * arm[:, UPPER_ARM]
        joints[f"wrist_{side}"] = joints[f"elbow_{side}"] + body.forearm_metres * arm[:, FOREARM]
        joints[f"fingertips_{side}"] = joints[f"wrist_{side}"] + body.hand_metres * arm[:, HAND]
        joints[f"waist_{side}"] = on_torso(sign * waist_half_width, 0.10 * s)
        joints |= _leg(
            body,
            pelvis + torso @ np.array([sign, 0.0, 0.0]) * body.hip_half_width_metres,
            motion.feet_metres[:, index],
            side,
            sign,
        )
    turned, pivot = rotations(motion.turn_radians), np.array([0.0, STANDING_HIP * s, 0.0])
    return {
        name: np.einsum("tij,tj->ti", turned, place - pivot) + pivot + motion.place_metres
        for name, place in joints.items()
    }


def _leg(
    body: Body, hip: Float64Array, foot: Float64Array, side: str, sign: float
) -> dict[str, Float64Array]:
    # Feet stay in place, so swaying bends the legs instead of sliding the shoes.
    s = body.stature_metres
    ankle = foot + np.array([sign * 0.075 * s, 0.04 * s, 0.0])
    half = np.linalg.norm(hip - ankle, axis=-1) / 2
    bent = np.sqrt(((HALF_LEG * s) ** 2 - half**2).clip((0.015 * s) ** 2))
    knee = 0.48 * hip + 0.52 * ankle + bent[:, np.newaxis] * np.array([0.0, 0.0, 1.0])
    toe = ankle + np.array([sign * 0.03 * s, -0.025 * s, 0.10 * s])
    return {f"hip_{side}": hip, f"knee_{side}": knee, f"ankle_{side}": ankle, f"toe_{side}": toe}
